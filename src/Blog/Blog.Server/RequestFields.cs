using System.Globalization;
using Blog.V1;
using Google.Protobuf.WellKnownTypes;
using GrpcCqrs.EventSourcing;
using DomainStatus = Blog.Domain.Posts.PostStatus;

namespace Blog.Server;

/// <summary>Reads request fields whose form the application's types cannot hold when it is wrong.</summary>
internal static class RequestFields
{
    /// <summary>More statuses than there are is a mistake or an attack.</summary>
    private const int MaxStatuses = 8;

    public static DomainStatus[] Statuses(IReadOnlyCollection<PostStatus> statuses)
    {
        if (statuses.Count > MaxStatuses)
        {
            throw RejectedException.Invalid(new FieldViolation("statuses", $"Must be at most {MaxStatuses}."));
        }

        var wanted = statuses.Distinct().ToArray();
        return wanted.Contains(PostStatus.Unspecified) ? [] : [.. wanted.Select(status => (DomainStatus)status).Order()];
    }

    public static bool IsDescending(ListPostsRequest request) => request.Direction switch
    {
        SortDirection.Unspecified => request.OrderBy != V1.PostOrder.Title,
        SortDirection.Ascending => false,
        SortDirection.Descending => true,
        _ => throw RejectedException.Invalid(new FieldViolation("direction", "Must be a known direction.")),
    };

    public static Application.Posts.TimeRange? Range(V1.TimeRange? range, string field) => range is null
        ? null
        : new Application.Posts.TimeRange(Time(range.StartTime, $"{field}.start_time"), Time(range.EndTime, $"{field}.end_time"));

    public static DateTimeOffset? Time(Timestamp? timestamp, string field)
    {
        try
        {
            return timestamp?.ToDateTimeOffset();
        }
        catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
        {
            throw RejectedException.Invalid(new FieldViolation(field, "Must be a time from the year 1 to 9999 with 0 to 999,999,999 nanoseconds."));
        }
    }

    public static DateOnly? Day(string text, string field) => text.Length == 0
        ? null
        : DateOnly.TryParseExact(text, "O", CultureInfo.InvariantCulture, DateTimeStyles.None, out var day)
            ? day
            : throw RejectedException.Invalid(new FieldViolation(field, "Must be a day, such as 2026-11-20."));
}

using GrpcCqrs.EventSourcing;

namespace Blog.Application.Posts;

/// <summary>
/// A page of the days in UTC on which something happened, the earliest first. Start and end are inside; null leaves that end open.
/// Answered from the read database.
/// </summary>
public sealed record ListDailyActivity(DateOnly? Start, DateOnly? End, int PageSize, string PageToken) : IValidatable
{
    /// <summary>The largest page.</summary>
    public const int MaxPageSize = 1_000;

    /// <summary>The page size where none is given.</summary>
    public const int DefaultPageSize = 100;

    /// <inheritdoc/>
    public IEnumerable<FieldViolation> Validate() => PostFields.Check(
        ("page_size", PostFields.CheckPageSize(PageSize, MaxPageSize)),
        ("end_day", Start > End ? "Must not be earlier than start_day." : null));
}

/// <summary>What happened on a day; deleted posts' past counts too.</summary>
/// <param name="Day">The day in UTC.</param>
/// <param name="CreatedCount">Posts created.</param>
/// <param name="EditedCount">Titles and contents changed.</param>
/// <param name="PublishedCount">Posts published.</param>
/// <param name="DeletedCount">Posts deleted.</param>
public sealed record DailyActivityView(DateOnly Day, long CreatedCount, long EditedCount, long PublishedCount, long DeletedCount);

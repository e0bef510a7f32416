using System.ComponentModel.DataAnnotations;
using System.Diagnostics;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Folds;
using GrpcCqrs.Storage.Projections.Rows;
using Microsoft.EntityFrameworkCore;

namespace Blog.Infrastructure.Posts;

/// <summary>What happened on a day in UTC; deleted posts' past counts too.</summary>
public abstract class ActivityRow
{
    /// <summary>Days since 1970-01-01.</summary>
    public required int Day { get; set; }

    /// <summary>Posts created.</summary>
    public required long CreatedCount { get; set; }

    /// <summary>Titles and contents changed.</summary>
    public required long EditedCount { get; set; }

    /// <summary>Posts published.</summary>
    public required long PublishedCount { get; set; }

    /// <summary>Posts deleted.</summary>
    public required long DeletedCount { get; set; }
}

/// <summary>A row of <c>daily_post_activity</c>: what one post adds to a day.</summary>
[PrimaryKey(nameof(PostId), nameof(Day))]
public sealed class DailyPostActivityRow : ActivityRow
{
    /// <summary>The post.</summary>
    [StreamColumn]
    [MaxLength(36)]
    public required string PostId { get; set; }
}

/// <summary>A row of <c>daily_activity</c>.</summary>
[PrimaryKey(nameof(Day))]
public sealed class DailyActivityRow : ActivityRow;

/// <summary>Keeps <c>daily_activity</c>, and beside it what each post adds to which day.</summary>
public sealed class DailyActivityProjection() : FoldProjection<PostDays>(
    [
        StreamTable.Rows<PostDays, PostDay, DailyPostActivityRow>(
            "daily_post_activity",
            post => post.Days,
            (id, day) => new DailyPostActivityRow
            {
                PostId = id,
                Day = day.Day,
                CreatedCount = day.Created,
                EditedCount = day.Edited,
                PublishedCount = day.Published,
                DeletedCount = day.Deleted,
            },
            (post, row) => new PostDays(
                [.. (post ?? PostDays.None).Days, new PostDay(row.Day, row.CreatedCount, row.EditedCount, row.PublishedCount, row.DeletedCount)])),
    ],
    new CountTable<PostDays, DailyActivityRow>(
        "daily_activity",
        post => post.Days.Select(day => new DailyActivityRow
        {
            Day = day.Day,
            CreatedCount = day.Created,
            EditedCount = day.Edited,
            PublishedCount = day.Published,
            DeletedCount = day.Deleted,
        })))
{
    /// <summary>The projection's name.</summary>
    public const string ProjectionName = "daily_activity";

    /// <inheritdoc/>
    public override string Name => ProjectionName;

    /// <inheritdoc/>
    public override int Version => 1;

    /// <inheritdoc/>
    public override string Category => Post.Category;

    /// <inheritdoc/>
    public override IReadOnlyCollection<Type> Handles { get; } =
        [typeof(PostCreated), typeof(PostTitleUpdated), typeof(PostContentEdited), typeof(PostPublished), typeof(PostDeleted)];

    /// <inheritdoc/>
    protected override PostDays? Apply(PostDays? state, EventEnvelope envelope)
    {
        var day = (int)Math.Floor((envelope.Record.Time - DateTimeOffset.UnixEpoch).TotalDays);
        var before = state ?? PostDays.None;
        return envelope.Event switch
        {
            PostCreated => before.Add(day, created: 1),
            PostPublished => before.Add(day, published: 1),
            PostDeleted => before.Add(day, deleted: 1),
            PostTitleUpdated or PostContentEdited => before.Add(day, edited: 1),
            _ => throw new UnreachableException($"{Name} has no case for {envelope.Event.GetType().Name}: add one, or take it out of Handles."),
        };
    }
}

/// <summary>What a post adds to which day.</summary>
/// <param name="Days">The days on which something happened to it.</param>
public sealed record PostDays(IReadOnlyList<PostDay> Days)
{
    internal static readonly PostDays None = new([]);

    internal PostDays Add(int day, long created = 0, long edited = 0, long published = 0, long deleted = 0)
    {
        var index = Days.Count - 1;
        while (index >= 0 && Days[index].Day != day)
        {
            index--;
        }

        var was = index < 0 ? new PostDay(day, 0, 0, 0, 0) : Days[index];
        var now = new PostDay(day, was.Created + created, was.Edited + edited, was.Published + published, was.Deleted + deleted);
        return new PostDays(index < 0 ? [.. Days, now] : [.. Days.Take(index), now, .. Days.Skip(index + 1)]);
    }
}

/// <summary>What a post adds to a day.</summary>
/// <param name="Day">Days since 1970-01-01 in UTC.</param>
/// <param name="Created">1 on the day of its creation.</param>
/// <param name="Edited">How often its title or content was changed.</param>
/// <param name="Published">How often it was published.</param>
/// <param name="Deleted">1 on the day of its deletion.</param>
public sealed record PostDay(int Day, long Created, long Edited, long Published, long Deleted);

/// <summary>Answers <see cref="ListDailyActivity"/>.</summary>
public sealed class ListDailyActivityHandler(ReadDatabase database, PageTokens tokens)
    : IReadModelQueryHandler<ListDailyActivity, Page<DailyActivityView>>
{
    private static readonly DateOnly Epoch = new(1970, 1, 1);

    /// <inheritdoc/>
    public async ValueTask<Page<DailyActivityView>> HandleAsync(ListDailyActivity query, ReadView view, CancellationToken cancellationToken)
    {
        var size = query.PageSize > 0 ? query.PageSize : ListDailyActivity.DefaultPageSize;
        var filters = PageTokens.FiltersOf(query);
        var start = NumberOf(query.Start ?? DateOnly.MinValue);
        var from = tokens.Read(nameof(ListDailyActivity), filters, query.PageToken) is var (last, _) ? Math.Max(last + 1, start) : start;
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        var rows = (await connection.QueryAsync<DailyActivityRow>(new CommandDefinition(
            database.Provider.FirstRows(
                $"SELECT {RowType<DailyActivityRow>.Instance.SelectList()} FROM {view.Table("daily_activity")} WHERE day >= @from AND day <= @end ORDER BY day"),
            new { from, end = NumberOf(query.End ?? DateOnly.MaxValue), count = size + 1 },
            cancellationToken: cancellationToken))).AsList();
        return new Page<DailyActivityView>(
            [.. rows.Take(size).Select(row => new DailyActivityView(
                Epoch.AddDays(row.Day), row.CreatedCount, row.EditedCount, row.PublishedCount, row.DeletedCount))],
            rows.Count > size ? tokens.Write(nameof(ListDailyActivity), filters, rows[size - 1].Day, "") : "");
    }

    private static long NumberOf(DateOnly day) => day.DayNumber - Epoch.DayNumber;
}

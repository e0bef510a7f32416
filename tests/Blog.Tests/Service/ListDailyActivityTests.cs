using System.Globalization;
using Blog.V1;
using Dapper;
using GrpcCqrs.Storage.Databases;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace Blog.Tests.Service;

public sealed class ListDailyActivityTests(BlogService blog) : IClassFixture<BlogService>
{
    [Fact]
    public async Task A_day_counts_what_happened_on_it_to_posts_deleted_since_too()
    {
        var before = (await blog.Queries.ListDailyActivityAsync(new() { StartDay = "2020-01-01" })).Days.Sum(day => day.CreatedCount);
        var id = (await blog.CreateAsync()).PostId;
        await blog.Commands.EditPostContentAsync(new() { PostId = id, Content = "Other" });
        await blog.Commands.ChangePostTitleAsync(new() { PostId = id, Title = "Other" });
        await blog.PublishAsync(id);
        await blog.Commands.UnpublishPostAsync(new() { PostId = id });
        await blog.PublishAsync(id);
        var deleted = await blog.Commands.DeletePostAsync(new() { PostId = id });

        // The past may hold days that another test has put there; midnight may come while this one runs.
        var answer = await blog.Queries.ListDailyActivityAsync(new() { StartDay = "2020-01-01", ConsistencyToken = deleted.ConsistencyToken });
        Assert.Equal((1, 2, 2, 1), (
            answer.Days.Sum(day => day.CreatedCount) - before, answer.Days.Sum(day => day.EditedCount), answer.Days.Sum(day => day.PublishedCount),
            answer.Days.Sum(day => day.DeletedCount)));
        var history = await blog.HistoryAsync(id);
        Assert.Equal(
            history.Select(entry => entry.Time.ToDateTimeOffset().ToString("yyyy-MM-dd", CultureInfo.InvariantCulture)).Distinct(StringComparer.Ordinal),
            answer.Days.Select(day => day.Day));
        Assert.True(answer.Position > 0);
        Assert.NotEmpty(answer.ConsistencyToken);
    }

    [Fact]
    public async Task A_range_holds_both_ends_and_pages_put_together_are_the_whole_range()
    {
        // The tables are emptied once, when the service first projects.
        var token = (await blog.CreateAsync()).ConsistencyToken;
        await blog.Queries.ListDailyActivityAsync(new() { ConsistencyToken = token });
        await blog.InsertActivityAsync(-1, 0, 1, 2, 4);
        foreach (var pageSize in (int[])[1, 2, 4, 5, 0])
        {
            Assert.Equal(["1970-01-01", "1970-01-02", "1970-01-03"], await DaysAsync("1970-01-01", "1970-01-04", pageSize));
            Assert.Equal(["1969-12-31", "1970-01-01", "1970-01-02", "1970-01-03", "1970-01-05"], await DaysAsync("", "1970-01-05", pageSize));
        }

        var day = Assert.Single((await blog.Queries.ListDailyActivityAsync(new() { StartDay = "1970-01-05", EndDay = "1970-01-05" })).Days);
        Assert.Equal(("1970-01-05", 1, 2, 3, 4), (day.Day, day.CreatedCount, day.EditedCount, day.PublishedCount, day.DeletedCount));
        Assert.Empty((await blog.Queries.ListDailyActivityAsync(new() { StartDay = "0001-01-01", EndDay = "1969-12-30" })).Days);
        Assert.Empty((await blog.Queries.ListDailyActivityAsync(new() { StartDay = "9999-12-31", EndDay = "9999-12-31" })).Days);
    }

    private async Task<IReadOnlyList<string>> DaysAsync(string start, string end, int pageSize)
    {
        var days = new List<string>();
        var request = new ListDailyActivityRequest { StartDay = start, EndDay = end, PageSize = pageSize };
        do
        {
            var page = await blog.Queries.ListDailyActivityAsync(request);
            days.AddRange(page.Days.Select(day => day.Day));
            request.PageToken = page.NextPageToken;
        }
        while (request.PageToken.Length > 0);
        return days;
    }
}

/// <summary>Activity of days that no test can wait for.</summary>
internal static class ActivityOfOtherDays
{
    /// <summary>Writes activity into the read database, which must have projected before.</summary>
    /// <param name="blog">The service.</param>
    /// <param name="days">The days, counted from 1970-01-01.</param>
    public static async Task InsertActivityAsync(this BlogService blog, params int[] days)
    {
        await using var connection = await blog.Services.GetRequiredService<ReadDatabase>().OpenAsync(CancellationToken.None);
        await connection.ExecuteAsync(
            "INSERT INTO daily_activity_g1 (day, created_count, edited_count, published_count, deleted_count) VALUES (@day, 1, 2, 3, 4)",
            days.Select(day => new { day }));
    }
}

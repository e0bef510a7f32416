using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Rows;

namespace Blog.Infrastructure.Posts;

/// <summary>Answers <see cref="WatchPosts"/>: the read model's posts first, then those that the event feed says have changed.</summary>
public sealed class WatchPostsHandler(ReadDatabase database, IReadModel readModel, IReadModelChanges changes) : IReadModelWatchHandler<WatchPosts, PostChangeView>
{
    private const int PageSize = 100;

    private static readonly string[] Projections = [PostListProjection.ProjectionName];

    /// <inheritdoc/>
    public async IAsyncEnumerable<QueryAnswer<PostChangeView>> WatchAsync(
        WatchPosts query, ReadView view, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        // What changes while the posts are read is sent once more after them.
        var reported = query.AfterPosition ?? view.Position;
        if (query.AfterPosition is null)
        {
            var last = "";
            while (true)
            {
                var page = await ReadAsync(query, view, "p.post_id > @last", new { last }, PageSize, cancellationToken);
                foreach (var row in page)
                {
                    yield return new(new PostChangeView.Present(row.ToView()), 0);
                }

                if (page.Count < PageSize)
                {
                    break;
                }

                // The tables may have been switched while the client took its time.
                (last, view) = (page[^1].PostId, await readModel.ViewAsync(Projections, cancellationToken));
            }

            yield return new(new PostChangeView.CaughtUp(), reported);
        }

        await foreach (var change in changes.FollowAsync(Post.Category, reported, Projections, cancellationToken))
        {
            if (change.Streams.Count == 0)
            {
                reported = change.Position;
                yield return new(new PostChangeView.Checkpoint(), reported);
                continue;
            }

            string[] ids = [.. change.Streams.Select(stream => stream.Id)];
            var present = (await ReadAsync(query, change.View, $"p.post_id IN ({string.Join(", ", ids.Select((_, index) => $"@id{index}"))})", Numbered(ids), ids.Length, cancellationToken))
                .ToDictionary(row => row.PostId, StringComparer.Ordinal);
            for (var index = 0; index < ids.Length; index++)
            {
                reported = index == ids.Length - 1 ? change.Position : reported;
                yield return new(
                    present.TryGetValue(ids[index], out var row) ? new PostChangeView.Present(row.ToView()) : new PostChangeView.Left(ids[index]),
                    reported);
            }
        }
    }

    /// <summary>One parameter each: drivers differ in how they take lists.</summary>
    private static Dictionary<string, object> Numbered(string[] ids) =>
        ids.Select((id, index) => (id, index)).ToDictionary(pair => string.Create(CultureInfo.InvariantCulture, $"id{pair.index}"), pair => (object)pair.id, StringComparer.Ordinal);

    private async Task<List<PostListRow>> ReadAsync(
        WatchPosts query, ReadView view, string condition, object values, int count, CancellationToken cancellationToken)
    {
        var sql = new StringBuilder($"SELECT {RowType<PostListRow>.Instance.SelectList("p")} FROM {view.Table("post_list")} p WHERE {condition}");
        var parameters = new DynamicParameters(values);
        PostFilters.Append(sql, parameters, view, query.Statuses, query.Tag);
        PostFilters.AppendAuthor(sql, parameters, database.Provider, query.Author);
        parameters.Add("count", count);
        await using var connection = await database.OpenReaderAsync(cancellationToken);
        return (await connection.QueryAsync<PostListRow>(new CommandDefinition(
            database.Provider.FirstRows(sql.Append(" ORDER BY p.post_id").ToString()), parameters, cancellationToken: cancellationToken))).AsList();
    }
}

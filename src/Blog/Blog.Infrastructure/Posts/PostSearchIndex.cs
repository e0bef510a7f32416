using System.Data.Common;
using Blog.Application.Posts;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace Blog.Infrastructure.Posts;

/// <summary>
/// How a kind of read database searches posts, which differs more between them than all else: what it keeps in <c>post_search</c>, and
/// how it finds. One class a database. Texts that are given to it hold no <see cref="MatchMarks"/>.
/// </summary>
internal abstract class PostSearchIndex
{
    /// <summary>The tables that the index is kept in.</summary>
    public abstract IReadOnlyList<ProjectionTable> Tables { get; }

    /// <summary>A SELECT of what the tables say: <c>post_id</c>, <c>title</c>, <c>content</c>.</summary>
    public abstract string Rows { get; }

    /// <summary>The index of a database.</summary>
    /// <exception cref="InvalidOperationException">There is none: a fault of the service's set-up.</exception>
    public static PostSearchIndex For(DatabaseProvider provider) => provider.Name switch
    {
        "Sqlite" => new SqliteSearchIndex(),
        "PostgreSql" => new PostgreSqlSearchIndex(),
        "SqlServer" => new SqlServerSearchIndex(),
        _ => throw new InvalidOperationException($"There is no search on {provider.Name}."),
    };

    /// <summary>Brings the index up to date with what a batch makes of posts, by their ids.</summary>
    public abstract Task WriteAsync(IReadOnlyDictionary<string, SearchEntry> posts, IProjectionTables tables, CancellationToken cancellationToken);

    /// <summary>Finds posts, the best match first.</summary>
    /// <param name="connection">The read database.</param>
    /// <param name="view">The live tables.</param>
    /// <param name="query">What to look for.</param>
    /// <param name="filter">More conditions on <c>post_list</c>, which is <c>p</c>; each begins with AND.</param>
    /// <param name="parameters">The parameters of the conditions, and <c>count</c> and <c>offset</c>: which stretch of the hits.</param>
    /// <param name="cancellationToken">Ends the search.</param>
    public abstract Task<List<SearchHitView>> FindAsync(
        DbConnection connection, ReadView view, string query, string filter, DynamicParameters parameters, CancellationToken cancellationToken);
}

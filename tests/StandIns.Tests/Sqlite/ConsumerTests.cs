using Dapper;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Xunit;

namespace StandIns.Tests.Sqlite;

/// <summary>What the product builds on the driver: EF Core, Dapper and full-text search.</summary>
public sealed class ConsumerTests : IDisposable
{
    private readonly DatabaseFile _file = new();

    [Fact]
    public void EF_Core_creates_saves_and_queries()
    {
        var id = Guid.CreateVersion7();
        using (var posts = new PostContext(_file))
        {
            Assert.True(posts.Database.EnsureCreated());
            posts.AddRange(
                new Post { Id = id, Title = "Grüße", Price = 9.5m, At = DateTimeOffset.UnixEpoch, Body = [1, 2] },
                new Post { Id = Guid.CreateVersion7(), Title = "Other", Price = 10.25m });
            Assert.Equal(2, posts.SaveChanges());
        }

        using (var posts = new PostContext(_file))
        {
            var post = posts.Posts.Single(post => post.Id == id);
            Assert.Equal(("Grüße", 9.5m, DateTimeOffset.UnixEpoch), (post.Title, post.Price, post.At));
            Assert.Equal([1, 2], post.Body);

            // These run in functions, aggregates and collations that the provider defines.
            Assert.Equal(19.75m, posts.Posts.Sum(post => post.Price));
            Assert.Equal("Other", posts.Posts.OrderByDescending(post => post.Price).First().Title);
            Assert.Equal("Other", posts.Posts.Single(post => post.Price > 9.75m).Title);
            Assert.Equal("Other", posts.Posts.FromSql($"SELECT * FROM Posts WHERE Title REGEXP '^O.+r$'").Single().Title);

            post.Title = "Changed";
            Assert.Equal(1, posts.SaveChanges());
        }
    }

    [Fact]
    public void EF_Core_reports_a_unique_violation()
    {
        using var posts = new PostContext(_file);
        posts.Database.EnsureCreated();
        posts.AddRange(
            new Post { Id = Guid.CreateVersion7(), Title = "Same" },
            new Post { Id = Guid.CreateVersion7(), Title = "Same" });

        var exception = Assert.Throws<DbUpdateException>(() => posts.SaveChanges());

        Assert.Equal(2067, Assert.IsType<SqliteException>(exception.InnerException).SqliteExtendedErrorCode);
    }

    [Fact]
    public async Task Dapper_inserts_returning_and_reads_back()
    {
        using var connection = _file.Open();
        await connection.ExecuteAsync("CREATE TABLE t (Id INTEGER PRIMARY KEY, Name TEXT, Data BLOB)");

        var first = await connection.QuerySingleAsync<long>("INSERT INTO t (Name, Data) VALUES (@Name, @Data) RETURNING Id", new { Name = "日本", Data = new byte[] { 7 } });
        await connection.ExecuteAsync("INSERT INTO t (Name) VALUES (@Name)", new[] { new { Name = "b" }, new { Name = "c" } });
        var rows = (await connection.QueryAsync<Row>("SELECT Id, Name, Data FROM t WHERE Id IN @Ids ORDER BY Id", new { Ids = new[] { first, 3 } })).AsList();

        Assert.Equal(["日本", "c"], rows.Select(row => row.Name));
        Assert.Equal([7], rows[0].Data!);
        Assert.Null(rows[1].Data);
    }

    [Fact]
    public void Full_text_search_finds_and_quotes()
    {
        using var connection = _file.Open();
        connection.Execute(
            """
            CREATE VIRTUAL TABLE posts USING fts5 (title, body);
            INSERT INTO posts VALUES ('Über Ströme', 'Ein Ereignis folgt dem anderen'), ('Other', 'Nothing of the kind')
            """);

        Assert.Equal("Ein [Ereignis] folgt dem…", connection.Scalar("SELECT snippet(posts, 1, '[', ']', '…', 4) FROM posts WHERE posts MATCH $q ORDER BY rank", ("$q", "ereignis")));
        Assert.Equal("Über Ströme", connection.Scalar("SELECT title FROM posts WHERE posts MATCH $q", ("$q", "strome")));
    }

    public void Dispose() => _file.Dispose();

    private sealed class Row
    {
        public long Id { get; init; }

        public string? Name { get; init; }

        public byte[]? Data { get; init; }
    }

    private sealed class Post
    {
        public Guid Id { get; init; }

        public string Title { get; set; } = string.Empty;

        public decimal Price { get; init; }

        public DateTimeOffset At { get; init; }

        public byte[]? Body { get; init; }
    }

    private sealed class PostContext(DatabaseFile file) : DbContext
    {
        internal DbSet<Post> Posts => Set<Post>();

        protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder) =>
            optionsBuilder.UseSqlite($"Data Source={file.Path};Pooling=False");

        protected override void OnModelCreating(ModelBuilder modelBuilder) =>
            modelBuilder.Entity<Post>().HasIndex(post => post.Title).IsUnique();
    }
}

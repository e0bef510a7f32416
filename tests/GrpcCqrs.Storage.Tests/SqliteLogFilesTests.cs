using System.Globalization;
using GrpcCqrs.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Logs that are written a transaction at a time hold what SQLite's own file system would have written.</summary>
public sealed class SqliteLogFilesTests : IDisposable
{
    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("grpccqrs-log-");

    public SqliteLogFilesTests()
    {
        // Sets up the library.
        Assert.Equal("Sqlite", new SqliteProvider().Name);
        using var connection = Open();
        Execute(connection, "PRAGMA journal_mode = WAL; CREATE TABLE things (id INTEGER PRIMARY KEY, body BLOB)");
    }

    private string File => Path.Combine(directory.FullName, "things.db");

    public void Dispose() => CleanUp.DeleteDirectory(directory.FullName);

    [Theory]
    [InlineData("OFF")]
    [InlineData("NORMAL")]
    [InlineData("FULL")]
    public void What_is_committed_is_read_through_SQLites_own_file_system_at_once(string synchronous)
    {
        using var writer = Open();
        using var reader = OpenWithOwnFileSystem();
        Execute(writer, $"PRAGMA synchronous = {synchronous}");
        for (var id = 1; id <= 50; id++)
        {
            Execute(writer, string.Create(CultureInfo.InvariantCulture, $"INSERT INTO things VALUES ({id}, randomblob({id * 300}))"));

            Assert.Equal(id, Count(reader));
        }
    }

    [Fact]
    public void Pages_that_were_spilled_and_rolled_back_do_not_come_back_over_another_writers()
    {
        using var spilling = Open();
        using var other = Open();
        Execute(spilling, "PRAGMA cache_size = 5; BEGIN IMMEDIATE");
        for (var id = 1; id <= 500; id++)
        {
            Execute(spilling, $"INSERT INTO things VALUES ({id}, randomblob(2000))");
        }

        Execute(spilling, "ROLLBACK");
        Execute(other, "INSERT INTO things VALUES (7, randomblob(9000))");
        Execute(spilling, "INSERT INTO things VALUES (8, x'01')");

        Assert.Equal(["7", "8"], Ids(other));
        using var reader = OpenWithOwnFileSystem();
        Assert.Equal(["7", "8"], Ids(reader));
        Assert.Equal("ok", Scalar(reader, "PRAGMA integrity_check"));
    }

    [Theory]
    [InlineData(1)]
    [InlineData(2)]
    [InlineData(3)]
    [InlineData(4)]
    public void Writers_that_take_turns_spill_roll_back_and_checkpoint_leave_what_they_committed(int seed)
    {
        var random = new Random(seed);
        SqliteConnection[] writers = [Open(), Open(), OpenWithOwnFileSystem()];
        using var reader = OpenWithOwnFileSystem();
        var expected = new SortedSet<int>();
        Array.ForEach(writers, writer => Execute(writer, "PRAGMA cache_size = 8; PRAGMA wal_autocheckpoint = 40"));
        for (var turn = 0; turn < 120; turn++)
        {
            var writer = writers[random.Next(writers.Length)];
            var after = new SortedSet<int>(expected);
            Execute(writer, "BEGIN IMMEDIATE");
            Change(writer, random, after);
            Execute(writer, "SAVEPOINT inner");
            var inner = new SortedSet<int>(after);
            Change(writer, random, inner);
            var keepsInner = random.Next(2) == 0;
            Execute(writer, keepsInner ? "RELEASE inner" : "ROLLBACK TO inner");
            var commits = random.Next(3) > 0;
            Execute(writer, commits ? "COMMIT" : "ROLLBACK");
            expected = commits ? keepsInner ? inner : after : expected;

            Assert.Equal(expected.Select(id => id.ToString(CultureInfo.InvariantCulture)), Ids(reader));
        }

        Assert.Equal("ok", Scalar(reader, "PRAGMA integrity_check"));
        Array.ForEach(writers, writer => writer.Dispose());
    }

    [Fact]
    public void Upkeep_copies_a_log_that_has_grown_so_that_it_begins_anew_and_leaves_a_short_one()
    {
        var provider = new SqliteProvider();
        using var writer = Open();
        Execute(writer, "PRAGMA wal_autocheckpoint = 0; INSERT INTO things VALUES (1, randomblob(1000000))");
        provider.KeepUp(writer);
        Execute(writer, "INSERT INTO things VALUES (2, randomblob(5000000))");
        var grown = LogLength();
        Assert.InRange(grown, 6_000_000, 6_500_000);

        provider.KeepUp(writer);
        Execute(writer, "INSERT INTO things VALUES (3, randomblob(3000000))");
        provider.KeepUp(writer);
        Assert.Equal(grown, LogLength());
        Execute(writer, "INSERT INTO things VALUES (4, randomblob(4000000))");
        Assert.True(LogLength() > grown);

        using var reader = OpenWithOwnFileSystem();
        Assert.Equal(["1", "2", "3", "4"], Ids(reader));
        Assert.Equal("ok", Scalar(reader, "PRAGMA integrity_check"));
    }

    private long LogLength() => new FileInfo(File + "-wal").Length;

    private static void Change(SqliteConnection writer, Random random, SortedSet<int> ids)
    {
        for (var change = random.Next(12); change >= 0; change--)
        {
            var id = random.Next(400);
            if (!ids.Add(id))
            {
                ids.Remove(id);
                Execute(writer, $"DELETE FROM things WHERE id = {id}");
            }
            else
            {
                Execute(writer, $"INSERT INTO things VALUES ({id}, randomblob({random.Next(1, 20_000)}))");
            }
        }
    }

    private SqliteConnection Open() => Opened($"Data Source={File};Pooling=False");

    private SqliteConnection OpenWithOwnFileSystem() => Opened($"Data Source=file:{File}?vfs=unix;Pooling=False");

    private static SqliteConnection Opened(string connectionString)
    {
        var connection = new SqliteConnection(connectionString);
        connection.Open();
        return connection;
    }

    private static void Execute(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        command.ExecuteNonQuery();
    }

    private static object? Scalar(SqliteConnection connection, string text)
    {
        using var command = connection.CreateCommand();
        command.CommandText = text;
        return command.ExecuteScalar();
    }

    private static long Count(SqliteConnection connection) => (long)Scalar(connection, "SELECT COUNT(*) FROM things")!;

    private static string[] Ids(SqliteConnection connection) =>
        (Scalar(connection, "SELECT group_concat(id) FROM (SELECT id FROM things ORDER BY id)") as string)?.Split(',') ?? [];
}

using System.Data.Common;
using Dapper;
using GrpcCqrs.Storage.Sqlite;
using Microsoft.Data.Sqlite;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Connections that keep what they prepare answer as the driver's own do.</summary>
public sealed class SqliteReaderTests : IAsyncLifetime
{
    private const string Endless =
        "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 1000000000000) SELECT max(i) FROM n";

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("grpccqrs-readers-");
    private readonly SqliteProvider provider = new();
    private DbDataSource readers = null!;

    private string File => Path.Combine(directory.FullName, "read.db");

    private string ConnectionString => $"Data Source={File};Pooling=False";

    public async Task InitializeAsync()
    {
        await ExecuteAsync(
            "PRAGMA journal_mode = WAL;"
            + "CREATE TABLE things (id INTEGER PRIMARY KEY, name TEXT, size REAL, body BLOB, owner TEXT);"
            + "INSERT INTO things VALUES (1, NULL, NULL, NULL, NULL), (2, 'zwei – ☃', 2.5, x'00ff', '0193B5A0-7C1E-7000-8000-0000000000AB'), (3, '', -1, x'', NULL)");
        readers = provider.CreateReaders(ConnectionString);
    }

    public async Task DisposeAsync()
    {
        await readers.DisposeAsync();
        CleanUp.DeleteDirectory(directory.FullName);
    }

    [Fact]
    public async Task Values_are_those_that_the_driver_reads()
    {
        const string text = "SELECT id, name, size, body, owner, id * 2 AS twice, name || '!' AS louder FROM things ORDER BY id";
        await using var driver = new SqliteConnection(ConnectionString);
        await driver.OpenAsync();
        var expected = await ReadAllAsync(driver, text);
        for (var use = 0; use < 3; use++)
        {
            await using var connection = await readers.OpenConnectionAsync();
            Assert.Equal(expected, await ReadAllAsync(connection, text));
        }
    }

    [Fact]
    public async Task Dapper_maps_rows_of_nulls_and_of_values_with_one_statement()
    {
        for (var use = 0; use < 2; use++)
        {
            await using var connection = await readers.OpenConnectionAsync();
            var nothing = await connection.QuerySingleAsync<Thing>("SELECT id AS Id, name AS Name, length(name) AS Length FROM things WHERE id = @id", new { id = 1 });
            var two = await connection.QuerySingleAsync<Thing>("SELECT id AS Id, name AS Name, length(name) AS Length FROM things WHERE id = @id", new { id = 2L });
            Assert.Equal((1, null, null), (nothing.Id, nothing.Name, nothing.Length));
            Assert.Equal((2, "zwei – ☃", 8), (two.Id, two.Name, two.Length));
        }
    }

    [Fact]
    public async Task Every_kind_of_parameter_finds_what_the_driver_wrote_with_it()
    {
        var owner = Guid.Parse("0193b5a0-7c1e-7000-8000-0000000000ab");
        await using var connection = await readers.OpenConnectionAsync();
        Assert.Equal(2, await connection.ExecuteScalarAsync<long>("SELECT id FROM things WHERE owner = @owner", new { owner }));
        Assert.Equal(2, await connection.ExecuteScalarAsync<long>("SELECT id FROM things WHERE body = @body", new { body = new byte[] { 0, 255 } }));
        Assert.Equal(2, await connection.ExecuteScalarAsync<long>("SELECT id FROM things WHERE size = @size", new { size = 2.5 }));
        Assert.Equal(3, await connection.ExecuteScalarAsync<long>("SELECT id FROM things WHERE name = @name", new { name = "" }));
        Assert.Equal(3, await connection.ExecuteScalarAsync<long>("SELECT count(*) FROM things WHERE @none IS NULL", new { none = (string?)null }));
        Assert.Equal(3, await connection.ExecuteScalarAsync<long>("SELECT id FROM things WHERE id = @day", new { day = DayOfWeek.Wednesday }));
    }

    [Fact]
    public async Task A_query_that_was_given_up_interrupts_nobody_who_gets_its_connection_later()
    {
        var pooled = $"Data Source={File}";
        var others = provider.CreateReaders(pooled);
        using (var impatience = new CancellationTokenSource(TimeSpan.FromMilliseconds(50)))
        {
            await using var connection = await others.OpenConnectionAsync();
            await Assert.ThrowsAsync<OperationCanceledException>(() => connection.ExecuteScalarAsync<long>(new CommandDefinition(Endless, cancellationToken: impatience.Token)));
        }

        await others.DisposeAsync();
        await using var driver = new SqliteConnection(pooled);
        const string counting = "WITH RECURSIVE n (i) AS (SELECT 1 UNION ALL SELECT i + 1 FROM n WHERE i < 100000) SELECT max(i) FROM n";
        Assert.Equal(100_000, await driver.ExecuteScalarAsync<long>(counting));
        SqliteConnection.ClearPool(driver);
    }

    [Fact]
    public async Task What_SQLite_does_not_take_is_the_drivers_exception()
    {
        await using var connection = await readers.OpenConnectionAsync();
        await Assert.ThrowsAsync<SqliteException>(() => connection.QueryAsync<long>("SELECT nothing FROM things"));
        Assert.Equal(3, await connection.QuerySingleAsync<long>("SELECT max(id) FROM things"));
    }

    [Fact]
    public async Task One_text_can_run_twice_at_a_time_on_one_connection()
    {
        await using var connection = await readers.OpenConnectionAsync();
        var pairs = new List<(long, long)>();
        await foreach (var outer in connection.QueryUnbufferedAsync<long>("SELECT id FROM things ORDER BY id"))
        {
            await foreach (var inner in connection.QueryUnbufferedAsync<long>("SELECT id FROM things ORDER BY id"))
            {
                pairs.Add((outer, inner));
            }
        }

        Assert.Equal([(1, 1), (1, 2), (1, 3), (2, 1), (2, 2), (2, 3), (3, 1), (3, 2), (3, 3)], pairs);
    }

    [Fact]
    public async Task A_kept_statement_sees_later_rows_and_a_changed_schema()
    {
        Assert.Equal(3, await CountAsync());
        await ExecuteAsync("INSERT INTO things (id) VALUES (4); CREATE INDEX by_name ON things (name); ALTER TABLE things ADD COLUMN more TEXT");
        Assert.Equal(4, await CountAsync());

        async Task<long> CountAsync()
        {
            await using var connection = await readers.OpenConnectionAsync();
            return await connection.QuerySingleAsync<long>("SELECT count(*) FROM things WHERE name IS NULL OR name IS NOT NULL");
        }
    }

    [Fact]
    public async Task A_snapshot_stands_still_and_ends_with_the_connection()
    {
        await using (var connection = provider.CreateConnection(ConnectionString))
        {
            await connection.OpenAsync();
            await provider.BeginSnapshotAsync(connection, CancellationToken.None);
            Assert.Equal(3, await connection.QuerySingleAsync<long>("SELECT count(*) FROM things"));
            await ExecuteAsync("INSERT INTO things (id) VALUES (4)");
            Assert.Equal(3, await connection.QuerySingleAsync<long>("SELECT count(*) FROM things"));
        }

        await using var next = await readers.OpenConnectionAsync();
        Assert.Equal(4, await next.QuerySingleAsync<long>("SELECT count(*) FROM things"));
    }

    [Fact]
    public async Task A_caller_that_gives_up_ends_a_query_in_the_middle_of_a_step()
    {
        await using var connection = await readers.OpenConnectionAsync();
        using var giveUp = new CancellationTokenSource();
        var query = Task.Run(() => connection.QuerySingleAsync<long>(new CommandDefinition(Endless, cancellationToken: giveUp.Token)));
        await Task.Delay(50);
        Assert.False(query.IsCompleted);
        await giveUp.CancelAsync();
        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => query.WaitAsync(Patience.Limit));
        Assert.Equal(3, await connection.QuerySingleAsync<long>("SELECT count(*) FROM things"));
    }

    [Fact]
    public async Task A_caller_that_gives_up_ends_a_query_that_has_returned_a_row()
    {
        await using var connection = await readers.OpenConnectionAsync();
        using var giveUp = new CancellationTokenSource();
        await using var command = connection.CreateCommand();
        command.CommandText = "SELECT 1 UNION ALL SELECT * FROM (" + Endless + ")";
        await using var reader = await command.ExecuteReaderAsync(giveUp.Token);
        Assert.True(await reader.ReadAsync(giveUp.Token));
        var next = Task.Run(() => reader.ReadAsync(giveUp.Token));
        await Task.Delay(50);
        Assert.False(next.IsCompleted);
        await giveUp.CancelAsync();
        await Assert.ThrowsAsync<SqliteException>(() => next.WaitAsync(TimeSpan.FromSeconds(30)));
    }

    [Fact]
    public async Task A_caller_may_give_up_at_any_moment()
    {
        await using var connection = await readers.OpenConnectionAsync();
        for (var round = 0; round < 500; round++)
        {
            using var giveUp = new CancellationTokenSource();
            using var start = new Barrier(2);
            var query = Task.Run(() =>
            {
                start.SignalAndWait();
                return connection.QuerySingleAsync<long>(new CommandDefinition(Endless, cancellationToken: giveUp.Token));
            });
            start.SignalAndWait();
            Thread.SpinWait(round % 500 * 10);
            giveUp.Cancel();
            await Assert.ThrowsAnyAsync<OperationCanceledException>(() => query.WaitAsync(Patience.Limit));
        }

        Assert.Equal(3, await connection.QuerySingleAsync<long>("SELECT count(*) FROM things"));
    }

    [Fact]
    public async Task Many_callers_share_connections_and_none_gets_another_ones_rows()
    {
        await Parallel.ForAsync(0, 2_000, new ParallelOptions { MaxDegreeOfParallelism = 16 }, async (number, cancellationToken) =>
        {
            await using var connection = await readers.OpenConnectionAsync(cancellationToken);
            var rows = await connection.QueryAsync<long>("SELECT id + @number FROM things ORDER BY id", new { number });
            await Task.Yield();
            Assert.Equal([number + 1, number + 2, number + 3], rows);
        });
    }

    [Fact]
    public async Task Connections_are_closed_with_their_source()
    {
        await using (await readers.OpenConnectionAsync())
        {
            Assert.NotEqual(0, OpenFiles());
            await readers.DisposeAsync();
        }

        Assert.Equal(0, OpenFiles());
        await Assert.ThrowsAsync<ObjectDisposedException>(async () => await readers.OpenConnectionAsync());

        int OpenFiles() => Directory.EnumerateFiles("/proc/self/fd").Count(IsOurs);

        bool IsOurs(string descriptor)
        {
            try
            {
                return System.IO.File.ResolveLinkTarget(descriptor, returnFinalTarget: false)?.FullName == File;
            }
            catch (FileNotFoundException)
            {
                // Another test's, closed since it was listed.
                return false;
            }
        }
    }

    private static async Task<List<object[]>> ReadAllAsync(DbConnection connection, string text)
    {
        await using var command = connection.CreateCommand();
        command.CommandText = text;
        await using var reader = await command.ExecuteReaderAsync();
        var rows = new List<object[]>();
        while (await reader.ReadAsync())
        {
            var row = new object[reader.FieldCount + 1];
            reader.GetValues(row);
            row[^1] = string.Join(' ', Enumerable.Range(0, reader.FieldCount).Select(index => $"{reader.GetName(index)} {reader.IsDBNull(index)}"));
            rows.Add(row);
        }

        return rows;
    }

    private async Task ExecuteAsync(string text)
    {
        await using var connection = new SqliteConnection(ConnectionString);
        await connection.ExecuteAsync(text);
    }

    private sealed class Thing
    {
        public long Id { get; set; }

        public string? Name { get; set; }

        public long? Length { get; set; }
    }
}

using System.ComponentModel.DataAnnotations;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Projections.Folds;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What folds write, and how: whatever the database, by difference and once a batch.</summary>
public abstract class FoldSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    /// <summary>More rows than one round trip takes.</summary>
    private const int Rows = 1_234;

    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task Many_rows_are_written_and_found_by_their_keys_and_only_in_the_generation_that_is_meant()
    {
        await using var store = await StartAsync(fixture.NewStore());
        await using var connection = await store.OpenWriteAsync();
        await connection.ExecuteAsync("CREATE TABLE fold_rows_g1 (id VARCHAR(50) NOT NULL PRIMARY KEY, amount BIGINT NULL, note VARCHAR(50) NULL)");
        await connection.ExecuteAsync("CREATE TABLE fold_rows_g2 (id VARCHAR(50) NOT NULL PRIMARY KEY, amount BIGINT NULL, note VARCHAR(50) NULL)");
        await using var transaction = await connection.BeginTransactionAsync();
        using var tables = new ProjectionTables(connection, generation: 1, store.Services.GetRequiredService<ReadDatabase>().Provider) { Open = transaction };
        object?[][] rows = [.. Enumerable.Range(0, Rows).Select(number => (object?[])[$"row {number}", (long)number, number % 2 == 0 ? null : "odd"])];
        await tables.ExecuteManyAsync("INSERT INTO {fold_rows} (id, amount, note) VALUES (@id, @amount, @note)", ["id", "amount", "note"], rows, None);
        await tables.ExecuteManyAsync(
            "UPDATE {fold_rows} SET amount = @amount WHERE id = @id", ["amount", "id"], [.. rows.Take(700).Select(row => (object?[])[(long)row[1]! + 10_000, row[0]])], None);
        await tables.ExecuteManyAsync("DELETE FROM {fold_rows} WHERE id = @id", ["id"], [], None);

        foreach (var count in (int[])[0, 1, 2, 10, 11, 99, 100, 101, Rows])
        {
            var found = new Dictionary<string, (long, bool)>(StringComparer.Ordinal);
            string[] keys = [.. rows.TakeLast(count).Select(row => (string)row[0]!), "no such row"];
            await new KeyedSelect("SELECT id, amount, note FROM {fold_rows}", "id").ReadAsync(
                keys, tables, row => found.Add(row.GetString(0), (row.GetInt64(1), row.IsDBNull(2))), None);
            Assert.Equal(
                rows.TakeLast(count).ToDictionary(row => (string)row[0]!, row => ((long)row[1]! + ((long)row[1]! < 700 ? 10_000 : 0), row[2] is null), StringComparer.Ordinal),
                found);
        }

        Assert.Equal([0L], await tables.QueryAsync("SELECT COUNT(*) FROM fold_rows_g2", [], row => Convert.ToInt64(row.GetValue(0), System.Globalization.CultureInfo.InvariantCulture), None));
        await transaction.CommitAsync();
    }

    [SkippableFact]
    public async Task Rows_are_changed_as_sets_whatever_values_they_have_and_what_waits_is_written_before_anybody_looks()
    {
        await using var store = await StartAsync(fixture.NewStore());
        await using var connection = await store.OpenWriteAsync();
        await connection.ExecuteAsync(
            "CREATE TABLE fold_sets_g1 (id VARCHAR(50) NOT NULL, part INT NOT NULL, amount BIGINT NULL, note VARCHAR(50) NULL, PRIMARY KEY (id, part))");
        await using var transaction = await connection.BeginTransactionAsync();
        var provider = store.Services.GetRequiredService<WriteDatabase>().Provider;
        var buffer = provider is IWriteGathering ? new WriteBuffer(connection) { Transaction = transaction } : null;
        using var tables = new ProjectionTables(connection, generation: 1, provider, buffer) { Open = transaction };
        var insert = RowChange.Insert("fold_sets", "id", "part", "amount", "note");

        // More rows than one set takes; texts with and without nulls, and a column of nulls alone.
        await tables.ChangeManyAsync(
            insert, [.. Enumerable.Range(0, Rows).Select(number => (object?[])[$"row {number}", number % 7, (long)number, number % 2 == 0 ? null : "odd"])], None);
        await tables.ChangeManyAsync(insert, [["null", 1, null, null], ["null", 2, null, null]], None);
        await tables.ChangeManyAsync(insert, [["one", 1, 1L, "ä ' \" {}"]], None);
        await tables.ChangeManyAsync(insert, [["mixed", 1, 1L, "a"], ["mixed", 2, 2, "b"]], None);
        await tables.ChangeManyAsync(insert, [], None);
        Assert.Equal(Rows + 5, await CountAsync("1 = 1"));
        Assert.Equal((Rows / 2) + 3, await CountAsync("note IS NOT NULL"));
        Assert.Equal(2, await CountAsync("id = 'mixed' AND amount = part"));

        await tables.ChangeManyAsync(RowChange.Update("fold_sets", ["note", "amount"], ["id", "part"]), [["changed", null, "null", 1], [null, 5L, "null", 2], ["changed", 7L, "none", 1]], None);
        await tables.ChangeManyAsync(RowChange.Delete("fold_sets", ["id", "part"]), [["row 0", 0], ["row 1", 1], ["row 2", 1]], None);
        Assert.Equal(1, await CountAsync("id = 'null' AND part = 1 AND note = 'changed' AND amount IS NULL"));
        Assert.Equal(1, await CountAsync("id = 'null' AND part = 2 AND note IS NULL AND amount = 5"));
        Assert.Equal(Rows + 3, await CountAsync("1 = 1"));

        await tables.ChangeManyAsync(RowChange.Delete("fold_sets", ["id"]), [["null"]], None);
        Assert.Equal(1, await tables.ExecuteAsync("DELETE FROM {fold_sets} WHERE id = @id", [("id", "one")], None));
        await tables.ChangeManyAsync(RowChange.Delete("fold_sets", ["id"]), [["mixed"]], None);
        Assert.Equal(Rows - 2, await tables.Transaction.Connection!.ExecuteScalarAsync<long>("SELECT COUNT(*) FROM fold_sets_g1", transaction: tables.Transaction));

        // A refusal is told at the latest when somebody looks.
        await Assert.ThrowsAnyAsync<System.Data.Common.DbException>(async () =>
        {
            await tables.ChangeManyAsync(insert, [["row 3", 3, null, null]], None);
            await CountAsync("1 = 1");
        });

        async Task<long> CountAsync(string condition) => (await tables.QueryAsync(
            $"SELECT COUNT(*) FROM {{fold_sets}} WHERE {condition}", [], row => Convert.ToInt64(row.GetValue(0), System.Globalization.CultureInfo.InvariantCulture), None))[0];
    }

    [SkippableFact]
    public async Task A_row_is_written_once_a_batch_and_an_update_names_only_what_has_changed()
    {
        var recorder = new RecordedTables();
        var projection = new Books();
        await projection.ApplyAsync([Event("a", 1, new LedgerOpened("A")), Event("b", 1, new LedgerOpened("B")), Event("a", 2, new AmountBooked(5))], recorder, None);
        Assert.Equal(["INSERT INTO {books} (id, name, balance) VALUES (@id, @name, @balance): a|A|5; b|B|0"], recorder.Take());

        recorder.Rows = [("a", "A", 5), ("b", "B", 0)];
        await projection.ApplyAsync(
            [Event("a", 3, new AmountBooked(1)), Event("b", 2, new LedgerClosed()), Event("a", 4, new AmountBooked(1)), Event("c", 1, new LedgerOpened("C")), Event("c", 2, new LedgerClosed())],
            recorder,
            None);
        Assert.Equal(
            ["DELETE FROM {books} WHERE id = @id: b", "UPDATE {books} SET balance = @balance WHERE id = @id: 7|a"], recorder.Take());

        recorder.Rows = [("a", "A", 7)];
        await projection.ApplyAsync([Event("a", 5, new AmountBooked(3)), Event("a", 6, new AmountBooked(-3))], recorder, None);
        Assert.Empty(recorder.Take());
    }

    private static EventEnvelope Event(string id, long version, LedgerEvent @event)
    {
        var data = LedgerTypes.Registry.Serialize(@event, DateTimeOffset.UnixEpoch);
        return new EventEnvelope(
            new RecordedEvent
            {
                Position = version,
                Stream = new StreamId("ledger", id),
                Version = version,
                EventId = data.EventId,
                Type = data.Type,
                SchemaVersion = data.SchemaVersion,
                Payload = data.Payload,
                Metadata = new EventMetadata(data.EventId, "correlation", "causation", "tester"),
                Time = DateTimeOffset.UnixEpoch,
            },
            @event);
    }

    private sealed class Books() : FoldProjection<Ledger>(
        [
            StreamTable.Row<Ledger, BookRow>(
                "books", (id, ledger) => new BookRow { Id = id, Name = ledger.Name, Balance = ledger.Balance }, row => new Ledger(row.Id, row.Name, row.Balance)),
        ])
    {
        public override string Name => "books";

        public override int Version => 1;

        public override string Category => Ledger.Category;

        public override IReadOnlyCollection<Type> Handles { get; } = [typeof(LedgerEvent)];

        protected override Ledger? Apply(Ledger? state, EventEnvelope envelope) =>
            envelope.Event is LedgerClosed ? null : (state ?? Ledger.Initial("")).Apply((LedgerEvent)envelope.Event);
    }

    private sealed class BookRow
    {
        [Key]
        public required string Id { get; set; }

        public required string? Name { get; set; }

        public required long Balance { get; set; }
    }

    /// <summary>Answers selects from a list and notes what is written.</summary>
    private sealed class RecordedTables : IProjectionTables
    {
        private readonly List<string> written = [];

        public IReadOnlyList<(string Id, string Name, long Balance)> Rows { get; set; } = [];

        public System.Data.Common.DbTransaction Transaction => throw new NotSupportedException();

        public string[] Take()
        {
            string[] taken = [.. written];
            written.Clear();
            return taken;
        }

        public Task<int> ExecuteAsync(string sql, ReadOnlySpan<(string Name, object? Value)> parameters, CancellationToken cancellationToken) =>
            throw new NotSupportedException(sql);

        public Task ExecuteManyAsync(string sql, IReadOnlyList<string> names, IReadOnlyList<object?[]> rows, CancellationToken cancellationToken)
        {
            if (rows.Count > 0)
            {
                written.Add($"{sql}: {string.Join("; ", rows.Select(row => string.Join('|', row)))}");
            }

            return Task.CompletedTask;
        }

        public Task<List<T>> QueryAsync<T>(
            string sql, ReadOnlySpan<(string Name, object? Value)> parameters, Func<System.Data.Common.DbDataReader, T> read, CancellationToken cancellationToken)
        {
            using var table = new System.Data.DataTable();
            table.Columns.Add("Id", typeof(string));
            table.Columns.Add("Name", typeof(string));
            table.Columns.Add("Balance", typeof(long));
            var wanted = new HashSet<object?>();
            foreach (var (_, value) in parameters)
            {
                wanted.Add(value);
            }

            foreach (var (id, name, balance) in Rows.Where(row => wanted.Contains(row.Id)))
            {
                table.Rows.Add(id, name, balance);
            }

            var found = new List<T>();
            using var reader = table.CreateDataReader();
            while (reader.Read())
            {
                found.Add(read(reader));
            }

            return Task.FromResult(found);
        }
    }
}

public sealed class SqliteFoldSpecs(SqliteFixture fixture) : FoldSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlFoldSpecs(PostgreSqlFixture fixture) : FoldSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerFoldSpecs(SqlServerFixture fixture) : FoldSpecs<SqlServerFixture>(fixture);

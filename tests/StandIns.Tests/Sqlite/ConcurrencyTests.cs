using Microsoft.Data.Sqlite;
using SQLitePCL;
using Xunit;

namespace StandIns.Tests.Sqlite;

public sealed class ConcurrencyTests : IDisposable
{
    private const int Rounds = 300;
    private const int Row = 100;
    private const int Busy = 5;
    private const int Interrupted = 9;
    private const string EndlessQuery = "WITH RECURSIVE n(v) AS (VALUES (1) UNION ALL SELECT v + 1 FROM n) SELECT count(*) FROM n WHERE started()";

    private readonly DatabaseFile _file = new();

    [Fact]
    public void A_reader_of_a_write_ahead_log_keeps_its_snapshot_while_a_writer_commits()
    {
        using var writer = _file.Open();
        Assert.Equal("wal", writer.Scalar("PRAGMA journal_mode = WAL"));
        writer.Execute("CREATE TABLE t (v); INSERT INTO t VALUES (1)");
        using var reader = _file.Open();
        using (reader.BeginTransaction(deferred: true))
        {
            Assert.Equal(1L, reader.Scalar("SELECT count(*) FROM t"));
            writer.Execute("INSERT INTO t VALUES (2)");
            Assert.Equal(1L, reader.Scalar("SELECT count(*) FROM t"));
        }

        Assert.Equal(2L, reader.Scalar("SELECT count(*) FROM t"));
    }

    [Fact]
    public void A_second_writer_waits_for_its_timeout_and_then_fails()
    {
        using var first = _file.Open();
        first.Execute("CREATE TABLE t (v)");
        using var second = _file.Open(defaultTimeoutSeconds: 1);
        using (var transaction = first.BeginTransaction())
        {
            first.Execute("INSERT INTO t VALUES (1)");
            var start = TimeProvider.System.GetTimestamp();
            var exception = Assert.Throws<SqliteException>(() => second.Execute("INSERT INTO t VALUES (2)"));
            Assert.Equal(Busy, exception.SqliteErrorCode);
            Assert.InRange(TimeProvider.System.GetElapsedTime(start), TimeSpan.FromSeconds(0.5), TimeSpan.FromSeconds(20));
            transaction.Commit();
        }

        Assert.Equal(1, second.Execute("INSERT INTO t VALUES (2)"));
    }

    [Fact]
    public async Task An_interrupt_ends_a_running_query()
    {
        using var connection = _file.Open();
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        connection.CreateFunction("started", () => started.TrySetResult() || true);
        var query = Task.Run(() => connection.Scalar(EndlessQuery));

        await started.Task;
        raw.sqlite3_interrupt(connection.Handle!);

        Assert.Equal(Interrupted, (await Assert.ThrowsAsync<SqliteException>(() => query)).SqliteErrorCode);
        Assert.Equal(1L, connection.Scalar("SELECT 1"));
    }

    [Fact(Skip = Build.NoStandIns)]
    public async Task A_statement_disposed_during_its_step_ends_with_it()
    {
        Assert.Equal(0, raw.sqlite3_open(":memory:", out var db));
        var started = new TaskCompletionSource(TaskCreationOptions.RunContinuationsAsynchronously);
        raw.sqlite3_create_function(db, "started", 0, null, (context, _, _) =>
        {
            started.TrySetResult();
            raw.sqlite3_result_int64(context, 1);
        });
        Assert.Equal(0, raw.sqlite3_prepare_v2(db, EndlessQuery, out var statement));
        var step = Task.Run(() => raw.sqlite3_step(statement));
        await started.Task;

        statement.Dispose();
        Assert.False(step.IsCompleted);
        raw.sqlite3_interrupt(db);

        Assert.Equal(Interrupted, await step);
        Assert.Throws<ObjectDisposedException>(() => raw.sqlite3_step(statement));
        db.Dispose();
    }

    [Fact(Skip = Build.NoStandIns)]
    public void Disposal_may_race_with_steps()
    {
        for (var round = 0; round < Rounds; round++)
        {
            Assert.Equal(0, raw.sqlite3_open(":memory:", out var db));
            Assert.Equal(0, raw.sqlite3_prepare_v2(
                db, "WITH RECURSIVE n(v) AS (VALUES (1) UNION ALL SELECT v + 1 FROM n LIMIT 2000) SELECT v FROM n", out var statement));
            using var start = new Barrier(3);
            Parallel.Invoke(
                () =>
                {
                    start.SignalAndWait();
                    StepUntilRefused(statement);
                },
                () =>
                {
                    start.SignalAndWait();
                    db.Dispose();
                },
                () =>
                {
                    start.SignalAndWait();
                    Thread.SpinWait(round * 100);
                    statement.Dispose();
                });
        }

        static void StepUntilRefused(sqlite3_stmt statement)
        {
            try
            {
                while (raw.sqlite3_step(statement) == Row)
                {
                    _ = raw.sqlite3_column_int64(statement, 0);
                }
            }
            catch (ObjectDisposedException)
            {
                // Disposal won.
            }
        }
    }

    [Fact]
    public void Closing_a_connection_may_race_with_its_reader()
    {
        for (var round = 0; round < Rounds; round++)
        {
            var connection = DatabaseFile.OpenInMemory();
            using var command = connection.Command(
                "WITH RECURSIVE n(v) AS (VALUES (1) UNION ALL SELECT v + 1 FROM n LIMIT 2000) SELECT v FROM n");
            var reader = command.ExecuteReader();
            using var start = new Barrier(2);
            Parallel.Invoke(
                () =>
                {
                    start.SignalAndWait();

                    // The provider is not made for this: any exception will do, as long as the process survives.
                    _ = Record.Exception(() =>
                    {
                        for (var i = 0; i < 2000 && reader.Read(); i++)
                        {
                            _ = reader.GetInt64(0);
                        }
                    });
                },
                () =>
                {
                    start.SignalAndWait();
                    Thread.SpinWait(round * 100);
                    _ = Record.Exception(connection.Dispose);
                });
        }

        using var after = DatabaseFile.OpenInMemory();
        Assert.Equal(1L, after.Scalar("SELECT 1"));
    }

    public void Dispose() => _file.Dispose();
}

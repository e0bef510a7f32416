using SQLitePCL;
using Xunit;

namespace StandIns.Tests.Sqlite;

/// <summary>Binding, stepping and reading run for every row, so they must not feed the garbage collector.</summary>
public sealed class AllocationTests
{
    private const int Rounds = 1000;

    [Theory(Skip = Build.NoStandIns)]
    [InlineData(36)]
    [InlineData(20_000)]
    public void A_prepared_statement_runs_without_allocating(int textLength)
    {
        Assert.Equal(0, raw.sqlite3_open(":memory:", out var db));
        Assert.Equal(0, raw.sqlite3_prepare_v2(db, "SELECT $i, $d, $t, $b, $n", out var statement));
        var text = new string('é', textLength);
        var blob = new byte[textLength];
        Run(Rounds);

        var before = GC.GetAllocatedBytesForCurrentThread();
        Run(Rounds);
        var allocated = GC.GetAllocatedBytesForCurrentThread() - before;

        // The pool of large buffers may be trimmed in between; per round, that is nothing.
        Assert.InRange(allocated / Rounds, 0, textLength / 100);
        statement.Dispose();
        db.Dispose();

        void Run(int rounds)
        {
            for (var round = 0; round < rounds; round++)
            {
                _ = raw.sqlite3_reset(statement);
                _ = raw.sqlite3_bind_int64(statement, 1, round);
                _ = raw.sqlite3_bind_double(statement, 2, round);
                _ = raw.sqlite3_bind_text(statement, 3, text);
                _ = raw.sqlite3_bind_blob(statement, 4, blob);
                _ = raw.sqlite3_bind_null(statement, 5);
                _ = raw.sqlite3_step(statement);
                var read = raw.sqlite3_column_int64(statement, 0) + (long)raw.sqlite3_column_double(statement, 1)
                    + raw.sqlite3_column_blob(statement, 3).Length + raw.sqlite3_column_type(statement, 4);
                _ = raw.sqlite3_column_text(statement, 2);
                if (read != round + round + textLength + 5)
                {
                    throw new InvalidOperationException($"Round {round} read {read}.");
                }
            }
        }
    }
}

using System.Runtime.CompilerServices;
using Microsoft.Data.Sqlite;
using Xunit;

namespace StandIns.Tests.Sqlite;

public sealed class FunctionTests
{
    [Fact]
    public void A_function_takes_and_returns_every_kind_of_value()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateFunction("same_long", (long v) => v);
        connection.CreateFunction("same_double", (double v) => v);
        connection.CreateFunction("same_text", (string? v) => v);
        connection.CreateFunction("same_blob", (byte[]? v) => v);

        Assert.Equal(long.MinValue, connection.Scalar("SELECT same_long($v)", ("$v", long.MinValue)));
        Assert.Equal(0.1, connection.Scalar("SELECT same_double($v)", ("$v", 0.1)));
        foreach (var text in new[] { string.Empty, "日本語 👍", new string('é', 100_000) })
        {
            Assert.Equal(text, connection.Scalar("SELECT same_text($v)", ("$v", text)));
        }

        foreach (var blob in new[] { Array.Empty<byte>(), [0], new byte[100_000] })
        {
            Assert.Equal(blob, connection.Scalar("SELECT same_blob($v)", ("$v", blob)));
        }

        Assert.Equal(DBNull.Value, connection.Scalar("SELECT same_text(NULL)"));
        Assert.Equal(DBNull.Value, connection.Scalar("SELECT same_blob(NULL)"));
    }

    [Fact]
    public void A_function_with_state_takes_any_number_of_arguments()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateFunction("joined", "-", (separator, values) => string.Join(separator, values));

        Assert.Equal(string.Empty, connection.Scalar("SELECT joined()"));
        Assert.Equal("1-two-3.5", connection.Scalar("SELECT joined(1, 'two', 3.5)"));
    }

    [Fact]
    public void A_function_can_be_replaced_and_removed()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateFunction("answer", () => 1L);
        connection.CreateFunction("answer", () => 42L, isDeterministic: true);

        Assert.Equal(42L, connection.Scalar("SELECT answer()"));
        connection.CreateFunction("answer", (Func<long>?)null);
        var exception = Assert.Throws<SqliteException>(() => connection.Scalar("SELECT answer()"));
        Assert.Contains("no such function: answer", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void What_a_function_throws_becomes_the_error_of_the_statement()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateFunction<long>("fails", () => throw new InvalidOperationException("größer als erlaubt"));
        connection.CreateFunction<long>("fails_with_code", () => throw new SqliteException("full", 13));

        var exception = Assert.Throws<SqliteException>(() => connection.Scalar("SELECT fails()"));
        Assert.Equal(1, exception.SqliteErrorCode);
        Assert.Contains("größer als erlaubt", exception.Message, StringComparison.Ordinal);
        Assert.Equal(13, Assert.Throws<SqliteException>(() => connection.Scalar("SELECT fails_with_code()")).SqliteErrorCode);
        Assert.Equal(1L, connection.Scalar("SELECT 1"));
    }

    [Fact]
    public void An_aggregate_runs_per_group_and_over_no_rows()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateAggregate("joined", "<", (string text, string v) => text + v, text => text + ">");
        connection.Execute("CREATE TABLE t (g INTEGER, v TEXT); INSERT INTO t VALUES (1, 'a'), (2, 'b'), (1, 'c'), (2, 'd'), (2, 'e')");

        Assert.Equal(["<ac>", "<bde>"], connection.Column<string>("SELECT joined(v) FROM t GROUP BY g ORDER BY g"));
        Assert.Equal("<>", connection.Scalar("SELECT joined(v) FROM t WHERE 0"));
    }

    [Theory]
    [InlineData("SELECT fails_in_step(v) FROM t")]
    [InlineData("SELECT fails_in_end(v) FROM t")]
    [InlineData("SELECT fails_in_end(v) FROM t WHERE 0")]
    public void What_an_aggregate_throws_becomes_the_error_of_the_statement(string sql)
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateAggregate<long, long>("fails_in_step", (_, _) => throw new InvalidOperationException("no"));
        connection.CreateAggregate<long, long, long>("fails_in_end", 0, (sum, v) => sum + v, _ => throw new InvalidOperationException("no"));
        connection.Execute("CREATE TABLE t (v INTEGER); INSERT INTO t VALUES (1), (2)");

        var exception = Assert.Throws<SqliteException>(() => connection.Scalar(sql));

        Assert.Equal("SQLite Error 1: 'no'.", exception.Message);
        Assert.Equal(2L, connection.Scalar("SELECT count(*) FROM t"));
    }

    [Fact]
    public void A_collation_orders_and_compares()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateCollation("by_length", 3, (weight, x, y) => weight * (x.Length - y.Length));
        connection.CreateCollation("BACKWARDS", (x, y) => string.CompareOrdinal(y, x));

        Assert.Equal(["日", "bb", "aaa"], connection.Column<string>("SELECT column1 FROM (VALUES ('bb'), ('日'), ('aaa')) ORDER BY 1 COLLATE by_length"));
        Assert.Equal(["c", "b", "a"], connection.Column<string>("SELECT column1 FROM (VALUES ('b'), ('c'), ('a')) ORDER BY 1 COLLATE backwards"));
        Assert.Equal(1L, connection.Scalar("SELECT 'xy' = 'zz' COLLATE by_length"));
        connection.CreateCollation("by_length", (Comparison<string>?)null);
        Assert.Throws<SqliteException>(() => connection.Scalar("SELECT 'xy' = 'zz' COLLATE by_length"));
    }

    [Theory(Skip = Build.NoStandIns)]
    [InlineData("SELECT 'a' < 'b' COLLATE fails")]
    [InlineData("SELECT column1 FROM (VALUES ('b'), ('c')) ORDER BY 1 COLLATE fails")]
    [InlineData("UPDATE t SET v = 'x' WHERE v > 'a' COLLATE fails")]
    public void A_throwing_collation_interrupts_the_statement(string sql)
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateCollation("fails", (_, _) => throw new InvalidOperationException("no"));
        connection.Execute("CREATE TABLE t (v TEXT); INSERT INTO t VALUES ('a'), ('b')");

        Assert.Equal(9, Assert.Throws<SqliteException>(() => connection.Scalar(sql)).SqliteErrorCode);
        Assert.Equal(2L, connection.Scalar("SELECT count(*) FROM t"));
    }

    [Fact]
    public void A_closed_connection_lets_go_of_its_callbacks()
    {
        using var file = new DatabaseFile();
        var states = new List<WeakReference>();
        Run(file, states);

        for (var i = 0; i < 10 && states.Exists(state => state.IsAlive); i++)
        {
            GC.Collect();
            GC.WaitForPendingFinalizers();
        }

        Assert.Equal(4, states.Count);
        Assert.DoesNotContain(states, state => state.IsAlive);

        [MethodImpl(MethodImplOptions.NoInlining)]
        static void Run(DatabaseFile file, List<WeakReference> states)
        {
            using var connection = file.Open();
            connection.CreateFunction("f", Tracked(states), (_, v) => v[0]);
            connection.CreateCollation("c", Tracked(states), (_, x, y) => string.CompareOrdinal(x, y));
            var ofRows = Tracked(states);
            connection.CreateAggregate("a", Tracked(states), (state, _) => ofRows, _ => 1L);

            // The last row is never read, so that SQLite has to end the aggregate by itself.
            using var reader = connection.Command("SELECT a(f(column1)) FROM (VALUES (1), (2)) GROUP BY column1 ORDER BY column1 COLLATE c").ExecuteReader();
            Assert.True(reader.Read());
        }

        static object Tracked(List<WeakReference> states)
        {
            var state = new object();
            states.Add(new WeakReference(state));
            return state;
        }
    }
}

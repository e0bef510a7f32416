using System.Data;
using Microsoft.Data.Sqlite;
using SQLitePCL;
using Xunit;

namespace StandIns.Tests.Sqlite;

public sealed class StatementTests
{
    private const int Row = 100;
    private const int Done = 101;

    [Fact]
    public void A_script_runs_statement_by_statement()
    {
        using var connection = DatabaseFile.OpenInMemory();
        using var command = connection.Command(
            "CREATE TABLE t (v TEXT); ; -- größer\n INSERT INTO t VALUES ('a;b'), ('c'); SELECT v FROM t; SELECT count(*) FROM t; /* end */");
        using var reader = command.ExecuteReader();

        Assert.True(reader.Read());
        Assert.Equal("a;b", reader.GetString(0));
        Assert.True(reader.NextResult());
        Assert.True(reader.Read());
        Assert.Equal(2, reader.GetInt32(0));
        Assert.False(reader.NextResult());
        Assert.Equal(2, reader.RecordsAffected);
    }

    [Fact]
    public void An_empty_script_does_nothing()
    {
        using var connection = DatabaseFile.OpenInMemory();

        Assert.Equal(-1, connection.Execute(" -- nothing\n"));
    }

    [Fact]
    public void A_syntax_error_says_where()
    {
        using var connection = DatabaseFile.OpenInMemory();

        var exception = Assert.Throws<SqliteException>(() => connection.Execute("-- größer\n SELEKT 2"));

        Assert.Equal(1, exception.SqliteErrorCode);
        Assert.Contains("near \"SELEKT\": syntax error", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_result_describes_its_columns()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.Execute("CREATE TABLE t (id INTEGER PRIMARY KEY AUTOINCREMENT, name VARCHAR(20) NOT NULL UNIQUE)");
        using var command = connection.Command("SELECT id, name, 1 + 1 FROM t");
        using var reader = command.ExecuteReader(CommandBehavior.KeyInfo);

        var schema = reader.GetSchemaTable();

        Assert.Equal("main", schema.Rows[0]["BaseCatalogName"]);
        Assert.Equal("t", schema.Rows[0]["BaseTableName"]);
        Assert.Equal(true, schema.Rows[0]["IsKey"]);
        Assert.Equal(true, schema.Rows[0]["IsAutoIncrement"]);
        Assert.Equal("name", schema.Rows[1]["BaseColumnName"]);
        Assert.Equal("VARCHAR", schema.Rows[1]["DataTypeName"]);
        Assert.Equal(false, schema.Rows[1]["AllowDBNull"]);
        Assert.Equal(true, schema.Rows[1]["IsUnique"]);
        Assert.Equal(true, schema.Rows[2]["IsExpression"]);
    }

    [Fact]
    public void A_prepared_command_runs_again_with_other_values()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.Execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v TEXT)");
        using var insert = connection.Command("INSERT INTO t (v) VALUES ($v) RETURNING id", ("$v", "first"));
        insert.Prepare();

        for (var id = 1L; id <= 100; id++)
        {
            insert.Parameters[0].Value = id % 3 == 0 ? DBNull.Value : $"value {id}";
            Assert.Equal(id, insert.ExecuteScalar());
        }

        Assert.Equal(33L, connection.Scalar("SELECT count(*) FROM t WHERE v IS NULL"));
    }

    [Fact]
    public void A_missing_parameter_is_named()
    {
        using var connection = DatabaseFile.OpenInMemory();

        var exception = Assert.Throws<InvalidOperationException>(() => connection.Scalar("SELECT $a, $b", ("$a", 1)));

        Assert.Contains("$b", exception.Message, StringComparison.Ordinal);
    }

    [Fact(Skip = Build.NoStandIns)]
    public void A_statement_outlives_its_connection()
    {
        Assert.Equal(0, raw.sqlite3_open(":memory:", out var db));
        Assert.Equal(0, raw.sqlite3_prepare_v2(db, "VALUES (1), (2)", out var statement));
        Assert.Equal(Row, raw.sqlite3_step(statement));

        db.Dispose();

        Assert.Equal(1, raw.sqlite3_column_int64(statement, 0));
        Assert.Equal(Row, raw.sqlite3_step(statement));
        Assert.Equal(2, raw.sqlite3_column_int64(statement, 0));
        Assert.Equal(Done, raw.sqlite3_step(statement));
        statement.Dispose();
        Assert.Throws<ObjectDisposedException>(() => raw.sqlite3_step(statement));
        Assert.Throws<ObjectDisposedException>(() => raw.sqlite3_errcode(db));
    }

    [Fact]
    public void Forgotten_connections_and_readers_are_collected()
    {
        using var file = new DatabaseFile();
        for (var i = 0; i < 20; i++)
        {
            Forget(file);
        }

        GC.Collect();
        GC.WaitForPendingFinalizers();
        using var connection = file.Open();
        Assert.Equal("delete", connection.Scalar("PRAGMA journal_mode = DELETE"));
        Assert.Equal(1, connection.Execute("CREATE TABLE t (v); INSERT INTO t VALUES (1)"));

        static void Forget(DatabaseFile file)
        {
            var reader = file.Open().Command("VALUES (1), (2)").ExecuteReader();
            Assert.True(reader.Read());
        }
    }
}

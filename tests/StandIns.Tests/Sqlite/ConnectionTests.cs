using Microsoft.Data.Sqlite;
using SQLitePCL;
using Xunit;

namespace StandIns.Tests.Sqlite;

public sealed class ConnectionTests : IDisposable
{
    private readonly DatabaseFile _file = new();

    [Fact]
    public void The_native_library_is_e_sqlite3()
    {
        using var connection = _file.Open();

        Assert.Equal("e_sqlite3", raw.GetNativeLibraryName());
        Assert.Equal(connection.ServerVersion, connection.Scalar("SELECT sqlite_version()"));
        Assert.Equal(_file.Path, connection.DataSource);
        Assert.Equal("out of memory", raw.sqlite3_errstr(7).utf8_to_string());
    }

    [Fact]
    public void A_file_that_cannot_be_opened_says_so()
    {
        using var connection = new SqliteConnection("Data Source=/no/such/folder/test.db");

        Assert.Equal(14, Assert.Throws<SqliteException>(connection.Open).SqliteErrorCode);
    }

    [Fact]
    public void Reserved_words_come_from_the_library()
    {
        using var connection = _file.Open();

        var words = connection.GetSchema("ReservedWords").Rows.Cast<System.Data.DataRow>().Select(row => (string)row[0]).ToList();

        Assert.Contains("SELECT", words);
        Assert.DoesNotContain(words, word => word.Any(letter => !char.IsAsciiLetterUpper(letter) && letter != '_'));
    }

    [Theory]
    [InlineData("INSERT INTO t (id, u) VALUES (1, 'other')", 1555)]
    [InlineData("INSERT INTO t (id, u) VALUES (2, 'taken')", 2067)]
    [InlineData("INSERT INTO t (id, u) VALUES (2, NULL)", 1299)]
    [InlineData("INSERT INTO t (id, u, c) VALUES (2, 'x', -1)", 275)]
    [InlineData("INSERT INTO t (id, u, parent) VALUES (2, 'x', 99)", 787)]
    public void A_violated_constraint_has_its_extended_code(string sql, int extendedCode)
    {
        using var connection = _file.Open();
        connection.Execute(
            """
            PRAGMA foreign_keys = ON;
            CREATE TABLE t (id INTEGER PRIMARY KEY, u TEXT NOT NULL UNIQUE, c INTEGER CHECK (c > 0), parent INTEGER REFERENCES t);
            INSERT INTO t (id, u) VALUES (1, 'taken')
            """);

        var exception = Assert.Throws<SqliteException>(() => connection.Execute(sql));

        Assert.Equal(19, exception.SqliteErrorCode);
        Assert.Equal(extendedCode, exception.SqliteExtendedErrorCode);
    }

    [Fact]
    public void A_transaction_that_was_rolled_back_from_within_cannot_be_committed()
    {
        using var connection = _file.Open();
        connection.Execute("CREATE TABLE t (id INTEGER PRIMARY KEY); INSERT INTO t VALUES (1)");
        using (var transaction = connection.BeginTransaction())
        {
            Assert.Throws<SqliteException>(() => connection.Execute("INSERT OR ROLLBACK INTO t VALUES (1)"));
            Assert.Throws<InvalidOperationException>(transaction.Commit);
        }

        using var next = connection.BeginTransaction();
        connection.Execute("INSERT INTO t VALUES (2)");
        next.Commit();
        Assert.Equal(2L, connection.Scalar("SELECT count(*) FROM t"));
    }

    [Fact]
    public void A_backup_copies_the_database()
    {
        using var source = DatabaseFile.OpenInMemory();
        source.Execute("CREATE TABLE t (v); WITH RECURSIVE n(v) AS (VALUES (1) UNION ALL SELECT v + 1 FROM n LIMIT 10000) INSERT INTO t SELECT v FROM n");
        using var destination = _file.Open();

        source.BackupDatabase(destination);

        Assert.Equal(50_005_000L, destination.Scalar("SELECT sum(v) FROM t"));
        Assert.Equal("ok", destination.Scalar("PRAGMA integrity_check"));
    }

    [Fact]
    public void A_backup_that_cannot_start_reports_the_destination()
    {
        using var connection = _file.Open();
        var backup = raw.sqlite3_backup_init(connection.Handle!, "main", connection.Handle!, "main");

        Assert.True(backup.IsInvalid);
        Assert.Contains("source and destination must be distinct", raw.sqlite3_errmsg(connection.Handle!).utf8_to_string(), StringComparison.Ordinal);
        backup.Dispose();
        Assert.Equal(1L, connection.Scalar("SELECT 1"));
    }

    [Fact(Skip = Build.NoStandIns)]
    public void A_backup_outlives_its_connections()
    {
        Assert.Equal(0, raw.sqlite3_open(":memory:", out var source));
        Assert.Equal(0, raw.sqlite3_open(":memory:", out var destination));
        Assert.Equal(0, raw.sqlite3_exec(source, "CREATE TABLE t (v)"));
        using var backup = raw.sqlite3_backup_init(destination, "main", source, "main");

        source.Dispose();
        destination.Dispose();

        Assert.Equal(101, raw.sqlite3_backup_step(backup, -1));
    }

    [Fact]
    public void A_missing_extension_says_so()
    {
        using var connection = _file.Open();
        connection.EnableExtensions();

        var exception = Assert.Throws<SqliteException>(() => connection.LoadExtension("no-such-extension"));

        Assert.Contains("no-such-extension", exception.Message, StringComparison.Ordinal);
    }

    [Fact]
    public void A_setting_can_be_read_back()
    {
        const int TriggersEnabled = 1003;
        using var connection = _file.Open();

        Assert.Equal(0, raw.sqlite3_db_config(connection.Handle!, TriggersEnabled, -1, out var before));
        Assert.Equal(0, raw.sqlite3_db_config(connection.Handle!, TriggersEnabled, 0, out var after));
        Assert.Equal((1, 0), (before, after));
    }

    [Fact]
    public void A_pooled_connection_comes_back_without_its_functions()
    {
        SqliteConnection connection;
        using (connection = _file.Open(pooling: true))
        {
            connection.CreateFunction("one", () => 1L);
            connection.CreateCollation("any", (_, _) => 0);
            connection.CreateAggregate("some", (long sum) => sum);
            Assert.Equal(1L, connection.Scalar("SELECT one()"));
        }

        using (connection = _file.Open(pooling: true))
        {
            Assert.Throws<SqliteException>(() => connection.Scalar("SELECT one()"));
            Assert.Throws<SqliteException>(() => connection.Scalar("SELECT some()"));
            Assert.Throws<SqliteException>(() => connection.Scalar("SELECT 'a' = 'b' COLLATE any"));
        }
    }

    [Fact]
    public void Pooled_connections_serve_many_threads()
    {
        using (var connection = _file.Open(pooling: true))
        {
            connection.Execute("PRAGMA journal_mode = WAL; CREATE TABLE t (v INTEGER)");
        }

        Parallel.For(0, 200, new ParallelOptions { MaxDegreeOfParallelism = 8 }, i =>
        {
            using var connection = _file.Open(pooling: true);
            connection.Execute("INSERT INTO t VALUES ($v)", ("$v", i));
        });

        using var check = _file.Open();
        Assert.Equal(19_900L, check.Scalar("SELECT sum(v) FROM t"));
    }

    public void Dispose() => _file.Dispose();
}

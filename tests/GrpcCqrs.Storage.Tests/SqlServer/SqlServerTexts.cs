using System.Collections.Concurrent;
using System.Data.Common;
using System.Text.RegularExpressions;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.Sqlite;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.Data.Sqlite;
using Microsoft.EntityFrameworkCore;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>
/// SQL Server's dialect where there is no SQL Server. Each text that the product sends is checked as <see cref="TransactSql"/> with the
/// parameters that it is sent with, and then run on a SQLite file, with the few words replaced that SQLite has others for. So the specs
/// show that the dialect's texts ask for the right thing and get what they name; what SQL Server itself makes of them, locks above
/// all, they do not show. The append queue's sets are not sent: they go through SQL Server's own driver.
/// </summary>
internal sealed partial class SqlServerTexts(string name) : SqlServerProvider, IAppendSessionFactory
{
    private static readonly ConcurrentDictionary<string, IReadOnlyList<string>> Checked = new(StringComparer.Ordinal);
    private readonly SqliteProvider sqlite = new();

    public override string Name => name;

    public override bool HasOneWriter => sqlite.HasOneWriter;

    /// <summary>Fails where a text was sent that is not one of SQL Server's, and where none was sent.</summary>
    public static void AssertNoFaults()
    {
        Assert.NotEmpty(Checked);
        Assert.All(Checked, text => Assert.Empty(text.Value));
    }

    public override void ThrowIfUnusable()
    {
    }

    public override string DefaultConnectionString(string directory, string database) => sqlite.DefaultConnectionString(directory, database);

    public override bool IsSameDatabase(string connectionString, string other) => sqlite.IsSameDatabase(connectionString, other);

    public override DbConnection CreateConnection(string connectionString) => new CheckedConnection((SqliteConnection)sqlite.CreateConnection(connectionString));

    public override void Configure(DbContextOptionsBuilder options, string connectionString) => sqlite.Configure(options, connectionString);

    public override string SelectTable => sqlite.SelectTable;

    AppendSession IAppendSessionFactory.CreateAppendSession(DbConnection connection) => new RowAppendSession(connection, this);

    public override async Task PrepareAsync(DbConnection connection, ConnectionUse use, TimeSpan idleLimit, CancellationToken cancellationToken)
    {
        await base.PrepareAsync(connection, use, idleLimit, cancellationToken);
        await sqlite.PrepareAsync(PlainOf(connection), use, idleLimit, cancellationToken);
    }

    public override bool IsTransient(DbException exception) => sqlite.IsTransient(exception);

    public override bool IsDataError(DbException exception) => sqlite.IsDataError(exception);

    /// <summary>Refuses a text: a spec that waits for an answer fails by it, and the fixture tells of those that nobody waits for.</summary>
    internal static void Check(string text, DbParameterCollection parameters)
    {
        // EF Core's generator for SQLite made it; SQL Server's own are checked with the schema's script.
        if (text.StartsWith("CREATE ", StringComparison.Ordinal))
        {
            return;
        }

        string[] names = [.. parameters.Cast<DbParameter>().Select(parameter => MarkedName(parameter.ParameterName))];
        var faults = Checked.GetOrAdd($"{text}\n{string.Join(' ', names)}", _ => TransactSql.FaultsOf(text, names));
        if (faults.Count > 0)
        {
            throw new InvalidOperationException($"{string.Join("; ", faults)}: {text}");
        }
    }

    /// <summary>The same statement in SQLite's words.</summary>
    internal static string InSqlite(string text)
    {
        if (text == WriterSettings)
        {
            return "";
        }

        text = Fetch().Replace(text, "LIMIT ${count} OFFSET ${from}");
        text = Top().Replace(text, "SELECT ${rest} LIMIT ${count}");
        text = Output().Replace(text, match => $"{match.Groups["rest"].Value} RETURNING {match.Groups["columns"].Value.Replace("inserted.", "", StringComparison.Ordinal)}");
        return text.Replace("DATALENGTH(", "LENGTH(", StringComparison.Ordinal).Replace("COUNT_BIG(", "COUNT(", StringComparison.Ordinal);
    }

    /// <summary>Drivers take names with and without the marker.</summary>
    private static string MarkedName(string name) => name.StartsWith('@') ? name : "@" + name;

    private static SqliteConnection PlainOf(DbConnection connection) => ((CheckedConnection)connection).Plain;

    [GeneratedRegex(@"OFFSET (?<from>\S+) ROWS FETCH NEXT (?<count>\S+) ROWS ONLY", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Fetch();

    /// <summary>Up to the end of the statement, or of the subquery that it is.</summary>
    [GeneratedRegex(@"SELECT TOP \((?<count>@\w+)\) (?<rest>([^()]|\([^()]*\))*)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Top();

    [GeneratedRegex(@"OUTPUT (?<columns>inserted\.\w+(, inserted\.\w+)*) (?<rest>.*)$", RegexOptions.Singleline | RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Output();
}

/// <summary>A connection that checks what is sent.</summary>
internal sealed class CheckedConnection(SqliteConnection plain) : DbConnection
{
    public SqliteConnection Plain => plain;

    public override string ConnectionString
    {
        get => plain.ConnectionString;
#pragma warning disable CS8765 // The base takes null, which is of no use here.
        set => plain.ConnectionString = value;
#pragma warning restore CS8765
    }

    public override string Database => plain.Database;

    public override string DataSource => plain.DataSource;

    public override string ServerVersion => plain.ServerVersion;

    public override System.Data.ConnectionState State => plain.State;

    public override void ChangeDatabase(string databaseName) => plain.ChangeDatabase(databaseName);

    public override void Open() => plain.Open();

    public override void Close() => plain.Close();

    /// <summary>SQLite has two kinds: one that reads what stands at its beginning, and one that has the file for itself.</summary>
    protected override DbTransaction BeginDbTransaction(System.Data.IsolationLevel isolationLevel) =>
        new CheckedTransaction(this, plain.BeginTransaction(deferred: isolationLevel == System.Data.IsolationLevel.Snapshot));

    protected override DbCommand CreateDbCommand() => new CheckedCommand(plain.CreateCommand()) { Connection = this };

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            plain.Dispose();
        }

        base.Dispose(disposing);
    }
}

internal sealed class CheckedTransaction(CheckedConnection connection, SqliteTransaction plain) : DbTransaction
{
    public SqliteTransaction Plain => plain;

    public override System.Data.IsolationLevel IsolationLevel => plain.IsolationLevel;

    protected override DbConnection DbConnection => connection;

    public override void Commit() => plain.Commit();

    public override void Rollback() => plain.Rollback();

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            plain.Dispose();
        }

        base.Dispose(disposing);
    }
}

internal sealed class CheckedCommand(SqliteCommand plain) : DbCommand
{
    private string text = "";

#pragma warning disable CS8765 // The base takes null, which is of no use here.
    public override string CommandText
    {
        get => text;
        set => (text, plain.CommandText) = (value, SqlServerTexts.InSqlite(value));
    }
#pragma warning restore CS8765

    public override int CommandTimeout
    {
        get => plain.CommandTimeout;
        set => plain.CommandTimeout = value;
    }

    public override System.Data.CommandType CommandType
    {
        get => plain.CommandType;
        set => plain.CommandType = value;
    }

    public override bool DesignTimeVisible { get; set; }

    public override System.Data.UpdateRowSource UpdatedRowSource { get; set; }

    protected override DbConnection? DbConnection { get; set; }

    protected override DbParameterCollection DbParameterCollection => plain.Parameters;

    protected override DbTransaction? DbTransaction { get; set; }

    public override void Cancel() => plain.Cancel();

    public override void Prepare()
    {
    }

    public override int ExecuteNonQuery() => Ready().ExecuteNonQuery();

    public override object? ExecuteScalar() => Ready().ExecuteScalar();

    protected override DbParameter CreateDbParameter() => plain.CreateParameter();

    protected override DbDataReader ExecuteDbDataReader(System.Data.CommandBehavior behavior) => Ready().ExecuteReader(behavior);

    protected override void Dispose(bool disposing)
    {
        if (disposing)
        {
            plain.Dispose();
        }

        base.Dispose(disposing);
    }

    private SqliteCommand Ready()
    {
        SqlServerTexts.Check(text, plain.Parameters);
        plain.Transaction = (DbTransaction as CheckedTransaction)?.Plain;
        return plain;
    }
}

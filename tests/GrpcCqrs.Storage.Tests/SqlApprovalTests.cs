using System.Data;
using System.Globalization;
using System.Runtime.CompilerServices;
using System.Text;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.Data.SqlClient;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>
/// The SQL text of each database is approved in Approved/*.sql: a change shows in the review. Set GRPCCQRS_APPROVE=1 to write the files
/// anew.
/// </summary>
public sealed class SqlApprovalTests
{
    [Theory]
    [InlineData("PostgreSql")]
    [InlineData("Sqlite")]
    [InlineData("SqlServer")]
    public void Statements_are_those_that_were_approved(string provider)
    {
        var text = new StringBuilder();
        foreach (var (name, statement) in ProviderStatements.Of(provider))
        {
            text.Append(CultureInfo.InvariantCulture, $"-- {name}\n{statement};\n\n");
        }

        AssertApproved($"{provider}.sql", text);
    }

    [Fact]
    public void Requests_to_SQL_Server_are_those_that_were_approved()
    {
        var text = new StringBuilder();
        Print(text, "Look-ups of a batch", SqlServerAppendSession.LookUps(SampleBatch.Checks));
        Print(text, "Writes of a batch", SqlServerAppendSession.Writes(SampleBatch.Rows, new SqlServerProvider()));

        AssertApproved("SqlServer.Requests.sql", text);
    }

    [Fact]
    public void Nothing_is_sent_to_SQL_Server_for_a_batch_without_rows()
    {
        Assert.Equal("", SqlServerAppendSession.LookUps(new AppendLookupKeys()).Text);
        Assert.Equal("", SqlServerAppendSession.Writes(new AppendRows(), new SqlServerProvider()).Text);
    }

    [Fact]
    public void SQL_Server_is_asked_for_nothing_but_row_locks_and_unique_constraints()
    {
        string[] forbidden = ["MERGE", "HOLDLOCK", "SERIALIZABLE", "UPDLOCK", "TABLOCK", "NOLOCK", "sp_getapplock", "LIMIT", "RETURNING"];
        var statements = ProviderStatements.Of("SqlServer").Select(statement => statement.Text).ToArray();

        Assert.All(forbidden, word => Assert.DoesNotContain(statements, text => text.Contains(word, StringComparison.OrdinalIgnoreCase)));
    }

    private static void Print(StringBuilder text, string title, SqlServerRequest request)
    {
        text.Append(CultureInfo.InvariantCulture, $"-- {title}\n{request.Text};\n");
        foreach (var parameter in request.Parameters)
        {
            var value = parameter.Value is byte[] bytes ? $"0x{Convert.ToHexString(bytes)}" : Convert.ToString(parameter.Value, CultureInfo.InvariantCulture);
            text.Append(CultureInfo.InvariantCulture, $"-- {parameter.ParameterName} {TypeOf(parameter)} = {value}\n");
        }

        text.Append('\n');
    }

    private static string TypeOf(SqlParameter parameter) => parameter.SqlDbType is SqlDbType.NVarChar or SqlDbType.VarBinary
        ? $"{parameter.SqlDbType}({(parameter.Size < 0 ? "max" : parameter.Size.ToString(CultureInfo.InvariantCulture))})"
        : parameter.SqlDbType.ToString();

    private static void AssertApproved(string name, StringBuilder text, [CallerFilePath] string thisFile = "") =>
        Approval.Verify(Path.Combine(Path.GetDirectoryName(thisFile)!, "Approved", name), text.ToString().TrimEnd() + "\n");
}

/// <summary>A batch with something in every table.</summary>
internal static class SampleBatch
{
    private static readonly Guid CommandId = new("0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11");
    private static readonly byte[] Hash = [.. Enumerable.Range(1, 32).Select(number => (byte)number)];

    public static AppendLookupKeys Checks
    {
        get
        {
            var keys = new AppendLookupKeys();
            keys.Streams.Add("post-1");
            keys.Streams.Add("post-\u00e4\u20ac");
            keys.Commands.Add(CommandId);
            keys.Keys.Add(new UniqueKey("slug", "a \"quoted\" slug"));
            return keys;
        }
    }

    public static AppendRows Rows
    {
        get
        {
            var rows = new AppendRows { NewHead = new LogHead(8, 9_000_000, Hash), TrimOutboxTo = 5, DeleteCommandsBefore = 1_000_000 };
            rows.Events.Add(Event(7, [0x7B, 0x7D]));
            rows.Events.Add(Event(8, []));
            rows.FreedKeys.Add(new UniqueKeyRow { Scope = "slug", Value = "old", Stream = "post-1" });
            rows.ClaimedKeys.Add(new UniqueKeyRow { Scope = "slug", Value = "new", Stream = "post-1" });
            rows.Commands.Add(new CommandRow { CommandId = CommandId, RequestHash = Hash, Stream = "post-1", Version = 8, Position = 8, Reply = null, TimeMicroseconds = 9_000_000 });
            rows.Audit.Add(new AuditRow { TimeMicroseconds = 9_000_000, CommandType = "CreatePost", CommandId = CommandId, User = "ada", Stream = null, Outcome = 1, DurationMicroseconds = 10 });
            rows.Snapshots.Add(new SnapshotRow { Stream = "post-1", Version = 8, Position = 8, SchemaVersion = 1, Payload = [0x01], TimeMicroseconds = 9_000_000 });
            return rows;
        }
    }

    private static EventRow Event(long position, byte[] payload) => new()
    {
        Position = position,
        Stream = "post-1",
        Version = position,
        EventId = CommandId,
        Type = "blog.post-created",
        SchemaVersion = 1,
        Payload = payload,
        CommandId = CommandId,
        CorrelationId = "correlation",
        CausationId = "causation",
        User = "ada",
        TimeMicroseconds = 9_000_000,
        Hash = Hash,
    };
}

using System.Data.Common;

namespace GrpcCqrs.Storage;

/// <summary>The statements of an append, made once a connection.</summary>
internal sealed class AppendStatements(DbConnection connection, DatabaseProvider provider) : IDisposable
{
    public Statement LockSequencer { get; } = new(connection, provider.LockSequencer);

    public Statement AdvanceSequencer { get; } = new(connection, provider.AdvanceSequencer, "position", "time_us");

    public Statement SelectStreamVersion { get; } = new(connection, provider.SelectStreamVersion, "stream");

    public Statement SelectCommand { get; } = new(connection, provider.SelectCommand, "command_id");

    public Statement SelectKeyHolder { get; } = new(connection, provider.SelectKeyHolder, "scope", "value");

    public Statement InsertEvent { get; } = new(
        connection, provider.InsertEvent,
        "position", "stream", "version", "event_id", "type", "schema_version", "payload", "command_id", "correlation_id",
        "causation_id", "user_name", "time_us");

    public Statement InsertOutbox { get; } = new(connection, provider.InsertOutbox, "position");

    public Statement InsertCommand { get; } = new(
        connection, provider.InsertCommand, "command_id", "request_hash", "stream", "version", "position", "reply", "time_us");

    public Statement InsertKey { get; } = new(connection, provider.InsertKey, "scope", "value", "stream");

    public Statement DeleteKey { get; } = new(connection, provider.DeleteKey, "scope", "value", "stream");

    public Statement InsertAudit { get; } = new(
        connection, provider.InsertAudit,
        "time_us", "command_type", "command_id", "user_name", "stream", "outcome", "error_reason", "duration_us", "position");

    public Statement TrimOutbox { get; } = new(connection, provider.TrimOutbox, "position");

    public void Dispose()
    {
        foreach (var statement in (ReadOnlySpan<Statement>)
            [LockSequencer, AdvanceSequencer, SelectStreamVersion, SelectCommand, SelectKeyHolder, InsertEvent, InsertOutbox,
             InsertCommand, InsertKey, DeleteKey, InsertAudit, TrimOutbox])
        {
            statement.Dispose();
        }
    }
}

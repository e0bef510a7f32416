using System.Data.Common;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>One transaction of the append writer: checks and writes appends one behind the other.</summary>
internal sealed class AppendTransaction(AppendStatements sql, DbTransaction transaction, CancellationToken cancellationToken)
{
    private long time;
    private bool isAdvanced;

    /// <summary>The position of the newest event.</summary>
    public long Position { get; private set; }

    /// <summary>Locks the sequencer and takes position and time from it.</summary>
    public async Task LockAsync(long now)
    {
        await using var reader = await sql.LockSequencer.With(transaction).ExecuteReaderAsync(cancellationToken);
        if (!await reader.ReadAsync(cancellationToken))
        {
            throw new InvalidOperationException("The sequencer row is missing: the write database is not initialised or was damaged.");
        }

        Position = reader.GetInt64(0);
        time = Math.Max(now, reader.GetInt64(1));
    }

    public async Task<AppendVerdict> AppendAsync(AppendRequest request)
    {
        if (request.Command is { } command && await FindCommandAsync(command.CommandId) is { } first)
        {
            return new AppendVerdict.DuplicateCommand(first);
        }

        long version = 0;
        if (request.Stream is { } stream)
        {
            version = await ReadVersionAsync(stream.ToString());
            if (!request.ExpectedVersion.Matches(version))
            {
                return new AppendVerdict.WrongExpectedVersion(version);
            }

            foreach (var key in request.Claims)
            {
                if (await IsHeldByOtherAsync(key, stream.ToString()))
                {
                    return new AppendVerdict.UniqueKeyTaken(key);
                }
            }

            await WriteKeysAsync(request, stream.ToString());
            version = await WriteEventsAsync(request, stream.ToString(), version);
        }

        var last = request.Events.Count > 0 ? Position : request.Command?.UnchangedPosition ?? 0;
        await WriteCommandAsync(request, last);
        await WriteAuditAsync(request, request.Events.Count > 0 ? Position : null);
        return new AppendVerdict.Appended(version, last);
    }

    public Task TrimOutboxAsync(long position) => sql.TrimOutbox.With(transaction, position).ExecuteNonQueryAsync(cancellationToken);

    /// <summary>Writes position and time back.</summary>
    public async Task AdvanceAsync()
    {
        if (isAdvanced)
        {
            await sql.AdvanceSequencer.With(transaction, Position, time).ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private async Task<CommandRecord?> FindCommandAsync(Guid commandId)
    {
        await using var reader = await sql.SelectCommand.With(transaction, commandId).ExecuteReaderAsync(cancellationToken);
        return await reader.ReadAsync(cancellationToken) ? CommandRows.Read(reader) : null;
    }

    private async Task<long> ReadVersionAsync(string stream) =>
        await sql.SelectStreamVersion.With(transaction, stream).ExecuteScalarAsync(cancellationToken) as long? ?? 0;

    private async Task<bool> IsHeldByOtherAsync(UniqueKey key, string stream) =>
        await sql.SelectKeyHolder.With(transaction, key.Scope, key.Value).ExecuteScalarAsync(cancellationToken) is string holder && holder != stream;

    private async Task WriteKeysAsync(AppendRequest request, string stream)
    {
        foreach (var key in request.Releases)
        {
            await sql.DeleteKey.With(transaction, key.Scope, key.Value, stream).ExecuteNonQueryAsync(cancellationToken);
        }

        foreach (var key in request.Claims)
        {
            await sql.InsertKey.With(transaction, key.Scope, key.Value, stream).ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private async Task<long> WriteEventsAsync(AppendRequest request, string stream, long version)
    {
        foreach (var @event in request.Events)
        {
            var metadata = request.Metadata ?? throw new ArgumentException("Events need metadata.", nameof(request));
            isAdvanced = true;
            Position++;
            version++;
            await sql.InsertEvent.With(
                transaction, Position, stream, version, @event.EventId, @event.Type, @event.SchemaVersion, Bytes(@event.Payload),
                metadata.CommandId, metadata.CorrelationId, metadata.CausationId, metadata.User, time).ExecuteNonQueryAsync(cancellationToken);
            await sql.InsertOutbox.With(transaction, Position).ExecuteNonQueryAsync(cancellationToken);
        }

        return version;
    }

    private async Task WriteCommandAsync(AppendRequest request, long position)
    {
        if (request.Command is { } command)
        {
            await sql.InsertCommand.With(
                transaction, command.CommandId, Bytes(command.RequestHash), request.Stream?.ToString(), command.Version, position,
                command.Reply, time).ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private async Task WriteAuditAsync(AppendRequest request, long? position)
    {
        if (request.Audit is { } audit)
        {
            await sql.InsertAudit.With(
                transaction, UnixMicroseconds.From(audit.ReceivedAt), audit.CommandType, audit.CommandId, audit.User, audit.Stream,
                (int)audit.Outcome, audit.ErrorReason, audit.DurationMicroseconds, position).ExecuteNonQueryAsync(cancellationToken);
        }
    }

    private static byte[] Bytes(ReadOnlyMemory<byte> memory) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(memory, out var segment)
        && segment.Offset == 0 && segment.Array!.Length == segment.Count
            ? segment.Array
            : memory.ToArray();
}

using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// Plans a batch of appends, one after another, against the lookups and the earlier appends of the batch, and collects
/// the rows to write. Pure: its results are valid because the lookups were read under the sequencer's lock.
/// </summary>
internal sealed class AppendPlanner(LogHead head, AppendLookups lookups, long now)
{
    private readonly long time = Math.Max(now, head.TimeMicroseconds);
    private LogHead head = head;

    public AppendRows Rows { get; } = new();

    /// <summary>The position of the newest event.</summary>
    public long Position => head.Position;

    /// <summary>What to look up to plan these appends.</summary>
    public static AppendLookupKeys LookupKeysFor(IEnumerable<AppendRequest> requests)
    {
        var keys = new AppendLookupKeys();
        foreach (var request in requests)
        {
            if (request.Stream is { } stream)
            {
                keys.Streams.Add(stream.ToString());
            }

            if (request.Command is { } command)
            {
                keys.Commands.Add(command.CommandId);
            }

            keys.Keys.UnionWith(request.Claims);
        }

        return keys;
    }

    public AppendResult Plan(AppendRequest request)
    {
        if (request.Command is { } command && lookups.Commands.TryGetValue(command.CommandId, out var first))
        {
            return new AppendResult.DuplicateCommand(first);
        }

        var stream = request.Stream?.ToString();
        var version = stream is null ? 0 : lookups.Versions.GetValueOrDefault(stream);
        if (stream is not null)
        {
            if (!request.ExpectedVersion.Matches(version))
            {
                return new AppendResult.WrongExpectedVersion(version);
            }

            foreach (var key in request.Claims)
            {
                if (lookups.KeyHolders.TryGetValue(key, out var holder) && holder != stream)
                {
                    return new AppendResult.UniqueKeyTaken(key);
                }
            }

            AddKeys(request, stream);
            version = AddEvents(request, stream, version);
            lookups.Versions[stream] = version;
        }

        var position = request.Events.Count > 0 ? head.Position : request.Command?.UnchangedPosition ?? 0;
        AddCommand(request, position);
        AddAudit(request, request.Events.Count > 0 ? position : null);
        AddSnapshot(request, version, position);
        return new AppendResult.Appended(version, position);
    }

    private void AddKeys(AppendRequest request, string stream)
    {
        foreach (var key in request.Releases)
        {
            // A key claimed earlier in this batch is not written yet; dropping its row is enough.
            if (Rows.ClaimedKeys.RemoveAll(row => row.Scope == key.Scope && row.Value == key.Value && row.Stream == stream) == 0)
            {
                Rows.FreedKeys.Add(new UniqueKeyRow { Scope = key.Scope, Value = key.Value, Stream = stream });
            }

            if (lookups.KeyHolders.GetValueOrDefault(key) == stream)
            {
                lookups.KeyHolders.Remove(key);
            }
        }

        foreach (var key in request.Claims)
        {
            if (lookups.KeyHolders.TryAdd(key, stream))
            {
                Rows.ClaimedKeys.Add(new UniqueKeyRow { Scope = key.Scope, Value = key.Value, Stream = stream });
            }
        }
    }

    private long AddEvents(AppendRequest request, string stream, long version)
    {
        foreach (var @event in request.Events)
        {
            var metadata = request.Metadata!;
            var row = new EventRow
            {
                Position = head.Position + 1,
                Stream = stream,
                Version = ++version,
                EventId = @event.EventId,
                Type = @event.Type,
                SchemaVersion = @event.SchemaVersion,
                Payload = Bytes(@event.Payload),
                CommandId = metadata.CommandId,
                CorrelationId = metadata.CorrelationId,
                CausationId = metadata.CausationId,
                User = metadata.User,
                TimeMicroseconds = time,
            };
            row.Hash = HashChain.Next(head.Hash, row);
            Rows.Events.Add(row);
            Rows.NewHead = head = new LogHead(row.Position, time, row.Hash);
        }

        return version;
    }

    private void AddCommand(AppendRequest request, long position)
    {
        if (request.Command is not { } command)
        {
            return;
        }

        var stream = request.Stream!.Value;
        Rows.Commands.Add(new CommandRow
        {
            CommandId = command.CommandId,
            RequestHash = Bytes(command.RequestHash),
            Stream = stream.ToString(),
            Version = command.Version,
            Position = position,
            Reply = command.Reply,
            TimeMicroseconds = time,
        });
        lookups.Commands.Add(
            command.CommandId,
            new CommandRecord(command.CommandId, command.RequestHash, new CommandResult(stream, command.Version, position, command.Reply)));
    }

    private void AddAudit(AppendRequest request, long? position)
    {
        if (request.Audit is { } audit)
        {
            Rows.Audit.Add(new AuditRow
            {
                TimeMicroseconds = UnixMicroseconds.From(audit.ReceivedAt),
                CommandType = audit.CommandType,
                CommandId = audit.CommandId,
                User = audit.User,
                Stream = audit.Stream,
                Outcome = (int)audit.Outcome,
                ErrorReason = audit.ErrorReason,
                DurationMicroseconds = audit.DurationMicroseconds,
                Position = position,
            });
        }
    }

    private void AddSnapshot(AppendRequest request, long version, long position)
    {
        if (request.Snapshot is { } snapshot && request.Stream is { } stream)
        {
            Rows.Snapshots.RemoveAll(row => row.Stream == stream.ToString());
            Rows.Snapshots.Add(new SnapshotRow
            {
                Stream = stream.ToString(),
                Version = version,
                Position = position,
                SchemaVersion = snapshot.SchemaVersion,
                Payload = Bytes(snapshot.Payload),
                TimeMicroseconds = time,
            });
        }
    }

    private static byte[] Bytes(ReadOnlyMemory<byte> memory) =>
        System.Runtime.InteropServices.MemoryMarshal.TryGetArray(memory, out var segment)
        && segment.Offset == 0 && segment.Array!.Length == segment.Count
            ? segment.Array
            : memory.ToArray();
}

using System.Runtime.ExceptionServices;

namespace GrpcCqrs.EventSourcing;

/// <summary>An aggregate's state at a version of its stream.</summary>
/// <param name="State">The state; <c>Initial</c> if the stream has no events.</param>
/// <param name="Version">The number of events folded into it.</param>
/// <param name="Position">The position of the last of them; 0 if there is none.</param>
public sealed record Loaded<TAggregate>(TAggregate State, long Version, long Position)
    where TAggregate : class;

/// <summary>
/// The one write path: load, decide, append at the loaded version, and retry a bounded number of times on a version
/// conflict. Every command handler goes through it.
/// </summary>
/// <typeparam name="TAggregate">The aggregate.</typeparam>
/// <typeparam name="TEvent">The base type of its events.</typeparam>
public sealed partial class AggregateStore<TAggregate, TEvent>
    where TAggregate : class, IAggregate<TAggregate, TEvent>
    where TEvent : class
{
    /// <summary>
    /// The maximum number of attempts when other writers keep winning. Each lost attempt means that another command on
    /// the same aggregate succeeded, so a contended aggregate still makes progress. Beyond this limit the caller should
    /// back off.
    /// </summary>
    public const int MaxAttempts = 10;

    private readonly IEventStore store;
    private readonly EventTypeRegistry types;
    private readonly StateCache cache;
    private readonly ISnapshots<TAggregate>? snapshots;
    private readonly TimeProvider clock;
    private readonly StreamTurns turns = new();

    internal AggregateStore(
        IEventStore store, EventTypeRegistry types, StateCache cache, IEnumerable<ISnapshots<TAggregate>> snapshots, TimeProvider clock)
    {
        this.store = store;
        this.types = types;
        this.cache = cache;
        this.snapshots = snapshots.SingleOrDefault();
        this.clock = clock;
    }

    /// <summary>Decides on the current state and appends the resulting events.</summary>
    /// <param name="id">The aggregate.</param>
    /// <param name="context">The command's context.</param>
    /// <param name="decide">
    /// Returns the events to append, none if nothing would change. It is called again on a newer state after a
    /// conflict, so it must be a pure function of the state.
    /// </param>
    /// <param name="cancellationToken">Cancels the call as long as nothing is written.</param>
    /// <param name="reply">Additional response data, also returned to repeated calls.</param>
    /// <exception cref="RejectedException">
    /// What <paramref name="decide"/> throws, <see cref="EngineErrors.WrongExpectedVersion"/>,
    /// <see cref="EngineErrors.TooMuchContention"/>, <see cref="EngineErrors.CommandIdReused"/>,
    /// or what the event store throws.
    /// </exception>
    /// <exception cref="UniqueKeyTakenException">Another stream holds a key that the new state claims.</exception>
    public async ValueTask<CommandResult> UpdateAsync(
        string id,
        CommandContext context,
        Func<TAggregate, IReadOnlyList<TEvent>> decide,
        CancellationToken cancellationToken,
        string? reply = null)
    {
        ArgumentNullException.ThrowIfNull(context);
        ArgumentNullException.ThrowIfNull(decide);
        var stream = StreamId.For<TAggregate, TEvent>(id);
        context.Stream = stream;
        var remembered = cache.Find<TAggregate>(stream);

        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            // After the first conflict, retries on a stream are serialised in this process, so that they do not keep
            // conflicting.
            using var turn = attempt == 1 ? null : await turns.TakeAsync(stream, cancellationToken);
            var (current, events) = await DecideAsync(id, context, decide, remembered, cancellationToken);
            remembered = null;
            if (events.Count == 0 && context.RequestHash is null)
            {
                return new CommandResult(stream, current.Version, current.Position, reply);
            }

            var after = current.State.Fold(events);
            var result = await store.AppendAsync(RequestFor(stream, context, current, after, events, reply), cancellationToken);
            switch (result)
            {
                case AppendResult.Appended appended:
                    context.IsAudited = true;
                    var position = events.Count == 0 ? current.Position : appended.Position;
                    cache.Put(stream, new Loaded<TAggregate>(after, appended.Version, position), after.ApproximateBytes);
                    return new CommandResult(stream, appended.Version, position, reply);
                case AppendResult.DuplicateCommand duplicate:
                    return CommandDeduplication.Repeat(duplicate.First, context);
                case AppendResult.UniqueKeyTaken taken:
                    throw new UniqueKeyTakenException(taken.Key);
                case AppendResult.WrongExpectedVersion wrong:
                    ThrowIfUnexpected(context, stream, wrong.ActualVersion);
                    break;
            }
        }

        throw new RejectedException(
            EngineErrors.TooMuchContention, $"Other writers changed {stream} at each of {MaxAttempts} attempts.")
        {
            Subject = stream.ToString(),
            RetryAfter = TimeSpan.FromMilliseconds(100),
        };
    }

    /// <summary>
    /// Decides on the cached state, if there is one. A rejection or a decision without events is not checked by an
    /// append, so it is made again on the state in the store.
    /// </summary>
    private async ValueTask<(Loaded<TAggregate> Current, IReadOnlyList<TEvent> Events)> DecideAsync(
        string id, CommandContext context, Func<TAggregate, IReadOnlyList<TEvent>> decide, Loaded<TAggregate>? remembered, CancellationToken cancellationToken)
    {
        if (remembered is not null)
        {
            var (events, _) = TryDecide(remembered);
            if (events is { Count: > 0 })
            {
                return (remembered, events);
            }
        }

        var current = await LoadAsync(id, cancellationToken);
        var (decided, refusal) = TryDecide(current);
        refusal?.Throw();
        return (current, decided!);

        (IReadOnlyList<TEvent>? Events, ExceptionDispatchInfo? Refusal) TryDecide(Loaded<TAggregate> on)
        {
            try
            {
                ThrowIfUnexpected(context, StreamId.For<TAggregate, TEvent>(id), on.Version);
                return (decide(on.State), null);
            }
            catch (RejectedException rejection)
            {
                return (null, ExceptionDispatchInfo.Capture(rejection));
            }
        }
    }

    private AppendRequest RequestFor(
        StreamId stream, CommandContext context, Loaded<TAggregate> current, TAggregate after, IReadOnlyList<TEvent> events, string? reply)
    {
        var now = clock.GetUtcNow();
        var version = current.Version + events.Count;
        var (held, wanted) = (current.State.UniqueKeys, after.UniqueKeys);
        return new AppendRequest
        {
            Stream = stream,
            ExpectedVersion = ExpectedVersion.Exactly(current.Version),
            Events = [.. events.Select(@event => types.Serialize(@event, now))],
            Metadata = new EventMetadata(context.CommandId, context.CorrelationId, context.CausationId, context.User),
            Command = context.RequestHash is { } hash
                ? new CommandToRecord(context.CommandId, hash, version, current.Position, reply)
                : null,
            Audit = context.AuditAs(events.Count == 0 ? CommandOutcome.Unchanged : CommandOutcome.Appended, now),
            Snapshot = snapshots is not null && version / snapshots.Every > current.Version / snapshots.Every
                ? new SnapshotData(snapshots.SchemaVersion, snapshots.Write(after))
                : null,
            Claims = [.. wanted.Except(held)],
            Releases = [.. held.Except(wanted)],
        };
    }

    private static void ThrowIfUnexpected(CommandContext context, StreamId stream, long actualVersion)
    {
        if (context.ExpectedVersion.Matches(actualVersion))
        {
            return;
        }

        var actual = actualVersion.ToString(System.Globalization.CultureInfo.InvariantCulture);
        throw new RejectedException(
            EngineErrors.WrongExpectedVersion,
            $"{stream} is at version {actual}, not at {context.ExpectedVersion}.")
        {
            Subject = stream.ToString(),
            Facts = new Dictionary<string, string>(StringComparer.Ordinal)
            {
                ["actual_version"] = actual,
                ["expected_version"] = context.ExpectedVersion.ToString(),
            },
        };
    }
}

/// <summary>Another stream holds a unique key. Handlers convert it into an error that names the field.</summary>
public sealed class UniqueKeyTakenException(UniqueKey key) : Exception($"The {key.Scope} {key.Value} is taken.")
{
    /// <summary>The key.</summary>
    public UniqueKey Key { get; } = key;
}

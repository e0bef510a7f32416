using System.Runtime.ExceptionServices;

namespace GrpcCqrs.EventSourcing;

/// <summary>An aggregate as it is after some event of its stream.</summary>
/// <param name="State">The state; <c>Initial</c> where the stream has no event.</param>
/// <param name="Version">The number of events folded into it.</param>
/// <param name="Position">The position of the last of them; 0 where there is none.</param>
public sealed record Loaded<TAggregate>(TAggregate State, long Version, long Position)
    where TAggregate : class;

/// <summary>
/// The one write path: load, decide, append at the loaded version, and start over a bounded number of times where another writer
/// came first. Every command handler goes through it.
/// </summary>
/// <typeparam name="TAggregate">The aggregate.</typeparam>
/// <typeparam name="TEvent">The base type of its events.</typeparam>
public sealed partial class AggregateStore<TAggregate, TEvent>
    where TAggregate : class, IAggregate<TAggregate, TEvent>
    where TEvent : class
{
    /// <summary>
    /// How often a decision is made anew when other writers keep winning. Each lost attempt means that another command on the
    /// same aggregate succeeded, so that even a crowd on one aggregate makes progress; beyond this the caller should back off.
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

    /// <summary>Decides on the current state and appends the outcome.</summary>
    /// <param name="id">The aggregate.</param>
    /// <param name="context">The command's context.</param>
    /// <param name="decide">
    /// Returns the events to append, none where nothing would change. Called again on a newer state after a lost race, so it must
    /// be a pure function of the state.
    /// </param>
    /// <param name="cancellationToken">Gives up while nothing is written.</param>
    /// <param name="reply">What else to answer, now and to repetitions.</param>
    /// <exception cref="RejectedException">
    /// What <paramref name="decide"/> throws, <see cref="EngineErrors.WrongExpectedVersion"/>,
    /// <see cref="EngineErrors.TooMuchContention"/>, <see cref="EngineErrors.CommandIdReused"/>, or what the event store throws.
    /// </exception>
    /// <exception cref="UniqueKeyTakenException">Another stream holds a key that the new state would hold.</exception>
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
            // Who has lost once waits its turn, so that a crowd on one aggregate of this process does not lose again and again.
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
    /// Decides on the remembered state, where there is one; but what no append will check, a refusal or a decision for nothing,
    /// counts only on the state that the store has now.
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

/// <summary>Another stream holds a unique key. Handlers turn it into an error that names the field.</summary>
public sealed class UniqueKeyTakenException(UniqueKey key) : Exception($"The {key.Scope} {key.Value} is taken.")
{
    /// <summary>The key.</summary>
    public UniqueKey Key { get; } = key;
}

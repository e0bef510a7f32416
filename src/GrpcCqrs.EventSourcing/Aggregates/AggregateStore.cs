namespace GrpcCqrs.EventSourcing;

/// <summary>An aggregate as it is after some event of its stream.</summary>
/// <param name="State">The state; <c>Initial</c> where the stream has no event.</param>
/// <param name="Version">The number of events folded into it.</param>
/// <param name="Position">The position of the last of them; 0 where there is none.</param>
public sealed record Loaded<TAggregate>(TAggregate State, long Version, long Position);

/// <summary>
/// The one write path: load, decide, append at the loaded version, and start over a bounded number of times where another writer
/// came first. Every command handler goes through it.
/// </summary>
/// <typeparam name="TAggregate">The aggregate.</typeparam>
/// <typeparam name="TEvent">The base type of its events.</typeparam>
public sealed class AggregateStore<TAggregate, TEvent>(IEventStore store, EventTypeRegistry types, TimeProvider clock)
    where TAggregate : class, IAggregate<TAggregate, TEvent>
    where TEvent : class
{
    /// <summary>
    /// How often a decision is made anew when other writers keep winning. Each lost attempt means that another command on the
    /// same aggregate succeeded, so that even a crowd on one aggregate makes progress; beyond this the caller should back off.
    /// </summary>
    public const int MaxAttempts = 10;

    /// <summary>How many events are read at a time, to bound the memory of a load.</summary>
    private const int ReadBatch = 500;

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

        for (var attempt = 1; attempt <= MaxAttempts; attempt++)
        {
            var current = await LoadAsync(id, cancellationToken);
            ThrowIfUnexpected(context, stream, current.Version);
            var events = decide(current.State);
            if (events.Count == 0 && context.RequestHash is null)
            {
                return new CommandResult(stream, current.Version, current.Position, reply);
            }

            var verdict = await store.AppendAsync(RequestFor(stream, context, current, events, reply), cancellationToken);
            switch (verdict)
            {
                case AppendVerdict.Appended appended:
                    context.IsAudited = true;
                    return new CommandResult(stream, appended.Version, events.Count == 0 ? current.Position : appended.Position, reply);
                case AppendVerdict.DuplicateCommand duplicate:
                    return CommandDeduplication.Repeat(duplicate.First, context);
                case AppendVerdict.UniqueKeyTaken taken:
                    throw new UniqueKeyTakenException(taken.Key);
                case AppendVerdict.WrongExpectedVersion wrong:
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

    /// <summary>The current state.</summary>
    public ValueTask<Loaded<TAggregate>> LoadAsync(string id, CancellationToken cancellationToken) =>
        LoadWhileAsync(id, static _ => true, cancellationToken);

    /// <summary>The state as it was when the stream had this many events, or fewer where it never had as many.</summary>
    public ValueTask<Loaded<TAggregate>> LoadAtVersionAsync(string id, long version, CancellationToken cancellationToken) =>
        LoadWhileAsync(id, record => record.Version <= version, cancellationToken);

    /// <summary>The state folded from the leading events that <paramref name="take"/> accepts; the first refusal ends it.</summary>
    public async ValueTask<Loaded<TAggregate>> LoadWhileAsync(
        string id, Func<RecordedEvent, bool> take, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(take);
        var stream = StreamId.For<TAggregate, TEvent>(id);
        var loaded = new Loaded<TAggregate>(TAggregate.Initial(id), 0, 0);
        while (true)
        {
            var page = await store.ReadStreamAsync(stream, loaded.Version + 1, ReadBatch, cancellationToken);
            foreach (var record in page.Events)
            {
                if (!take(record))
                {
                    return loaded;
                }

                var @event = (TEvent)types.Deserialize(record).Event;
                loaded = new Loaded<TAggregate>(loaded.State.Apply(@event), record.Version, record.Position);
            }

            if (page.IsEnd)
            {
                return loaded;
            }
        }
    }

    private AppendRequest RequestFor(
        StreamId stream, CommandContext context, Loaded<TAggregate> current, IReadOnlyList<TEvent> events, string? reply)
    {
        var now = clock.GetUtcNow();
        var after = current.State.Fold(events);
        var (held, wanted) = (current.State.UniqueKeys, after.UniqueKeys);
        return new AppendRequest
        {
            Stream = stream,
            ExpectedVersion = ExpectedVersion.Exactly(current.Version),
            Events = [.. events.Select(@event => types.Serialize(@event, now))],
            Metadata = new EventMetadata(context.CommandId, context.CorrelationId, context.CausationId, context.User),
            Command = context.RequestHash is { } hash
                ? new CommandToRecord(context.CommandId, hash, current.Version + events.Count, current.Position, reply)
                : null,
            Audit = context.AuditAs(events.Count == 0 ? CommandOutcome.Unchanged : CommandOutcome.Appended, now),
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

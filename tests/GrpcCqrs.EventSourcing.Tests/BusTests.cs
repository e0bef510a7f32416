using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;

namespace GrpcCqrs.EventSourcing.Tests;

public sealed record Rename(string Name) : IValidatable
{
    public IEnumerable<FieldViolation> Validate() => Name.Length == 0 ? [new FieldViolation("name", "Must not be empty.")] : [];
}

public sealed record AskName(bool IsMalformed = false) : IValidatable
{
    public IEnumerable<FieldViolation> Validate() => IsMalformed ? [new FieldViolation("is_malformed", "Must be false.")] : [];
}

public sealed record AskLog;

public sealed class RenameHandler : ICommandHandler<Rename>
{
    public ValueTask<CommandResult> HandleAsync(Rename command, CommandContext context, CancellationToken cancellationToken) => command.Name switch
    {
        "refuse" => throw new RejectedException(EngineErrors.WrongExpectedVersion, "No."),
        "fail" => throw new InvalidOperationException("Secret."),
        _ => ValueTask.FromResult(new CommandResult(new StreamId("test", "1"), 1, 1)),
    };
}

public sealed class AskHandler : IReadModelQueryHandler<AskName, string>, IEventLogQueryHandler<AskLog, string>
{
    public ValueTask<string> HandleAsync(AskName query, ReadView view, CancellationToken cancellationToken) => ValueTask.FromResult(view.Table("names"));

    public ValueTask<string> HandleAsync(AskLog query, CancellationToken cancellationToken) => ValueTask.FromResult("log");
}

public sealed class BusTests
{
    private readonly RecordingStore store = new();
    private readonly RecordingReadModel readModel = new();
    private readonly ServiceProvider services;

    public BusTests()
    {
        services = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build()).AddEventSourcing()
            .AddSingleton<IEventStore>(store)
            .AddSingleton<IReadModel>(readModel)
            .AddCommand<Rename, RenameHandler>()
            .AddReadModelQuery<AskName, string, AskHandler>("names")
            .AddEventLogQuery<AskLog, string, AskHandler>()
            .BuildServiceProvider();
        services.GetRequiredService<StoreIdentity>().Set(Guid.CreateVersion7(), new byte[32]);
    }

    [Theory]
    [InlineData("new", CommandOutcome.Unchanged, null)]
    [InlineData("", CommandOutcome.Rejected, "INVALID_FIELDS")]
    [InlineData("refuse", CommandOutcome.Rejected, "WRONG_EXPECTED_VERSION")]
    [InlineData("fail", CommandOutcome.Failed, "InvalidOperationException")]
    public async Task Every_command_leaves_one_audit_entry(string name, CommandOutcome outcome, string? reason)
    {
        await Record.ExceptionAsync(() => SendAsync(new Rename(name), Context()));

        var entry = Assert.Single(store.Appends).Audit!;
        Assert.Equal((nameof(Rename), outcome, reason, "tester"), (entry.CommandType, entry.Outcome, entry.ErrorReason, entry.User));
    }

    [Fact]
    public async Task A_repeated_command_is_answered_without_its_handler_and_a_reused_id_is_refused()
    {
        var context = Context(new byte[32]);
        var first = new CommandResult(new StreamId("test", "1"), 7, 9, "reply");
        store.Known = new CommandRecord(context.CommandId, new byte[32], first);

        Assert.Equal(first, await SendAsync(new Rename("fail"), context));
        Assert.Equal(CommandOutcome.Repeated, Assert.Single(store.Appends).Audit!.Outcome);

        store.Known = store.Known with { RequestHash = Enumerable.Repeat((byte)1, 32).ToArray() };
        var rejection = await Assert.ThrowsAsync<RejectedException>(() => SendAsync(new Rename("new"), Context(new byte[32])));
        Assert.Equal(EngineErrors.CommandIdReused, rejection.Code);
    }

    [Fact]
    public async Task An_audit_entry_that_cannot_be_written_does_not_change_the_answer()
    {
        store.Refuses = true;
        Assert.Equal(1, (await SendAsync(new Rename("new"), Context())).Version);
    }

    [Fact]
    public async Task A_query_waits_for_its_token_unless_it_reads_the_event_log()
    {
        var bus = services.GetRequiredService<IQueryBus>();
        var context = new QueryContext(services.GetRequiredService<ConsistencyTokens>().Write(42));

        Assert.Equal(new QueryAnswer<string>("log", 7), await bus.AskAsync<AskLog, string>(new AskLog(), context, CancellationToken.None));
        Assert.Empty(readModel.WaitedFor);
        Assert.Equal(new QueryAnswer<string>("names_g2", 42), await bus.AskAsync<AskName, string>(new AskName(), context, CancellationToken.None));
        Assert.Equal([42L], readModel.WaitedFor);
        Assert.Equal(new QueryAnswer<string>("names_g2", 5), await bus.AskAsync<AskName, string>(new AskName(), new QueryContext(""), CancellationToken.None));
        Assert.Single(readModel.WaitedFor);
        await Assert.ThrowsAsync<RejectedException>(() => bus.AskAsync<AskLog, string>(new AskLog(), new QueryContext("forged"), CancellationToken.None).AsTask());
        await Assert.ThrowsAsync<RejectedException>(() => bus.AskAsync<AskName, string>(new AskName(true), context, CancellationToken.None).AsTask());
    }

    [Fact]
    public async Task A_message_without_a_handler_or_with_two_is_a_fault_of_the_set_up()
    {
        await Assert.ThrowsAsync<InvalidOperationException>(() => services.GetRequiredService<ICommandBus>().SendAsync("text", Context(), CancellationToken.None).AsTask());
        await Assert.ThrowsAsync<InvalidOperationException>(() => services.GetRequiredService<IQueryBus>().AskAsync<AskName, int>(new AskName(), new QueryContext(), CancellationToken.None).AsTask());

        await using var twice = new ServiceCollection().AddLogging().AddSingleton<IConfiguration>(new ConfigurationBuilder().Build()).AddEventSourcing().AddSingleton<IEventStore>(store)
            .AddCommand<Rename, RenameHandler>().AddCommand<Rename, RenameHandler>().BuildServiceProvider();
        Assert.Throws<ArgumentException>(twice.GetRequiredService<ICommandBus>);
    }

    private Task<CommandResult> SendAsync(Rename command, CommandContext context) =>
        services.GetRequiredService<ICommandBus>().SendAsync(command, context, CancellationToken.None).AsTask();

    private static CommandContext Context(byte[]? hash = null) => new()
    {
        CommandId = Guid.CreateVersion7(),
        RequestHash = hash is null ? null : new ReadOnlyMemory<byte>(hash),
        User = "tester",
        CorrelationId = "",
        CausationId = "",
        ReceivedAt = DateTimeOffset.UnixEpoch,
    };

    /// <summary>An event store that notes what it is asked to append.</summary>
    private sealed class RecordingStore : IEventStore
    {
        public List<AppendRequest> Appends { get; } = [];

        public CommandRecord? Known { get; set; }

        public bool Refuses { get; set; }

        public ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellationToken)
        {
            if (Refuses)
            {
                throw new RejectedException(EngineErrors.WriteQueueFull, "Full.");
            }

            Appends.Add(request);
            return ValueTask.FromResult<AppendResult>(new AppendResult.Appended(1, 1));
        }

        public ValueTask<CommandRecord?> FindCommandAsync(Guid commandId, CancellationToken cancellationToken) => ValueTask.FromResult(Known);

        public ValueTask<EventPage> ReadStreamAsync(StreamId stream, long fromVersion, int maxCount, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<EventPage> ReadAllAsync(long afterPosition, int maxCount, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<StoredSnapshot?> FindSnapshotAsync(StreamId stream, int schemaVersion, CancellationToken cancellationToken) => throw new NotSupportedException();

        public ValueTask<long> ReadHeadAsync(CancellationToken cancellationToken) => ValueTask.FromResult(7L);
    }

    /// <summary>A read model that notes what it is asked to wait for.</summary>
    private sealed class RecordingReadModel : IReadModel
    {
        private static readonly Dictionary<string, string> Tables = new() { ["names"] = "names_g2" };

        public List<long> WaitedFor { get; } = [];

        public ValueTask<ReadView> ViewAsync(IReadOnlyCollection<string> projections, CancellationToken cancellationToken) => new(new ReadView(5, Tables));

        public ValueTask<ReadView> WaitForAsync(long position, IReadOnlyCollection<string> projections, StreamId? stream, CancellationToken cancellationToken)
        {
            WaitedFor.Add(position);
            return ValueTask.FromResult(new ReadView(position, Tables));
        }
    }
}

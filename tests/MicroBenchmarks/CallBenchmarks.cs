using AutoMapper;
using BenchmarkDotNet.Attributes;
using Blog.Application.Posts;
using Blog.Domain.Posts;
using Blog.Server;
using GrpcCqrs.EventSourcing;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;

namespace MicroBenchmarks;

/// <summary>What is done for each call between the network and the databases: mapping, and the buses' pipelines around a handler that does nothing.</summary>
[MemoryDiagnoser]
public class CallBenchmarks
{
    private static readonly Guid Id = Guid.Parse("019a0000-0000-7000-8000-000000000001");
    private static readonly DateTimeOffset Now = new(2026, 11, 20, 0, 0, 0, TimeSpan.Zero);

    private readonly ServiceProvider services = new ServiceCollection()
        .AddLogging()
        .AddEventSourcing()
        .AddEvents<PostEvent>(PostEventsJson.Default)
        .AddCommand<EditPostContent, IdleCommandHandler>()
        .AddReadModelQuery<GetPost, string, IdleQueryHandler>("post-details")
        .AddSingleton<IEventStore, IdleStore>()
        .AddSingleton<IReadModel, IdleReadModel>()
        .AddBlogServer(new ConfigurationBuilder().Build())
        .AddSingleton<IConfiguration>(new ConfigurationBuilder().Build())
        .BuildServiceProvider();

    private readonly Blog.V1.EditPostContentRequest request = new() { PostId = $"{Id:D}", Content = new string('x', 300) };
    private readonly PostView view = new(
        Post.Initial($"{Id:D}").Apply(new PostCreated("A title", new string('x', 300), "a-title", "Ada", ["one", "two"])), 3, Now, Now, Now);
    private readonly EditPostContent command = new($"{Id:D}", new string('x', 300));
    private readonly GetPost query = new($"{Id:D}", "");
    private readonly IMapper mapper;
    private readonly ICommandBus commands;
    private readonly IQueryBus queries;

    public CallBenchmarks()
    {
        mapper = services.GetRequiredService<IMapper>();
        commands = services.GetRequiredService<ICommandBus>();
        queries = services.GetRequiredService<IQueryBus>();
    }

    [GlobalCleanup]
    public void Cleanup() => services.Dispose();

    /// <summary>A request becomes a command.</summary>
    [Benchmark]
    public EditPostContent MapRequest() => mapper.Map<EditPostContent>(request);

    /// <summary>A view becomes a protobuf message.</summary>
    [Benchmark]
    public Blog.V1.Post MapView() => mapper.Map<Blog.V1.Post>(view);

    /// <summary>The command pipeline: trace, audit, validate, de-duplicate.</summary>
    [Benchmark]
    public async Task<CommandResult> DispatchCommand() => await commands.SendAsync(
        command,
        new CommandContext { CommandId = Id, User = "anonymous", CorrelationId = "", CausationId = "", ReceivedAt = Now },
        CancellationToken.None);

    /// <summary>The query pipeline.</summary>
    [Benchmark]
    public async Task<QueryAnswer<string>> DispatchQuery() =>
        await queries.AskAsync<GetPost, string>(query, new QueryContext(), CancellationToken.None);

    internal sealed class IdleCommandHandler : ICommandHandler<EditPostContent>
    {
        private static readonly CommandResult Result = new(StreamId.For<Post, PostEvent>($"{Id:D}"), 2, 2);

        public ValueTask<CommandResult> HandleAsync(EditPostContent command, CommandContext context, CancellationToken cancellationToken) => new(Result);
    }

    internal sealed class IdleQueryHandler : IReadModelQueryHandler<GetPost, string>
    {
        public ValueTask<string> HandleAsync(GetPost query, ReadView view, CancellationToken cancellationToken) => new("");
    }

    internal sealed class IdleReadModel : IReadModel
    {
        private static readonly ReadView Everything = new(1, new Dictionary<string, string>(StringComparer.Ordinal));

        public ValueTask<ReadView> ViewAsync(IReadOnlyCollection<string> projections, CancellationToken cancellationToken) => new(Everything);

        public ValueTask<ReadView> WaitForAsync(
            long position, IReadOnlyCollection<string> projections, StreamId? stream, CancellationToken cancellationToken) => new(Everything);
    }

    /// <summary>Takes audit entries and forgets them.</summary>
    internal sealed class IdleStore : IEventStore
    {
        private static readonly AppendResult Appended = new AppendResult.Appended(1, 1);

        public ValueTask<AppendResult> AppendAsync(AppendRequest request, CancellationToken cancellationToken) => new(Appended);

        public ValueTask<EventPage> ReadStreamAsync(StreamId stream, long fromVersion, int maxCount, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<EventPage> ReadAllAsync(long afterPosition, int maxCount, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<long> ReadHeadAsync(CancellationToken cancellationToken) => new(1);

        public ValueTask<StoredSnapshot?> FindSnapshotAsync(StreamId stream, int schemaVersion, CancellationToken cancellationToken) =>
            throw new NotSupportedException();

        public ValueTask<CommandRecord?> FindCommandAsync(Guid commandId, CancellationToken cancellationToken) => throw new NotSupportedException();
    }
}

using Blog.Domain.Posts;
using Blog.NextVersion;
using Blog.Server;
using GrpcCqrs.Hosting;
using GrpcCqrs.Storage;

// The Blog as its next version could be: posts are archived in schema version 2 of the event, which the version before does
// not know, and a subscription keeps a table in the write database.
return await OperatorCommands.RunAsync(
    args => BlogHost.Build(args, services => services
        .AddSingleton(NextEvents.Of<PostEvent>(PostEventsJson.Default, changed: typeof(PostArchived)))
        .AddTransactionalSubscription<PostCounts>("post-counts", options => options.Handle<PostEvent>().MaxConcurrency = 20)),
    args);

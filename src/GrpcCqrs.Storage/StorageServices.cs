using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.Jobs;
using GrpcCqrs.Storage.Operations;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Readers;
using GrpcCqrs.Storage.Schema;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.EntityFrameworkCore;
using Microsoft.Extensions.DependencyInjection;
using Microsoft.Extensions.DependencyInjection.Extensions;
using Microsoft.Extensions.Hosting;
using Microsoft.Extensions.Logging;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Storage;

/// <summary>Registers the storage.</summary>
public static class StorageServices
{
    /// <summary>
    /// Adds the event store, the outbox drain, the projection runner and the event feed. Options come from the
    /// configuration sections <c>Storage</c>, <c>Append</c>, <c>Projections</c> and <c>Feed</c>; they are validated at
    /// start-up.
    /// </summary>
    public static IServiceCollection AddEventStorage(this IServiceCollection services)
    {
        services.AddOptions<StorageOptions>().BindConfiguration(StorageOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<AppendOptions>().BindConfiguration(AppendOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<ProjectionOptions>().BindConfiguration(ProjectionOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddOptions<CommandRetentionOptions>().BindConfiguration(CommandRetentionOptions.Section)
            .Validate(options => options.Retention is null || options.Retention >= TimeSpan.FromMinutes(1), "Commands:Retention must be at least one minute, or absent.")
            .ValidateOnStart();
        services.AddSingleton(provider => DatabaseChoice.CreateWrite(
            provider.GetServices<DatabaseProvider>(), provider.GetRequiredService<IOptions<StorageOptions>>().Value));
        services.AddSingleton(provider => DatabaseChoice.CreateRead(
            provider.GetServices<DatabaseProvider>(), provider.GetRequiredService<IOptions<StorageOptions>>().Value));
        services.TryAddSingleton(provider => (IAppendSessionFactory)provider.GetRequiredService<WriteDatabase>().Provider);
        services.AddSingleton(provider => new StorageInitializer(
            provider.GetRequiredService<IOptions<StorageOptions>>(),
            provider.GetRequiredService<IOptions<ProjectionOptions>>(),
            provider.GetRequiredService<WriteDatabase>(),
            provider.GetRequiredService<ReadDatabase>(),
            provider.GetRequiredService<GenerationStore>(),
            provider.GetServices<IProjection>(),
            provider.GetRequiredService<ReadModelFollower>(),
            provider.GetRequiredService<StoreIdentity>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<StorageInitializer>>()));

        services.AddSingleton<CommitSignal>();
        services.AddSingleton<AppendWriter>();
        services.AddSingleton<AppendQueue>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<AppendQueue>());
        services.AddSingleton(provider => new CommandRetention(
            provider.GetRequiredService<WriteDatabase>(),
            provider.GetRequiredService<AppendQueue>(),
            provider.GetRequiredService<IOptions<CommandRetentionOptions>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<LogVerifier>();
        services.AddSingleton<AuditLog>();
        services.AddSingleton<DatabaseEventStore>();
        services.AddSingleton<IEventStore>(provider => provider.GetRequiredService<DatabaseEventStore>());
        services.AddSingleton<IOutbox>(provider => provider.GetRequiredService<DatabaseEventStore>());

        services.AddHostedService<CommitWatcher>();
        services.AddEventFeed();

        services.AddSingleton<ReadModel>();
        services.AddSingleton<IReadModel>(provider => provider.GetRequiredService<ReadModel>());
        services.AddSingleton<IProjectionMonitor>(provider => provider.GetRequiredService<ReadModel>());
        services.AddSingleton<ReadModelFollower>();
        services.AddSingleton(provider => new Lease(
            provider.GetRequiredService<ReadDatabase>(), Lease.Projector, provider.GetRequiredService<IOptions<ProjectionOptions>>().Value.LeaseDuration,
            provider.GetRequiredService<TimeProvider>(), provider.GetRequiredService<ILogger<Lease>>()));
        services.AddSingleton<ProjectionSchema>();
        services.AddSingleton(provider => new SchemaScript(
            provider.GetRequiredService<WriteDatabase>(), provider.GetRequiredService<ReadDatabase>(), provider.GetRequiredService<ProjectionSchema>(),
            provider.GetServices<IProjection>()));
        services.AddSingleton<GenerationStore>();
        services.AddSingleton<Projector>();
        services.AddSingleton<TableComparison>();
        services.AddSingleton<Rebuilder>();
        services.AddSingleton<ParkedEvents>();
        services.AddSingleton<StreamReplay>();
        services.AddSingleton<DriftAudit>();
        services.AddSingleton<DriftMetrics>();
        services.AddSingleton<OperatorRequests>();
        services.AddSingleton<OperatorWork>();
        services.AddSingleton(provider => new ProjectionOperations(
            provider.GetRequiredService<OperatorRequests>(),
            provider.GetRequiredService<ReadDatabase>(),
            provider.GetServices<IProjection>(),
            provider.GetRequiredService<ReadModel>(),
            provider.GetRequiredService<Lease>(),
            provider.GetRequiredService<IEventStore>(),
            provider.GetRequiredService<StoreIdentity>(),
            provider.GetRequiredService<IOptions<ProjectionOptions>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton(provider => new ParkedEventOperations(
            provider.GetRequiredService<ProjectionOperations>(), provider.GetRequiredService<ConsumerGroups>()));
        services.AddJobs();
        services.AddSingleton<IReadModelChanges, ReadModelChanges>();
        services.AddHostedService<ProjectionRunner>();
        return services;
    }

    private static void AddJobs(this IServiceCollection services)
    {
        services.AddOptions<JobRetentionOptions>().BindConfiguration(JobRetentionOptions.Section)
            .Validate(options => options.Retention >= TimeSpan.FromHours(1), "Jobs:Retention must be at least one hour.")
            .ValidateOnStart();
        services.AddSingleton<JobStore>();
        services.AddSingleton<JobHandler, RebuildJob>();
        services.AddSingleton<JobHandler, ReplayJob>();
        services.AddSingleton<JobHandler, RetryParkedJob>();
        services.AddSingleton<JobHandler, AuditJob>();
        services.AddSingleton<JobHandler, VerifyJob>();
        services.AddSingleton(provider => new JobRunner(
            provider.GetRequiredService<JobStore>(),
            provider.GetServices<JobHandler>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<JobRunner>>()));
        services.AddSingleton(provider => new JobOperations(
            provider.GetRequiredService<JobStore>(),
            provider.GetServices<JobHandler>(),
            provider.GetService<IJobQueue>(),
            provider.GetRequiredService<IOptions<JobRetentionOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<JobOperations>>()));
    }

    private static void AddEventFeed(this IServiceCollection services)
    {
        services.AddOptions<FeedOptions>().BindConfiguration(FeedOptions.Section).ValidateDataAnnotations().ValidateOnStart();
        services.AddSingleton<FeedLog>();
        services.AddSingleton<FeedTail>();
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<FeedTail>());
        services.AddSingleton(provider => new EventFeed(
            provider.GetRequiredService<FeedLog>(),
            provider.GetRequiredService<FeedTail>(),
            provider.GetRequiredService<IOptions<FeedOptions>>(),
            provider.GetRequiredService<TimeProvider>()));
        services.AddSingleton<ConsumerGroupStore>();
        services.AddSingleton(provider => new ConsumerGroups(
            provider.GetRequiredService<WriteDatabase>(),
            provider.GetRequiredService<ConsumerGroupStore>(),
            provider.GetRequiredService<FeedLog>(),
            provider.GetRequiredService<FeedTail>(),
            provider.GetRequiredService<IOptions<FeedOptions>>(),
            provider.GetRequiredService<TimeProvider>(),
            provider.GetRequiredService<ILogger<ConsumerGroups>>()));
        services.AddSingleton<IHostedService>(provider => provider.GetRequiredService<ConsumerGroups>());
    }

    /// <summary>Adds the service's own contexts on its write and read databases.</summary>
    public static IServiceCollection AddDatabases(
        this IServiceCollection services, Func<DbContextOptions, WriteDbContext> createWrite, Func<DbContextOptions, ReadDbContext> createRead) => services
        .AddTransient(provider => createWrite(provider.GetRequiredService<WriteDatabase>().ContextOptions()))
        .AddSingleton(provider => new ReadContextFactory(provider.GetRequiredService<ReadDatabase>(), createRead, provider.GetServices<IProjection>))
        .AddTransient(provider => provider.GetRequiredService<ReadContextFactory>().Create());

    /// <summary>
    /// Adds a database provider; <c>Storage:Write:Provider</c> and <c>Storage:Read:Provider</c> select one by name.
    /// </summary>
    public static IServiceCollection AddDatabaseProvider(this IServiceCollection services, DatabaseProvider provider) =>
        services.AddSingleton(provider);
}

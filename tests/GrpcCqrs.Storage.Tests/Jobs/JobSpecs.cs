using System.Collections.Concurrent;
using System.Diagnostics;
using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Jobs;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Readers;
using Microsoft.Data.Sqlite;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests.Jobs;

/// <summary>A job that does what a test says.</summary>
internal sealed class ScriptedJob(Func<JobContext, CancellationToken, Task<string>> work) : JobHandler
{
    public override string Kind => "scripted";

    public override string Describe(JobArguments arguments) => "Scripted";

    public override JobArguments Prepare(JobArguments arguments) => arguments;

    public override Task<string> RunAsync(JobContext job, CancellationToken cancellationToken) => work(job, cancellationToken);

    public override Task<string> CancelAsync(JobContext job, CancellationToken cancellationToken) => Task.FromResult("Taken back.");
}

/// <summary>What holds for jobs whatever runs them, whatever the database.</summary>
public abstract partial class JobSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private const string User = "operator";

    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task A_rebuild_is_followed_to_its_switch()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting);
        await BookAsync(store, 20);

        var job = await StartAndRunAsync(store, JobKinds.Rebuild, new JobArguments());

        Assert.Equal((JobState.Succeeded, "balances: rebuilt and switched."), (job.State, job.Message));
        Assert.Equal((1, User), (job.Attempts, job.User));
        Assert.Equal(["balances"], job.Arguments.Projections);
        Assert.NotNull(job.EndTime);
        Assert.Equal(2, Assert.Single(store.Projections, set => set.State == GenerationState.Live).Generation);
    }

    [SkippableFact]
    public async Task A_rebuild_that_was_interrupted_after_its_switch_is_not_done_again()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting);
        await BookAsync(store, 20);
        var jobs = Jobs(store);
        var job = await jobs.StartAsync(JobKinds.Rebuild, new JobArguments(), User, None);

        // What a process that was killed right before the end of the job has left.
        var left = (await Records(store).TakeAsync(job, DeadHolder(), None))!;
        await Records(store).SaveAsync(left, """{"balances":1}""", None);
        await store.Operations.AskForJobAsync(RequestKind.Rebuild, new RequestArguments { Projections = ["balances"] }, (left.Id, left.User, left.CreatedTime), None);
        await UntilAsync(() => store.Projections.Any(set => set is { State: GenerationState.Live, Generation: 2 }));

        var ended = await RunAsync(store, job.Id);

        Assert.Equal((JobState.Succeeded, "balances: rebuilt and switched.", 2), (ended.State, ended.Message, ended.Attempts));
        Assert.Single(await store.Operations.ListAsync(long.MaxValue, 10, None));
    }

    [SkippableFact]
    public async Task A_rebuild_right_after_a_switch_fills_a_third_generation_and_the_first_one_goes()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting, ("Projections:DropDelay", "00:00:01"));
        await BookAsync(store, 5);
        Assert.Equal(JobState.Succeeded, (await StartAndRunAsync(store, JobKinds.Rebuild, new JobArguments())).State);

        var again = await StartAndRunAsync(store, JobKinds.Rebuild, new JobArguments());

        Assert.Equal((JobState.Succeeded, "balances: rebuilt and switched."), (again.State, again.Message));
        await UntilAsync(() => store.Projections is [{ Generation: 2, State: GenerationState.Previous }, { Generation: 3, State: GenerationState.Live }]
            or [{ Generation: 3, State: GenerationState.Live }, { Generation: 2, State: GenerationState.Previous }]);
    }

    [SkippableFact]
    public async Task A_cancelled_rebuild_leaves_the_live_tables()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting, ("Projections:RebuildEventsPerSecond", "10"));
        await BookAsync(store, 200);
        var job = await Jobs(store).StartAsync(JobKinds.Rebuild, new JobArguments(), User, None);
        var running = RunAsync(store, job.Id);
        await UntilAsync(() => store.Projections.Any(set => set.State == GenerationState.Building));

        await Jobs(store).CancelAsync(job.Id, "another operator", None);

        var ended = await running;
        Assert.Equal((JobState.Cancelled, "another operator"), (ended.State, ended.CancelledBy));
        Assert.Equal("Cancelled; the live tables of balances stay. By another operator.", ended.Message);
        Assert.Equal(1, Assert.Single(store.Projections, set => set.State == GenerationState.Live).Generation);
        Assert.DoesNotContain(store.Projections, set => set.State is GenerationState.Building or GenerationState.Paused);
    }

    [SkippableFact]
    public async Task A_stream_is_replayed_and_an_audit_finds_what_was_changed_by_hand()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting);
        await BookAsync(store, 20);
        await using (var connection = await store.OpenReadAsync())
        {
            await connection.ExecuteAsync("UPDATE balances_g1 SET balance = balance + 1 WHERE id = 's3'");
        }

        var audit = await StartAndRunAsync(store, JobKinds.Audit, new JobArguments());
        Assert.Equal(JobState.Failed, audit.State);
        Assert.Contains("1 differences in 20 streams; the first in balances, stream ledger-s3", audit.Message, StringComparison.Ordinal);

        var replay = await StartAndRunAsync(store, JobKinds.Replay, new JobArguments { Stream = "ledger-s3" });
        Assert.Equal((JobState.Succeeded, "1 streams folded anew."), (replay.State, replay.Message));

        audit = await StartAndRunAsync(store, JobKinds.Audit, new JobArguments());
        Assert.Equal((JobState.Succeeded, "0 differences in 20 streams."), (audit.State, audit.Message));
    }

    [SkippableFact]
    public async Task Parked_events_are_retried()
    {
        var balances = new StreamBalanceProjection { IsPoisoned = true };
        await using var store = await StartAsync(
            fixture.NewStore(), services => services.AddSingleton<IProjection>(balances),
            ("Projections:RetryDelay", "00:00:00.010"), ("Projections:MaxRetryDelay", "00:00:00.050"), ("Projections:ParkAfter", "2"));
        await store.Store.AppendAsync(Append("a", ExpectedVersion.Any, Booking(13), Booking(2)), None);
        await UntilAsync(async () => (await store.Operations.ListParkedAsync("", 0, 10, None)).Count == 2);

        var still = await StartAndRunAsync(store, JobKinds.RetryParked, new JobArguments());
        Assert.Equal((JobState.Failed, "0 events applied; 1 streams are still parked."), (still.State, still.Message));

        balances.IsPoisoned = false;
        var done = await StartAndRunAsync(store, JobKinds.RetryParked, new JobArguments { Projections = ["balances"], Stream = "ledger-a" });
        Assert.Equal((JobState.Succeeded, "2 events applied; 0 streams are still parked."), (done.State, done.Message));
    }

    [SkippableFact]
    public async Task A_verification_says_that_the_log_is_intact_or_where_it_breaks()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting);
        await BookAsync(store, 5);
        var intact = await StartAndRunAsync(store, JobKinds.Verify, new JobArguments());
        Assert.Equal((JobState.Succeeded, "Intact: 5 events."), (intact.State, intact.Message));

        await using (var connection = await store.OpenWriteAsync())
        {
            await connection.ExecuteAsync("UPDATE events SET user_name = 'somebody else' WHERE position = 3");
        }

        var broken = await StartAndRunAsync(store, JobKinds.Verify, new JobArguments());
        Assert.Equal(JobState.Failed, broken.State);
        Assert.StartsWith("Broken at position 3:", broken.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Passing_failures_are_tried_again_and_others_end_the_job()
    {
        var failures = 0;
        await using var store = await StartAsync(fixture.NewStore(), Scripted((job, _) => job.Arguments.Stream is { } text
            ? throw new InvalidOperationException(text)
            : Interlocked.Increment(ref failures) <= 2
                ? throw new SqliteException("database is locked", 5)
                : Task.FromResult("Done at last.")));

        var tried = await StartAndRunAsync(store, "scripted", new JobArguments());
        Assert.Equal((JobState.Succeeded, 1, 3), (tried.State, tried.Attempts, failures));

        // Whatever an error says can be stored: no database takes half a surrogate pair, PostgreSQL no U+0000.
        var failed = await StartAndRunAsync(store, "scripted", new JobArguments { Stream = "a\0b \uD83D " + new string('x', 3_966) + "\U0001F600" });
        Assert.Equal(JobState.Failed, failed.State);
        Assert.StartsWith("InvalidOperationException: a\uFFFDb \uFFFD xx", failed.Message, StringComparison.Ordinal);
        Assert.Equal(3_999, failed.Message.Length);
        Assert.EndsWith("x", failed.Message, StringComparison.Ordinal);
    }

    [SkippableFact]
    public async Task Arguments_that_ask_for_what_there_is_not_are_refused_and_leave_no_record()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting);
        var jobs = Jobs(store);
        Assert.Equal(EngineErrors.ProjectionNotFound, (await RefusedAsync(JobKinds.Rebuild, new() { Projections = ["nothing"] })).Code);
        Assert.Equal(EngineErrors.ProjectionNotFound, (await RefusedAsync(JobKinds.Audit, new() { Projections = ["nothing"] })).Code);
        Assert.Equal(EngineErrors.InvalidFields, (await RefusedAsync(JobKinds.Replay, new())).Code);
        Assert.Equal(EngineErrors.InvalidFields, (await RefusedAsync(JobKinds.Replay, new() { Stream = "no stream" })).Code);
        Assert.Equal(EngineErrors.InvalidFields, (await RefusedAsync(JobKinds.Replay, new() { Stream = "ledger-b", LastStream = "ledger-a" })).Code);
        Assert.Equal(EngineErrors.InvalidFields, (await RefusedAsync(JobKinds.Audit, new() { Sample = -1 })).Code);
        await Assert.ThrowsAsync<ArgumentException>(() => jobs.StartAsync("nothing", new JobArguments(), User, None));
        Assert.Empty(await jobs.ListAsync(DateTimeOffset.MaxValue, 10, None));

        Task<RejectedException> RefusedAsync(string kind, JobArguments arguments) =>
            Assert.ThrowsAsync<RejectedException>(() => jobs.StartAsync(kind, arguments, User, None));
    }

    [SkippableFact]
    public async Task Records_of_jobs_that_ended_long_ago_are_removed_and_others_stay()
    {
        await using var store = await StartAsync(fixture.NewStore(), Scripted((_, _) => Task.FromResult("Done.")), ("Jobs:Retention", "01:00:00"));
        var old = await StartAndRunAsync(store, "scripted", new JobArguments());
        var fresh = await StartAndRunAsync(store, "scripted", new JobArguments());
        var waiting = await Jobs(store).StartAsync("scripted", new JobArguments(), User, None);
        await using (var connection = await store.OpenWriteAsync())
        {
            await connection.ExecuteAsync("UPDATE jobs SET ended_us = ended_us - 3601000000 WHERE created_us = (SELECT MIN(created_us) FROM jobs)");
        }

        Assert.Equal(1, await Jobs(store).DeleteExpiredAsync(None));
        Assert.Equal([waiting.Id, fresh.Id], (await Jobs(store).ListAsync(DateTimeOffset.MaxValue, 10, None)).Select(job => job.Id));
        Assert.Null(await Jobs(store).FindAsync(old.Id, None));
    }

    private static void Projecting(IServiceCollection services) => services.AddSingleton<IProjection>(new StreamBalanceProjection());

    private static Action<IServiceCollection> Scripted(Func<JobContext, CancellationToken, Task<string>> work) =>
        services => services.AddSingleton<JobHandler>(new ScriptedJob(work)).AddSingleton<IProjection>(new StreamBalanceProjection());

    private static JobOperations Jobs(StoreHarness store) => store.Services.GetRequiredService<JobOperations>();

    private static JobRunner Runner(StoreHarness store) => store.Services.GetRequiredService<JobRunner>();

    private static JobStore Records(StoreHarness store) => store.Services.GetRequiredService<JobStore>();

    private static async Task<Job> RunAsync(StoreHarness store, Guid id) => (await Runner(store).RunAsync(id, None))!;

    private static async Task<Job> StartAndRunAsync(StoreHarness store, string kind, JobArguments arguments) =>
        await RunAsync(store, (await Jobs(store).StartAsync(kind, arguments, User, None)).Id);

    private static async Task BookAsync(StoreHarness store, int streams)
    {
        for (var stream = 0; stream < streams; stream++)
        {
            await store.Store.AppendAsync(Append($"s{stream}", ExpectedVersion.Any, Booking(stream + 100)), None);
        }

        await store.CatchUpAsync();
    }

    /// <summary>A holder on this machine whose process has ended: this one's name with the id of a process that is gone.</summary>
    private static string DeadHolder()
    {
        using var process = Process.Start("true")!;
        process.WaitForExit();
        var parts = LeaseHolder.NewName().Split('/');
        parts[1] = process.Id.ToString(System.Globalization.CultureInfo.InvariantCulture);
        return string.Join('/', parts);
    }

    private sealed class RememberingQueue : IJobQueue
    {
        public ConcurrentQueue<Guid> Enqueued { get; } = [];

        public void Enqueue(Guid jobId) => Enqueued.Enqueue(jobId);
    }

    private sealed class MonotonicClock : TimeProvider
    {
        private long ticks;

        public override long TimestampFrequency => TimeSpan.TicksPerSecond;

        public override long GetTimestamp() => ticks;

        public void Step(TimeSpan time) => ticks += time.Ticks;
    }

    private sealed class JobOperationsFactory(IServiceProvider services, IJobQueue queue, TimeProvider clock)
    {
        public JobOperations Create() => new(
            services.GetRequiredService<JobStore>(), services.GetServices<JobHandler>(), queue,
            services.GetRequiredService<Microsoft.Extensions.Options.IOptions<JobRetentionOptions>>(), clock,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<JobOperations>.Instance);
    }

    private sealed class JobRunnerFactory(IServiceProvider services)
    {
        public JobRunner Create() => new(
            services.GetRequiredService<JobStore>(), services.GetServices<JobHandler>(), TimeProvider.System,
            Microsoft.Extensions.Logging.Abstractions.NullLogger<JobRunner>.Instance);
    }
}

public sealed class SqliteJobSpecs(SqliteFixture fixture) : JobSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlJobSpecs(PostgreSqlFixture fixture) : JobSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerJobSpecs(SqlServerFixture fixture) : JobSpecs<SqlServerFixture>(fixture);

public sealed class SqlServerTextsJobSpecs(SqlServerTextsFixture fixture) : JobSpecs<SqlServerTextsFixture>(fixture);

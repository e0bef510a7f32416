using System.Collections.Concurrent;
using GrpcCqrs.Storage.Jobs;
using GrpcCqrs.Storage.Projections;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests.Jobs;

/// <summary>Leases, cancellation and the queue.</summary>
public abstract partial class JobSpecs<TFixture>
{
    [SkippableFact]
    public async Task Of_many_runners_at_once_one_runs_the_job_and_the_others_leave_it()
    {
        var runs = new ConcurrentQueue<int>();
        var gate = new TaskCompletionSource<string>(TaskCreationOptions.RunContinuationsAsynchronously);
        Task<string> Work(JobContext job, CancellationToken cancellationToken)
        {
            runs.Enqueue(job.Job.Attempts);
            return gate.Task;
        }

        await using var store = await StartAsync(fixture.NewStore(), Scripted(Work));
        var job = await Jobs(store).StartAsync("scripted", new JobArguments(), User, None);

        // Each runner of its own is as good as a process of its own: the lease knows no other.
        var racing = Enumerable.Range(0, 8)
            .Select(_ => Task.Run(() => ActivatorUtilities.CreateInstance<JobRunnerFactory>(store.Services).Create().RunAsync(job.Id, None))).ToArray();
        await UntilAsync(() => !runs.IsEmpty);
        await Task.WhenAny(Task.WhenAll(racing), UntilAsync(() => racing.Count(one => one.IsCompleted) == racing.Length - 1));
        gate.SetResult("Done once.");
        var ends = await Task.WhenAll(racing);

        Assert.Equal([1], runs);
        Assert.Equal("Done once.", (await Jobs(store).FindAsync(job.Id, None))!.Message);
        Assert.Single(ends, end => end!.State == JobState.Succeeded);
    }

    [SkippableFact]
    public async Task A_job_whose_process_has_died_is_resumed_where_it_saved()
    {
        string? resumed = null;
        await using var store = await StartAsync(fixture.NewStore(), Scripted((job, _) => Task.FromResult(resumed = job.ResumeFrom!)));
        var job = await Jobs(store).StartAsync("scripted", new JobArguments(), User, None);
        var lost = (await Records(store).TakeAsync(job, DeadHolder(), None))!;
        await Records(store).SaveAsync(lost, "half way", None);

        var ended = await RunAsync(store, job.Id);

        Assert.Equal((JobState.Succeeded, 2, "half way"), (ended.State, ended.Attempts, resumed));

    }

    [SkippableFact]
    public async Task A_runner_that_was_replaced_writes_nothing_any_more_and_its_successor_does()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting);
        var records = Records(store);
        var job = await Jobs(store).StartAsync(JobKinds.Verify, new JobArguments(), User, None);
        var first = (await records.TakeAsync(job, "a", None))!;
        Assert.Null(await records.TakeAsync(job, "too late", None));
        var second = (await records.TakeAsync((await records.FindAsync(job.Id, None))!, "b", None))!;
        Assert.True(second.Fence > first.Fence);

        Assert.False(await records.BeatAsync(first, None));
        Assert.False(await records.ReportAsync(first, 1, 2, "late", None));
        Assert.False(await records.SaveAsync(first, "late", None));
        Assert.False(await records.FinishAsync(first, JobState.Failed, "late", None));
        await records.ReleaseAsync(first, None);
        var untouched = (await records.FindAsync(job.Id, None))!;
        Assert.Equal((JobState.Running, "b", "", null, 2), (untouched.State, untouched.Owner, untouched.Message, untouched.ResumeFrom, untouched.Attempts));

        Assert.True(await records.BeatAsync(second, None));
        Assert.True(await records.ReportAsync(second, 1, 2, "on time", None));
        Assert.True(await records.SaveAsync(second, "here", None));
        Assert.True(await records.FinishAsync(second, JobState.Succeeded, "done", None));
        Assert.False(await records.FinishAsync(second, JobState.Failed, "again", None));
        var ended = (await records.FindAsync(job.Id, None))!;
        Assert.Equal((JobState.Succeeded, "done", "here", 1L, 2L), (ended.State, ended.Message, ended.ResumeFrom, ended.Done, ended.Total));
    }

    [SkippableFact]
    public async Task Work_that_was_asked_for_is_not_asked_for_again_when_following_it_fails()
    {
        await using var store = await StartAsync(fixture.NewStore(), Projecting, ("Projections:RebuildEventsPerSecond", "20"));
        await BookAsync(store, 40);
        var job = await Jobs(store).StartAsync(JobKinds.Rebuild, new JobArguments(), User, None);
        var first = (await Records(store).TakeAsync(job, DeadHolder(), None))!;
        for (var attempt = 0; attempt < 3; attempt++)
        {
            // As a handler does that is begun again in the same run.
            await store.Operations.AskForJobAsync(RequestKind.Rebuild, new RequestArguments { Projections = ["balances"] }, (first.Id, first.User, first.CreatedTime), None);
        }

        await Records(store).SaveAsync(first, """{"balances":0}""", None);
        var ended = await RunAsync(store, job.Id);
        Assert.Equal((JobState.Succeeded, "balances: rebuilt and switched."), (ended.State, ended.Message));
        Assert.Single(await store.Operations.ListAsync(long.MaxValue, 10, None));
    }

    [SkippableFact]
    public async Task A_job_that_was_cancelled_while_nobody_ran_it_is_not_begun_again()
    {
        var begun = 0;
        await using var store = await StartAsync(fixture.NewStore(), Scripted((_, _) => Task.FromResult($"{++begun}")));
        var job = await Jobs(store).StartAsync("scripted", new JobArguments(), User, None);
        var given = (await Records(store).TakeAsync(job, DeadHolder(), None))!;
        await Jobs(store).CancelAsync(job.Id, "boss", None);
        await Records(store).ReleaseAsync(given, None);

        var ended = await RunAsync(store, job.Id);

        Assert.Equal((JobState.Cancelled, "boss", 0), (ended.State, ended.CancelledBy, begun));
    }

    [SkippableFact]
    public async Task A_job_that_waits_behind_others_is_enqueued_again_after_ever_longer_times()
    {
        var (queue, clock) = (new RememberingQueue(), new MonotonicClock());
        await using var store = await StartAsync(fixture.NewStore(), Projecting);
        var jobs = ActivatorUtilities.CreateInstance<JobOperationsFactory>(store.Services, queue, clock).Create();
        await jobs.StartAsync(JobKinds.Verify, new JobArguments(), User, None);
        for (var second = 0; second < 3_600; second += 5)
        {
            await jobs.EnqueueStalledAsync(None);
            clock.Step(TimeSpan.FromSeconds(5));
        }

        // At 0, 10, 30, 70, 150, 310, 630 and 1,270 s, and each ten minutes from then on.
        Assert.Equal(11, queue.Enqueued.Count);
    }

    [SkippableFact]
    public async Task A_job_of_a_silent_process_elsewhere_is_taken_over_and_enqueued_again()
    {
        var queue = new RememberingQueue();
        await using var store = await StartAsync(
            fixture.NewStore(), services => Scripted((_, _) => Task.FromResult("Done."))(services.AddSingleton<IJobQueue>(queue)));
        var job = await Jobs(store).StartAsync("scripted", new JobArguments(), User, None);
        Assert.Equal([job.Id], queue.Enqueued);
        await Records(store).TakeAsync(job, "another machine/1/1/0", None);

        // It is seen once to be running, and enqueued again when it has not stirred for the length of the lease.
        Assert.Equal(0, await Jobs(store).EnqueueStalledAsync(None));
        await UntilAsync(async () => await Jobs(store).EnqueueStalledAsync(None) == 1);
        Assert.Equal([job.Id, job.Id], queue.Enqueued);

        var ended = await RunAsync(store, job.Id);
        Assert.Equal((JobState.Succeeded, 2), (ended.State, ended.Attempts));
        Assert.Equal(0, await Jobs(store).EnqueueUnfinishedAsync(None));
    }

    [SkippableFact]
    public async Task A_process_that_stops_gives_its_job_up_to_be_resumed()
    {
        var attempts = 0;
        await using var store = await StartAsync(fixture.NewStore(), Scripted(async (job, cancellationToken) =>
        {
            if (Interlocked.Increment(ref attempts) == 1)
            {
                await job.SaveAsync("begun", cancellationToken);
                await Task.Delay(Timeout.Infinite, cancellationToken);
            }

            return job.ResumeFrom!;
        }));
        var job = await Jobs(store).StartAsync("scripted", new JobArguments(), User, None);
        using var stopping = new CancellationTokenSource();
        var running = Runner(store).RunAsync(job.Id, stopping.Token);
        await UntilAsync(async () => (await Records(store).FindAsync(job.Id, None))!.ResumeFrom is not null);

        await stopping.CancelAsync();

        await Assert.ThrowsAnyAsync<OperationCanceledException>(() => running);
        Assert.Equal(JobState.Pending, (await Jobs(store).FindAsync(job.Id, None))!.State);
        var ended = await RunAsync(store, job.Id);
        Assert.Equal((JobState.Succeeded, 2, "begun"), (ended.State, ended.Attempts, ended.Message));
    }

    [SkippableFact]
    public async Task A_job_is_cancelled_while_it_waits_and_while_it_runs()
    {
        await using var store = await StartAsync(fixture.NewStore(), Scripted(async (_, cancellationToken) =>
        {
            await Task.Delay(Timeout.Infinite, cancellationToken);
            return "";
        }));
        var waiting = await Jobs(store).StartAsync("scripted", new JobArguments(), User, None);
        await Jobs(store).CancelAsync(waiting.Id, "boss", None);
        var ended = await RunAsync(store, waiting.Id);
        Assert.Equal((JobState.Cancelled, 0, "Cancelled before it began."), (ended.State, ended.Attempts, ended.Message));

        var job = await Jobs(store).StartAsync("scripted", new JobArguments(), User, None);
        var running = RunAsync(store, job.Id);
        await UntilAsync(async () => (await Jobs(store).FindAsync(job.Id, None))!.State == JobState.Running);
        await Jobs(store).CancelAsync(job.Id, "boss", None);
        Assert.Equal((JobState.Cancelled, "Taken back. By boss."), (await running) is var one ? (one.State, one.Message) : default);

        // It has ended: to cancel it again says nothing new.
        await Jobs(store).CancelAsync(job.Id, "late", None);
        Assert.Equal("boss", (await Jobs(store).FindAsync(job.Id, None))!.CancelledBy);
    }
}

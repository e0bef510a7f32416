using System.Collections.Concurrent;
using System.Diagnostics;
using System.Globalization;
using Blog.V1;
using Grpc.Core;
using Grpc.Net.Client;
using GrpcCqrs.Client;

namespace Benchmarks;

/// <summary>What a flood of commands came to.</summary>
/// <param name="OfferedPerSecond">Commands a second that were started or held back.</param>
/// <param name="AcceptedPerSecond">Commands answered OK a second, while they were offered.</param>
/// <param name="RefusedPerSecond">Commands answered RESOURCE_EXHAUSTED a second, while they were offered.</param>
/// <param name="Answers">How often each status was the answer, what came after the end included.</param>
/// <param name="WithoutDelay">How many RESOURCE_EXHAUSTED came without a time to wait.</param>
/// <param name="AcceptedTimes">How long the accepted ones took, counted from when they were due, in stopwatch ticks, in order.</param>
/// <param name="RefusedTimes">The same of the refused ones.</param>
/// <param name="ServerCores">Cores that the service kept busy.</param>
/// <param name="ClientCores">Cores that this process kept busy.</param>
/// <param name="ResidentMib">The service's resident memory, each second.</param>
/// <param name="HeldBack">Commands that were due and not sent, since too many were under way.</param>
internal sealed record Flood(
    double OfferedPerSecond, double AcceptedPerSecond, double RefusedPerSecond, IReadOnlyDictionary<StatusCode, int> Answers, int WithoutDelay,
    long[] AcceptedTimes, long[] RefusedTimes, double ServerCores, double ClientCores, double[] ResidentMib, int HeldBack);

/// <summary>
/// Edits of random posts over 64 connections. Kestrel takes 100 calls at a time on each, so that there is room in them for more calls
/// than the service's write queue holds. A call that is not answered in 10 s is given up.
/// </summary>
internal sealed class CommandFlood : IDisposable
{
    private const int Connections = 64;

    /// <summary>
    /// Four times what the service takes at a time. A client that lets more pile up ends in giving up calls for want of its own
    /// processor, and measures itself.
    /// </summary>
    private const int MostUnderWay = 4_096;

    private static readonly TimeSpan Patience = TimeSpan.FromSeconds(10);

    private readonly BlogUnderTest blog;
    private readonly GrpcChannel[] channels;
    private readonly PostCommandService.PostCommandServiceClient[] clients;
    private int turn;

    public CommandFlood(BlogUnderTest blog)
    {
        this.blog = blog;
        channels = [.. Enumerable.Range(0, Connections).Select(_ => GrpcChannel.ForAddress(blog.Address, new GrpcChannelOptions
        {
            // The channel's own default opens more connections where one is full.
            HttpHandler = new SocketsHttpHandler(), DisposeHttpClient = true,
        }))];
        clients = [.. channels.Select(channel => new PostCommandService.PostCommandServiceClient(channel))];
    }

    /// <summary>Callers that each wait for an answer before they ask again (a closed loop).</summary>
    public Task<Flood> ClosedAsync(int callers, TimeSpan length) => RunAsync(length, async tally =>
    {
        await Task.WhenAll(Enumerable.Range(0, callers).Select(_ => Task.Run(async () =>
        {
            while (tally.Elapsed < length)
            {
                await CallAsync(tally, Stopwatch.GetTimestamp());
            }
        })));
    });

    /// <summary>Commands at a steady pace, however long those before take (an open loop).</summary>
    /// <param name="perSecond">How many a second.</param>
    /// <param name="length">For how long.</param>
    /// <param name="afterwards">What to do at the moment when no more are offered, while the last are still under way.</param>
    public Task<Flood> OpenAsync(double perSecond, TimeSpan length, Func<Task>? afterwards = null) => RunAsync(length, async tally =>
    {
        var due = (int)(perSecond * length.TotalSeconds);
        var underWay = 0;
        using var ended = new CountdownEvent(due);
        await OnOwnThreadAsync(() =>
        {
            using var never = new ManualResetEventSlim();
            for (var started = 0; started < due; never.Wait(1))
            {
                for (var now = Math.Min(due, tally.Elapsed.TotalSeconds * perSecond); started < now; started++)
                {
                    if (Volatile.Read(ref underWay) >= MostUnderWay)
                    {
                        tally.HeldBack++;
                        ended.Signal();
                        continue;
                    }

                    Interlocked.Increment(ref underWay);
                    var asked = Stopwatch.GetTimestamp();
                    _ = Task.Run(async () =>
                    {
                        try
                        {
                            await CallAsync(tally, asked);
                        }
                        finally
                        {
                            Interlocked.Decrement(ref underWay);
                            ended.Signal();
                        }
                    });
                }
            }
        });
        await (afterwards?.Invoke() ?? Task.CompletedTask);
        await OnOwnThreadAsync(ended.Wait);
    });

    public void Dispose() => Array.ForEach(channels, channel => channel.Dispose());

    private async Task<Flood> RunAsync(TimeSpan length, Func<Tally, Task> offer)
    {
        var (server, own, resident) = (blog.CpuTime, Environment.CpuUsage.TotalTime, new List<double>());
        var tally = new Tally(length);
        var offering = offer(tally);
        using var seconds = new PeriodicTimer(TimeSpan.FromSeconds(1));
        while (tally.Elapsed < length - TimeSpan.FromSeconds(0.5) && await seconds.WaitForNextTickAsync())
        {
            resident.Add(blog.ResidentMib);
        }

        var took = tally.Elapsed;
        var (serverCores, ownCores) = ((blog.CpuTime - server) / took, (Environment.CpuUsage.TotalTime - own) / took);
        await offering;
        return tally.End(serverCores, ownCores, [.. resident]);
    }

    // A thread that waits for nothing else, since the pool's are what is overloaded.
    private static Task OnOwnThreadAsync(Action action) => Task.Factory.StartNew(action, CancellationToken.None, TaskCreationOptions.LongRunning, TaskScheduler.Default);

    private async Task CallAsync(Tally tally, long asked)
    {
        var request = new EditPostContentRequest
        {
            PostId = blog.Posts[Random.Shared.Next(blog.Posts.Length)],
            Content = string.Create(CultureInfo.InvariantCulture, $"{Random.Shared.NextInt64():D20}{new string('x', 280)}"),
        };
        var client = clients[(uint)Interlocked.Increment(ref turn) % Connections];
        using var call = client.EditPostContentAsync(request, deadline: TimeProvider.System.GetUtcNow().UtcDateTime + Patience);

        // Thousands of thrown exceptions a second would cost the client more than the calls do.
        await ((Task)call.ResponseAsync).ConfigureAwait(ConfigureAwaitOptions.SuppressThrowing);
        tally.Add(call, asked);
    }

    /// <summary>Counts answers.</summary>
    private sealed class Tally(TimeSpan length)
    {
        private readonly Stopwatch clock = Stopwatch.StartNew();
        private readonly ConcurrentDictionary<StatusCode, int> answers = new();
        private readonly ConcurrentQueue<long> accepted = new();
        private readonly ConcurrentQueue<long> refused = new();
        private int started;
        private int acceptedInTime;
        private int refusedInTime;
        private int withoutDelay;

        public TimeSpan Elapsed => clock.Elapsed;

        /// <summary>Counted by the thread that offers, and read after it.</summary>
        public int HeldBack { get; set; }

        public void Add(AsyncUnaryCall<EditPostContentResponse> call, long asked)
        {
            var (took, inTime, status) = (Stopwatch.GetTimestamp() - asked, clock.Elapsed < length ? 1 : 0, call.GetStatus());
            Interlocked.Increment(ref started);
            answers.AddOrUpdate(status.StatusCode, 1, static (_, count) => count + 1);
            if (status.StatusCode == StatusCode.OK)
            {
                Interlocked.Add(ref acceptedInTime, inTime);
                accepted.Enqueue(took);
            }
            else if (status.StatusCode == StatusCode.ResourceExhausted)
            {
                Interlocked.Add(ref refusedInTime, inTime);
                refused.Enqueue(took);
                Interlocked.Add(ref withoutDelay, SaysDelay(call, status) ? 0 : 1);
            }
        }

        private static bool SaysDelay(AsyncUnaryCall<EditPostContentResponse> call, Status status)
        {
            try
            {
                return RichError.From(new RpcException(status, call.GetTrailers())).RetryDelay is not null;
            }
            catch (InvalidOperationException)
            {
                // The client's own status, for a connection that broke.
                return false;
            }
        }

        public Flood End(double serverCores, double clientCores, double[] residentMib) => new(
            (started + HeldBack) / length.TotalSeconds, acceptedInTime / length.TotalSeconds, refusedInTime / length.TotalSeconds,
            answers, withoutDelay, [.. accepted.Order()], [.. refused.Order()], serverCores, clientCores, residentMib, HeldBack);
    }
}

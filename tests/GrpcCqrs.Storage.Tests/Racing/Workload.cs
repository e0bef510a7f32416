using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Operations;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>An event whose append was answered as appended.</summary>
public sealed record Written(Guid EventId, string Stream, long Version, long Position);

/// <summary>What the callers of a workload were told.</summary>
public sealed record Answers(List<Written> Appended, List<Guid> Unavailable, int Claimed);

/// <summary>Writers that compete for a shared stream and for keys, and have a stream each of their own.</summary>
public static class Workload
{
    private const string SharedStream = "shared";

    /// <summary>Runs writers, each with a number of rounds of five events.</summary>
    /// <param name="store">Where to.</param>
    /// <param name="name">Sets these writers apart from those of other stores and processes.</param>
    /// <param name="writers">How many at once.</param>
    /// <param name="rounds">How many rounds each; a key is fought for in each round.</param>
    public static async Task<Answers> RunAsync(IEventStore store, string name, int writers, int rounds)
    {
        var all = await Task.WhenAll(Enumerable.Range(0, writers).Select(writer => Task.Run(() => WriteAsync(store, $"{name}-{writer}", rounds))));
        return new Answers([.. all.SelectMany(one => one.Appended)], [.. all.SelectMany(one => one.Unavailable)], all.Sum(one => one.Claimed));
    }

    /// <summary>Checks the store against what all callers were told.</summary>
    public static async Task VerifyAsync(StoreHarness store, params Answers[] told)
    {
        var events = new List<RecordedEvent>();
        for (EventPage page; (page = await store.Store.ReadAllAsync(events.Count, 500, CancellationToken.None)).Events.Count > 0;)
        {
            events.AddRange(page.Events);
        }

        Assert.Equal(Enumerable.Range(1, events.Count).Select(p => (long)p), events.Select(e => e.Position));
        Assert.Equal(events.Count, await store.Store.ReadHeadAsync(CancellationToken.None));
        Assert.All(
            events.GroupBy(e => e.Stream),
            stream => Assert.Equal(Enumerable.Range(1, stream.Count()).Select(v => (long)v), stream.Select(e => e.Version)));
        Assert.True((await store.Services.GetRequiredService<LogVerifier>().VerifyAsync(CancellationToken.None)).IsIntact);

        // Appended is there exactly once and where it was said to be; unavailable is there at most once; nothing else is there.
        var stored = events.ToDictionary(e => e.EventId, e => new Written(e.EventId, e.Stream.ToString(), e.Version, e.Position));
        Assert.All(told.SelectMany(answers => answers.Appended), written => Assert.Equal(written, stored[written.EventId]));
        var doubtful = told.SelectMany(answers => answers.Unavailable).ToHashSet();
        var unasked = stored.Keys.Except(told.SelectMany(answers => answers.Appended).Select(written => written.EventId)).Except(doubtful);
        Assert.Empty(unasked);
    }

    private static async Task<Answers> WriteAsync(IEventStore store, string name, int rounds)
    {
        var answers = new Answers([], [], 0);
        var claimed = 0;
        for (var round = 0; round < rounds; round++)
        {
            await AppendAsync(Append(name, ExpectedVersion.Any, Booking(1), Booking(2)));
            await AppendAsync(Append(SharedStream, ExpectedVersion.Any, Booking(3)));
            if (round == 0)
            {
                continue;
            }

            // The first loses for certain where the writer's stream exists; of the second, one of all writers wins.
            await AppendAsync(Append(name, ExpectedVersion.None, Booking(4)));
            var claim = Append($"{name}-{round}", ExpectedVersion.None, Booking(5)) with { Claims = [new UniqueKey("round", $"{round}")] };
            claimed += await AppendAsync(claim) ? 1 : 0;
        }

        return answers with { Claimed = claimed };

        async Task<bool> AppendAsync(AppendRequest request)
        {
            try
            {
                if (await store.AppendAsync(request, CancellationToken.None) is not AppendResult.Appended appended)
                {
                    return false;
                }

                answers.Appended.AddRange(request.Events.Reverse().Select((e, back) =>
                    new Written(e.EventId, request.Stream.ToString()!, appended.Version - back, appended.Position - back)));
                return true;
            }
            catch (RejectedException rejection) when (rejection.Code == EngineErrors.DatabaseUnavailable)
            {
                answers.Unavailable.AddRange(request.Events.Select(e => e.EventId));
                return false;
            }
        }
    }
}

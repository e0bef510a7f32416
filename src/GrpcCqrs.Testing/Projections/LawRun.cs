using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Testing;

/// <summary>Checks one projection on one history, law by law.</summary>
internal sealed class LawRun(ProjectionChecker checker, IProjection projection, ProjectionHistory history, int seed, CancellationToken cancellationToken)
{
    /// <summary>How often a randomised law is tried per run.</summary>
    private const int Tries = 3;

    /// <summary>How many streams are removed one by one; each takes several folds of the history.</summary>
    private const int MaxRemovedStreams = 4;

    /// <summary>The current step, for the report.</summary>
    private string how = "";

    private TableContent? expected;

    public async Task CheckAsync(ProjectionLaws law)
    {
        // Each law gets the same random sequence, whichever other laws are checked.
        var random = new Random(unchecked((seed * 31) + (int)law));
        try
        {
            how = "event by event";
            if (expected is null)
            {
                expected = await FillAsync(history, Singly);
                checker.Saw(projection, expected);
            }

            await (law switch
            {
                ProjectionLaws.DuplicateDelivery => CheckDuplicateDeliveryAsync(random),
                ProjectionLaws.AnyCut => CheckAnyCutAsync(random),
                ProjectionLaws.RebuildEqualsLive => CheckRebuildAsync(),
                ProjectionLaws.StreamOrder => CheckStreamOrderAsync(random),
                _ => projection is IStreamProjection ? CheckRemoveAndRefoldAsync(random) : Task.CompletedTask,
            });
        }
        catch (DifferenceException difference)
        {
            throw new LawBrokenException(projection.Name, law, how, seed, difference.Message);
        }
        catch (Exception exception) when (exception is not OperationCanceledException)
        {
            throw new LawBrokenException(projection.Name, law, how, seed, exception.Message, exception);
        }
    }

    private static IEnumerable<int> Singly => Enumerable.Repeat(1, int.MaxValue);

    private static IEnumerable<int> Cuts(Random random)
    {
        var longest = random.Next(1, 20);
        while (true)
        {
            yield return random.Next(1, longest + 1);
        }
    }

    /// <summary>Rolls back every batch once before it is committed, and then redelivers committed events.</summary>
    private async Task CheckDuplicateDeliveryAsync(Random random)
    {
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var isRetriedWhole = attempt % 2 == 0;
            how = isRetriedWhole ? "batches rolled back and given again whole" : "batches rolled back and given again event by event";
            var interrupted = new InterruptedProjection(projection);
            await using var process = await checker.StartAsync(interrupted, history, isAnew: true, cancellationToken);
            foreach (var cut in Cuts(random))
            {
                if (await process.IsAtEndAsync(cancellationToken))
                {
                    break;
                }

                interrupted.IsToInterrupt = true;
                var before = process.Position;
                await process.FeedAsync(cut, cancellationToken);
                if (interrupted.IsToInterrupt)
                {
                    // The batch has no events that the projection handles.
                    continue;
                }

                ThrowUnless(process.Position == before, "A batch whose transaction was rolled back has moved the checkpoint.");
                if (isRetriedWhole)
                {
                    await process.ReloadAsync(cancellationToken);
                }

                await FeedAsync(process, cut);
                ThrowUnless(
                    await process.RedeliverAsync(before, cancellationToken),
                    "A batch that was committed has been applied a second time.");
            }

            Compare(await process.ReadLiveAsync(cancellationToken));
        }

        how = "a restart at the end of the history";
        await using var again = await checker.StartAsync(projection, history, isAnew: false, cancellationToken);
        ThrowUnless(await again.IsAtEndAsync(cancellationToken), "The checkpoint was forgotten.");
        Compare(await again.ReadLiveAsync(cancellationToken));
    }

    private async Task CheckAnyCutAsync(Random random)
    {
        how = "the whole history in one batch";
        Compare(await FillAsync(history, Enumerable.Repeat(ProjectingProcess.AnyCount, 1)));
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            var cuts = new List<int>();
            how = "a restart after each batch";
            var isAnew = true;
            foreach (var cut in Cuts(random))
            {
                cuts.Add(cut);
                how = $"a restart after each batch of {string.Join('+', cuts)} events";
                await using var process = await checker.StartAsync(projection, history, isAnew, cancellationToken);
                isAnew = false;
                await FeedAsync(process, cut);
                if (await process.IsAtEndAsync(cancellationToken))
                {
                    Compare(await process.ReadLiveAsync(cancellationToken));
                    break;
                }
            }
        }
    }

    private async Task CheckRebuildAsync()
    {
        how = "the live tables, event by event";
        await using var process = await checker.StartAsync(projection, history, isAnew: true, cancellationToken);
        await FeedAllAsync(process, Singly);
        Compare(await process.ReadLiveAsync(cancellationToken));
        how = "the new generation, rebuilt";
        var generation = await process.RebuildAsync(cancellationToken);
        Compare(await process.ReadAsync(generation, cancellationToken));
        how = "the live tables after the rebuild";
        Compare(await process.ReadLiveAsync(cancellationToken));
    }

    private async Task CheckStreamOrderAsync(Random random)
    {
        how = "one stream after the other";
        Compare(await FillAsync(history.Reordered(streams => streams[0]), Cuts(random)));
        how = "one stream after the other, the last one first";
        Compare(await FillAsync(history.Reordered(streams => streams[^1]), Cuts(random)));
        for (var attempt = 0; attempt < Tries; attempt++)
        {
            how = $"random order {attempt + 1}";
            Compare(await FillAsync(history.Reordered(streams => streams[random.Next(streams.Count)]), Cuts(random)));
        }
    }

    private async Task CheckRemoveAndRefoldAsync(Random random)
    {
        StreamId[] streams = [.. history.Streams];
        random.Shuffle(streams);
        foreach (var stream in streams.Take(MaxRemovedStreams))
        {
            how = $"the history without {stream}";
            var without = await FillAsync(history.Without(stream), Cuts(random));
            await using var process = await checker.StartAsync(projection, history, isAnew: true, cancellationToken);
            await FeedAllAsync(process, Cuts(random));
            how = $"{stream} removed and folded anew";
            await process.ReplayAsync(stream, cancellationToken);
            Compare(await process.ReadLiveAsync(cancellationToken));
            how = $"{stream} removed";
            await process.RemoveAsync(stream, cancellationToken);
            Compare(await process.ReadLiveAsync(cancellationToken), without);
            how = $"{stream} removed twice";
            await process.RemoveAsync(stream, cancellationToken);
            Compare(await process.ReadLiveAsync(cancellationToken), without);
            how = $"{stream} removed twice and folded anew";
            await process.ReplayAsync(stream, cancellationToken);
            Compare(await process.ReadLiveAsync(cancellationToken));
        }
    }

    /// <summary>The contents of the live tables after they are filled from the start of a history.</summary>
    private async Task<TableContent> FillAsync(ProjectionHistory from, IEnumerable<int> cuts)
    {
        await using var process = await checker.StartAsync(projection, from, isAnew: true, cancellationToken);
        await FeedAllAsync(process, cuts);
        return await process.ReadLiveAsync(cancellationToken);
    }

    private async Task FeedAllAsync(ProjectingProcess process, IEnumerable<int> cuts)
    {
        foreach (var cut in cuts)
        {
            await FeedAsync(process, cut);
            if (await process.IsAtEndAsync(cancellationToken))
            {
                return;
            }
        }
    }

    /// <summary>Feeds a number of events, in one batch if the projector accepts it.</summary>
    private async Task FeedAsync(ProjectingProcess process, int count)
    {
        for (var fed = 0; fed < count && !await process.IsAtEndAsync(cancellationToken);)
        {
            var applied = await process.FeedAsync(count - fed, cancellationToken);
            ThrowUnless(applied > 0, $"The projection failed on the batch after position {process.Position}: {process.LastError}");
            fed += applied;
        }
    }

    private void Compare(TableContent found, TableContent? wanted = null)
    {
        if (found.DifferenceFrom(wanted ?? expected!) is { } difference)
        {
            throw new DifferenceException(difference);
        }
    }

    private static void ThrowUnless(bool condition, string message)
    {
        if (!condition)
        {
            throw new DifferenceException(message);
        }
    }

    private sealed class DifferenceException(string message) : Exception(message);
}

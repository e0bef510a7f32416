using System.Data.Common;
using Dapper;
using GrpcCqrs.EventSourcing;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <content>Handlers that write to the write database.</content>
public abstract partial class SubscriptionSpecs<TFixture>
{
    [SkippableTheory]
    [InlineData(1)]
    [InlineData(2)]
    public async Task Each_event_takes_effect_exactly_once_in_the_write_database_whatever_fails(int seed)
    {
        const int Events = 200;
        var settings = fixture.NewStore();
        await using var first = await StoreHarness.StartAsync(settings, null, Quick);
        await CreateEffectsAsync(first);
        var chance = new Random(seed);

        // Two processes that both want the subscription, whose handlers fail before and after they have written.
        await using var one = await StartAsync(settings, Once(HandleAsync), Patient);
        var two = await StartAsync(settings, Once(HandleAsync), Patient);
        for (var number = 0; number < Events; number++)
        {
            await AppendAsync(first, $"s{chance.Next(20)}");
            if (number % 40 == 39)
            {
                await two.DisposeAsync();
                two = await StartAsync(settings, Once(HandleAsync), Patient);
            }
        }

        await UntilAsync(async () => (await FindAsync(first)).Position == Events);
        await two.DisposeAsync();
        Assert.Equal(
            Enumerable.Range(1, Events).Select(position => (long)position), await first.WriteColumnAsync("SELECT position FROM effects ORDER BY position"));

        async Task HandleAsync(EventEnvelope envelope, DbTransaction transaction, CancellationToken cancelled)
        {
            int drawn;
            lock (chance)
            {
                drawn = chance.Next(12);
            }

            if (drawn == 0)
            {
                throw new InvalidOperationException("Before it wrote.");
            }

            await transaction.Connection!.ExecuteAsync(
                new CommandDefinition("INSERT INTO effects (position) VALUES (@Position)", new { envelope.Record.Position }, transaction, cancellationToken: cancelled));
            if (drawn == 1)
            {
                throw new InvalidOperationException("After it wrote.");
            }
        }
    }

    [SkippableFact]
    public async Task What_was_parked_takes_effect_once_when_it_is_retried()
    {
        var (isMended, failures) = (false, 0);
        var settings = fixture.NewStore();
        await using (var first = await StoreHarness.StartAsync(settings, null, Quick))
        {
            await CreateEffectsAsync(first);
        }

        await using var store = await StartAsync(
            settings,
            Once(async (envelope, transaction, cancelled) =>
            {
                await transaction.Connection!.ExecuteAsync("INSERT INTO effects (position) VALUES (@Position)", new { envelope.Record.Position }, transaction);
                if (envelope.Record.Stream.Id == "bad" && !Volatile.Read(ref isMended))
                {
                    Interlocked.Increment(ref failures);
                    throw new InvalidOperationException("Not yet.");
                }
            }),
            Quick);
        foreach (var stream in (string[])["bad", "good", "bad"])
        {
            await AppendAsync(store, stream);
        }

        await UntilAsync(async () => (await FindAsync(store)) is { Position: 3, ParkedEvents: 2 });
        Assert.Equal([2L], await store.WriteColumnAsync("SELECT position FROM effects"));
        Assert.InRange(failures, 3, 4); // One more where it shared a transaction at first.
        Volatile.Write(ref isMended, true);
        Assert.Equal(2, await Groups(store).RetryParkedAsync(Name, null, None));
        await UntilAsync(async () => (await FindAsync(store)) is { ParkedEvents: 0 });
        Assert.Equal([2L, 1, 3], await store.WriteColumnAsync("SELECT position FROM effects"));
    }

    /// <summary>PostgreSQL answers a commit of a transaction that a failed statement has ended with a rollback, and no error.</summary>
    [SkippableTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_handler_that_breaks_its_transaction_and_says_nothing_has_failed(bool endsIt)
    {
        var settings = fixture.NewStore();
        await using (var first = await StoreHarness.StartAsync(settings, null, Quick))
        {
            await CreateEffectsAsync(first);
        }

        await using var store = await StartAsync(
            settings,
            Once(async (envelope, transaction, cancelled) =>
            {
                if (envelope.Record.Stream.Id != "bad")
                {
                    await transaction.Connection!.ExecuteAsync("INSERT INTO effects (position) VALUES (@Position)", new { envelope.Record.Position }, transaction);
                    return;
                }

                if (endsIt)
                {
                    await transaction.RollbackAsync(cancelled);
                    return;
                }

                await Assert.ThrowsAnyAsync<DbException>(() => transaction.Connection!.ExecuteAsync("INSERT INTO effects (position) VALUES (NULL)", transaction: transaction));
                if (fixture is SqliteFixture)
                {
                    throw new InvalidOperationException("SQLite goes on with the transaction, which is then the handler's to refuse.");
                }
            }),
            Quick);
        foreach (var stream in (string[])["good", "bad", "good", "other"])
        {
            await AppendAsync(store, stream);
        }

        await UntilAsync(async () => (await FindAsync(store)) is { Position: 4, ParkedEvents: 1 });
        Assert.Equal([1L, 3, 4], (await store.WriteColumnAsync("SELECT position FROM effects")).Order());
        Assert.Equal(2, Assert.Single(await Groups(store).ListParkedAsync(Name, (0, ""), 10, None)).Position);
    }

    [SkippableFact]
    public async Task A_command_within_the_transaction_is_refused_and_the_error_says_what_to_use()
    {
        StoreHarness? running = null;
        await using var store = running = await StartAsync(
            fixture.NewStore(), Once((_, _, cancelled) => running!.Store.AppendAsync(Append("b", ExpectedVersion.Any, Booking(1)), cancelled).AsTask()), Quick);
        await AppendAsync(store, "a");
        await UntilAsync(async () => (await FindAsync(store)).ParkedEvents == 1);
        var parked = Assert.Single(await Groups(store).ListParkedAsync(Name, (0, ""), 10, None));
        Assert.Contains(nameof(ISubscriptionHandler), parked.Error, StringComparison.Ordinal);
        Assert.Equal(1, await store.Store.ReadHeadAsync(None));
    }

    private static async Task CreateEffectsAsync(StoreHarness store)
    {
        await using var connection = await store.OpenWriteAsync();
        await connection.ExecuteAsync("CREATE TABLE effects (position BIGINT NOT NULL)");
    }
}

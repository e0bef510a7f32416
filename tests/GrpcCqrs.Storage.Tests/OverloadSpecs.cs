using System.Data.Common;
using GrpcCqrs.EventSourcing;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What happens to appends while the database cannot take them. The lock is SQLite's, so that is where this is shown.</summary>
public sealed class OverloadSpecs(SqliteFixture fixture) : IClassFixture<SqliteFixture>
{
    private const int Mebibyte = 1024 * 1024;

    [Fact]
    public async Task A_full_queue_refuses_with_a_delay_and_what_was_accepted_is_written()
    {
        await using var store = await StartAsync(fixture.NewStore(), configure: null, ("Append:QueueLength", "5"), ("Append:MaxBatch", "2"));
        Task<AppendResult>[] appends;
        await using (await LockAsync(store))
        {
            appends = [.. Enumerable.Range(0, 40).Select(number => AppendAsync(store, $"s{number}"))];
            await Task.WhenAll(appends.Where(append => append.IsFaulted).Select(AssertRefusedAsync));

            // The writer holds two at most, which the lock stops it from writing; the queue holds five; the rest was refused.
            Assert.InRange(appends.Count(append => append.IsFaulted), 33, 35);
        }

        var accepted = appends.Where(append => !append.IsFaulted).ToArray();
        Assert.All(await Task.WhenAll(accepted), result => Assert.IsType<AppendResult.Appended>(result));
        Assert.Equal(accepted.Length, await store.Store.ReadHeadAsync(CancellationToken.None));
    }

    [Fact]
    public async Task The_queue_is_bounded_in_bytes_too()
    {
        await using var store = await StartAsync(fixture.NewStore(), configure: null, ("Append:MaxBatch", "1"), ("Append:QueueBytes", $"{4 * Mebibyte}"));
        Task<AppendResult>[] appends;
        await using (await LockAsync(store))
        {
            // The writer holds one at most; of the others four fit.
            appends = [.. Enumerable.Range(0, 12).Select(number => AppendAsync(store, $"s{number}", Mebibyte))];
            Assert.InRange(appends.Count(append => append.IsFaulted), 7, 8);
        }

        var accepted = appends.Where(append => !append.IsFaulted).ToArray();
        await Task.WhenAll(accepted);
        Assert.Equal(accepted.Length, await store.Store.ReadHeadAsync(CancellationToken.None));

        // What was refused or written no longer counts.
        Assert.IsType<AppendResult.Appended>(await AppendAsync(store, "later", 3 * Mebibyte));
    }

    [Fact]
    public async Task An_append_cancelled_in_the_queue_is_never_written()
    {
        await using var store = await StartAsync(fixture.NewStore(), configure: null, ("Append:MaxBatch", "1"));
        using var cancellation = new CancellationTokenSource();
        Task<AppendResult>[] patient;
        Task<AppendResult>[] impatient;
        await using (await LockAsync(store))
        {
            patient = [.. Enumerable.Range(0, 3).Select(number => AppendAsync(store, $"p{number}"))];
            impatient = [.. Enumerable.Range(0, 3).Select(number => AppendAsync(store, $"i{number}", cancellationToken: cancellation.Token))];
            await cancellation.CancelAsync();
            await Task.WhenAll(impatient.Select(append => Assert.ThrowsAnyAsync<OperationCanceledException>(() => append)));
        }

        await Task.WhenAll(patient);
        Assert.Equal(patient.Length, await store.Store.ReadHeadAsync(CancellationToken.None));
        Assert.Equal([0L], await store.WriteColumnAsync("SELECT COUNT(*) FROM events WHERE stream LIKE 'ledger-i%'"));
    }

    [Fact]
    public async Task An_append_after_a_shared_transaction_waits_for_company_as_long_as_allowed_and_a_lone_one_does_not()
    {
        var maxWait = TimeSpan.FromSeconds(1);
        await using var store = await StartAsync(fixture.NewStore(), configure: null, ("Append:MaxWait", $"{maxWait}"));
        var lone = new List<TimeSpan>();
        for (var number = 0; number < 10; number++)
        {
            lone.Add(await TimeAsync($"lone{number}"));
        }

        // The writer takes some of these, and then the others.
        Task<AppendResult>[] shared;
        await using (await LockAsync(store))
        {
            shared = [.. Enumerable.Range(0, 40).Select(number => AppendAsync(store, $"s{number}"))];
        }

        await Task.WhenAll(shared);
        Assert.True(await TimeAsync("after a shared one") >= maxWait);
        Assert.True(lone.Min() < maxWait);

        async Task<TimeSpan> TimeAsync(string id)
        {
            var start = TimeProvider.System.GetTimestamp();
            await AppendAsync(store, id);
            return TimeProvider.System.GetElapsedTime(start);
        }
    }

    private static Task<AppendResult> AppendAsync(StoreHarness store, string id, int payloadBytes = 0, CancellationToken cancellationToken = default)
    {
        var booking = Booking(1);
        return store.Store.AppendAsync(
            Append(id, ExpectedVersion.None, payloadBytes > 0 ? booking with { Payload = new byte[payloadBytes] } : booking), cancellationToken).AsTask();
    }

    private static async Task AssertRefusedAsync(Task<AppendResult> append)
    {
        var rejection = await Assert.ThrowsAsync<RejectedException>(() => append);
        Assert.Equal(EngineErrors.WriteQueueFull, rejection.Code);
        Assert.True(rejection.RetryAfter > TimeSpan.Zero);
    }

    private static async Task<WriteLock> LockAsync(StoreHarness store)
    {
        var connection = await store.OpenWriteAsync();
        return new WriteLock(connection, await connection.BeginTransactionAsync());
    }

    /// <summary>Holds SQLite's write lock until disposed.</summary>
    private sealed class WriteLock(DbConnection connection, DbTransaction transaction) : IAsyncDisposable
    {
        public async ValueTask DisposeAsync()
        {
            await transaction.DisposeAsync();
            await connection.DisposeAsync();
        }
    }
}

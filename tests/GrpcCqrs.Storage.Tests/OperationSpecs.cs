using Dapper;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Operations;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What the hash chain finds, and what the audit log and the retention keep.</summary>
public abstract class OperationSpecs<TFixture>(TFixture fixture) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private static CancellationToken None => CancellationToken.None;

    [SkippableFact]
    public async Task A_log_that_nobody_touched_is_intact()
    {
        await using var store = await StartAsync(fixture.NewStore());
        Assert.Equal(new Verification(0, null, null), await VerifyAsync(store));

        await AppendTenAsync(store);

        Assert.Equal(new Verification(10, null, null), await VerifyAsync(store));
    }

    [SkippableTheory]
    [InlineData("UPDATE events SET version = 99 WHERE position = 4", 4)]
    [InlineData("UPDATE events SET user_name = 'somebody else' WHERE position = 7", 7)]
    [InlineData("UPDATE events SET time_us = time_us + 1 WHERE position = 1", 1)]
    [InlineData("UPDATE events SET payload = (SELECT payload FROM events WHERE position = 2) WHERE position = 3", 3)]
    [InlineData("UPDATE events SET hash = (SELECT hash FROM events WHERE position = 2) WHERE position = 5", 5)]
    [InlineData("DELETE FROM events WHERE position = 6", 6)]
    [InlineData("DELETE FROM events WHERE position > 8", 9)]
    [InlineData("UPDATE events SET position = 11 WHERE position = 10", 10)]
    [InlineData("UPDATE events SET position = 12 WHERE position = 10", 10)]
    [InlineData("UPDATE sequencer SET position = 9, hash = (SELECT hash FROM events WHERE position = 9)", 10)]
    [InlineData("UPDATE sequencer SET hash = (SELECT hash FROM events WHERE position = 2)", 11)]
    public async Task A_change_behind_the_stores_back_is_found_at_its_position(string tampering, long position)
    {
        await using var store = await StartAsync(fixture.NewStore());
        await AppendTenAsync(store);
        await using (var connection = await store.OpenWriteAsync())
        {
            await connection.ExecuteAsync(tampering);
        }

        var found = await VerifyAsync(store);

        Assert.Equal((position, position - 1), (found.BrokenAt, found.Verified));
        Assert.NotNull(found.Problem);
    }

    [SkippableFact]
    public async Task The_log_can_be_verified_while_it_grows()
    {
        await using var store = await StartAsync(fixture.NewStore());
        var growing = Task.Run(async () =>
        {
            for (var number = 0; number < 30; number++)
            {
                await AppendTenAsync(store);
            }
        });
        while (!growing.IsCompleted)
        {
            Assert.True((await VerifyAsync(store)).IsIntact);
        }

        await growing;
        Assert.Equal(new Verification(300, null, null), await VerifyAsync(store));
    }

    [SkippableFact]
    public async Task The_audit_log_is_read_newest_first_by_filter_and_page()
    {
        await using var store = await StartAsync(fixture.NewStore());
        for (var number = 0; number < 10; number++)
        {
            var entry = Context().AuditEntry() with
            {
                User = number % 2 == 0 ? "even" : "odd",
                Outcome = number == 9 ? CommandOutcome.Rejected : CommandOutcome.Appended,
                ErrorReason = number == 9 ? "REASON" : null,
                ReceivedAt = DateTimeOffset.UnixEpoch.AddSeconds(number),
            };
            await store.Store.AppendAsync(Append($"s{number}", ExpectedVersion.Any, Booking(1)) with { Audit = entry }, None);
        }

        var log = store.Services.GetRequiredService<AuditLog>();
        var newest = await log.ReadAsync(new AuditFilter(), null, 3, None);
        Assert.Equal([9, 8, 7], newest.Select(e => e.Entry.ReceivedAt.Second));
        Assert.Equal([10L, 9L, 8L], newest.Select(e => e.Position));
        Assert.Equal([6, 5], (await log.ReadAsync(new AuditFilter(), newest[^1].Id, 2, None)).Select(e => e.Entry.ReceivedAt.Second));
        Assert.Equal([7, 5, 3], (await log.ReadAsync(
            new AuditFilter { User = "odd", Outcome = CommandOutcome.Appended, Start = DateTimeOffset.UnixEpoch.AddSeconds(3) }, null, 9, None))
            .Select(e => e.Entry.ReceivedAt.Second));
        var refused = Assert.Single(await log.ReadAsync(new AuditFilter { CommandId = newest[0].Entry.CommandId, CommandType = "Test" }, null, 9, None));
        Assert.Equal("REASON", refused.Entry.ErrorReason);
        Assert.Empty(await log.ReadAsync(new AuditFilter { End = DateTimeOffset.UnixEpoch }, null, 9, None));
    }

    [SkippableFact]
    public async Task The_audit_log_of_a_stream_has_what_appended_and_what_did_not()
    {
        await using var store = await StartAsync(fixture.NewStore());
        await AppendTenAsync(store);
        var stream = new StreamId("ledger", "audited");
        var entry = Context().AuditEntry() with { Stream = stream.ToString() };
        for (var number = 0; number < 6; number++)
        {
            var audited = entry with { DurationMicroseconds = number };
            await store.Store.AppendAsync(
                number % 2 == 0 ? Append("audited", ExpectedVersion.Any, Booking(1), Booking(2)) with { Audit = audited } : new AppendRequest { Audit = audited }, None);
            await store.Store.AppendAsync(
                Append("another", ExpectedVersion.Any, Booking(1)) with { Audit = entry with { Stream = "ledger-another" } }, None);
        }

        var log = store.Services.GetRequiredService<AuditLog>();
        var newest = await log.ReadAsync(new AuditFilter { Stream = stream.ToString() }, null, 4, None);
        Assert.Equal([5, 4, 3, 2], newest.Select(e => e.Entry.DurationMicroseconds));
        Assert.Equal([null, 20L, null, 16L], newest.Select(e => e.Position));
        Assert.Equal([1, 0], (await log.ReadAsync(new AuditFilter { Stream = stream.ToString() }, newest[^1].Id, 4, None)).Select(e => e.Entry.DurationMicroseconds));
        Assert.Equal(6, (await log.ReadAsync(new AuditFilter { Stream = "ledger-another", CommandType = "Test" }, null, 9, None)).Count);
        Assert.Empty(await log.ReadAsync(new AuditFilter { Stream = "ledger-nobody" }, null, 9, None));
    }

    [SkippableFact]
    public async Task Commands_older_than_the_retention_are_forgotten_and_no_others()
    {
        var clock = new SteppedClock(DateTimeOffset.UnixEpoch.AddYears(50));
        await using var store = await StartAsync(fixture.NewStore(), services => services.AddClock(clock), ("Commands:Retention", "01:00:00"));
        async Task<Guid> RememberAsync()
        {
            var command = new CommandToRecord(Guid.CreateVersion7(), new byte[32], 1, 0, null);
            await store.Store.AppendAsync(Append($"{command.CommandId}", ExpectedVersion.None, Booking(1)) with { Command = command }, None);
            return command.CommandId;
        }

        var old = await RememberAsync();
        clock.Step(TimeSpan.FromMinutes(50));
        var young = await RememberAsync();
        clock.Step(TimeSpan.FromMinutes(20));

        Assert.Equal(1, await store.Services.GetRequiredService<CommandRetention>().DeleteExpiredAsync(None));

        Assert.Null(await store.Store.FindCommandAsync(old, None));
        Assert.NotNull(await store.Store.FindCommandAsync(young, None));
        Assert.Equal(2, await store.Store.ReadHeadAsync(None));
    }

    private static async Task AppendTenAsync(StoreHarness store)
    {
        for (var number = 0; number < 5; number++)
        {
            await store.Store.AppendAsync(Append($"s{number}", ExpectedVersion.Any, Booking(number), Booking(-number)), None);
        }
    }

    private static Task<Verification> VerifyAsync(StoreHarness store) =>
        store.Services.GetRequiredService<LogVerifier>().VerifyAsync(None);
}

public sealed class SqliteOperationSpecs(SqliteFixture fixture) : OperationSpecs<SqliteFixture>(fixture);

public sealed class PostgreSqlOperationSpecs(PostgreSqlFixture fixture) : OperationSpecs<PostgreSqlFixture>(fixture);

public sealed class SqlServerOperationSpecs(SqlServerFixture fixture) : OperationSpecs<SqlServerFixture>(fixture);

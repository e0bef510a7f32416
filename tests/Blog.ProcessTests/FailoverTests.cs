using System.Diagnostics;
using System.Globalization;
using Blog.V1;
using Dapper;
using Grpc.Net.Client;
using GrpcCqrs.Operations.V1;
using GrpcCqrs.Storage.Tests;
using Npgsql;
using Xunit;
using Xunit.Abstractions;

namespace Blog.ProcessTests;

/// <summary>
/// Two processes that do everything on the same two PostgreSQL databases: one projects and the other stands by. The one that projects
/// is killed or frozen under load, and nobody misses anything.
/// </summary>
[Collection(Alone.Name)]
public sealed class FailoverTests(WholePostgreSqlFixture fixture, ITestOutputHelper output) : IClassFixture<WholePostgreSqlFixture>, IDisposable
{
    private const int Clients = 4;

    private static readonly TimeSpan LoadTime = TimeSpan.FromSeconds(2);

    private readonly CancellationTokenSource limit = new(5 * Patience.Limit);

    [LongFact]
    public async Task A_killed_projector_is_followed_by_the_other_process()
    {
        var store = fixture.NewStore();
        await using var first = await StartAsync(store);
        await using var second = await StartAsync(store);
        using var toFirst = GrpcChannel.ForAddress(first.GrpcAddress);
        using var toSecond = GrpcChannel.ForAddress(second.GrpcAddress);
        var (leader, survivor) = await IsProjectorAsync(toFirst) ? (first, toSecond) : (second, toFirst);
        using var stop = new CancellationTokenSource();
        var clients = NewClients("Both", Clients, toFirst, toSecond);
        var token = await FencingTokenAsync(store);
        var load = RunAsync(clients, stop.Token);
        await Task.Delay(LoadTime, limit.Token);

        // While both live, the one leaves the other alone.
        Assert.Equal(token, await FencingTokenAsync(store));

        await leader.KillAsync();
        var since = Stopwatch.StartNew();
        var witness = new FailoverClient("Witness", [survivor], limit.Token);
        await witness.CreateAsync();
        output.WriteLine($"The first write after the kill was seen {Seconds(since)} s after it.");
        Assert.True(await FencingTokenAsync(store) > token);
        Assert.True(await IsProjectorAsync(survivor));

        await Task.Delay(LoadTime, limit.Token);
        await stop.CancelAsync();
        await load;
        await CheckAsync(store, [.. clients, witness], survivor);
    }

    /// <param name="holdsLease">Whether it is frozen in the middle of a transaction, the lease's row locked, or wherever it happens to be.</param>
    [LongTheory]
    [InlineData(true)]
    [InlineData(false)]
    public async Task A_frozen_projector_is_followed_and_writes_nothing_when_it_wakes(bool holdsLease)
    {
        var store = fixture.NewStore();
        await using var first = await StartAsync(store);
        await using var second = await StartAsync(store);
        using var toFirst = GrpcChannel.ForAddress(first.GrpcAddress);
        using var toSecond = GrpcChannel.ForAddress(second.GrpcAddress);
        var (leader, toLeader, toSuccessor) = await IsProjectorAsync(toFirst) ? (first, toFirst, toSecond) : (second, toSecond, toFirst);
        using var stop = new CancellationTokenSource();
        var clients = NewClients("Through the successor", Clients, toSuccessor);
        var load = RunAsync(clients, stop.Token);
        await Task.Delay(LoadTime, limit.Token);
        var token = await FencingTokenAsync(store);

        await FreezeAsync(leader, holdsLease ? (store["Storage:Read:ConnectionString"]!, "projections") : null);
        var since = Stopwatch.StartNew();
        var witness = new FailoverClient("Witness", [toSuccessor], limit.Token);
        await witness.CreateAsync();
        output.WriteLine($"The first write after the freeze was seen {Seconds(since)} s after it.");
        var successors = await FencingTokenAsync(store);
        Assert.True(successors > token);
        Assert.True(await IsProjectorAsync(toSuccessor));

        var said = leader.Output.Length;
        await leader.ThawAsync();
        await UntilAsync(() => Task.FromResult(leader.Output[said..].Contains("ProjectionRunner[1204] Another process has taken", StringComparison.Ordinal)));
        var late = NewClients("Through both", 2, toLeader, toSuccessor);
        var lateLoad = RunAsync(late, stop.Token);
        await Task.Delay(2 * LoadTime, limit.Token);
        Assert.Equal(successors, await FencingTokenAsync(store));
        Assert.Equal((false, true), (await IsProjectorAsync(toLeader), await IsProjectorAsync(toSuccessor)));
        await stop.CancelAsync();
        await load;
        await lateLoad;
        FailoverClient[] all = [.. clients, .. late, witness];
        await CheckAsync(store, all, toLeader);
        await CheckAsync(store, all, toSuccessor);
        Assert.Equal(successors, await FencingTokenAsync(store));
    }

    [LongFact]
    public async Task A_process_that_is_frozen_while_it_appends_does_not_stop_the_appends_of_the_other()
    {
        var store = fixture.NewStore();
        await using var frozen = await StartAsync(store);
        await using var other = await StartAsync(store);
        using var toFrozen = GrpcChannel.ForAddress(frozen.GrpcAddress);
        using var toOther = GrpcChannel.ForAddress(other.GrpcAddress);
        var waiting = new FailoverClient("Waits", [toFrozen], limit.Token);
        Task<string>? created = null;

        // A look-up is held up, behind the sequencer's lock: the writes go with the commit, and nothing can be frozen between the two.
        await FreezeAsync(frozen, (store["Storage:Write:ConnectionString"]!, "unique_keys"), () => created = waiting.CreateAsync(), "ACCESS EXCLUSIVE");

        var since = Stopwatch.StartNew();
        var witness = new FailoverClient("Witness", [toOther], limit.Token);
        await witness.CreateAsync();
        output.WriteLine($"The first write after the freeze was seen {Seconds(since)} s after it.");
        Assert.False(created!.IsCompleted);

        // What was frozen is not lost: its transaction was rolled back, and is repeated.
        await frozen.ThawAsync();
        await created;
        await CheckAsync(store, [waiting, witness], toOther);
    }

    public void Dispose() => limit.Dispose();

    private static string Seconds(Stopwatch since) => since.Elapsed.TotalSeconds.ToString("F1", CultureInfo.InvariantCulture);

    private static Task<ServerProcess> StartAsync(IReadOnlyDictionary<string, string?> store) =>
        ServerProcess.StartAsync(store["Storage:Directory"]!, SettingsOf(store));

    private static IEnumerable<string> SettingsOf(IReadOnlyDictionary<string, string?> store) =>
        store.Where(setting => setting.Value is not null).Select(setting => $"--{setting.Key}={setting.Value}");

    private static async Task<bool> IsProjectorAsync(GrpcChannel channel)
    {
        var listed = await new OperationsService.OperationsServiceClient(channel).ListProjectionsAsync(new ListProjectionsRequest());
        Assert.NotEmpty(listed.Projector);
        return listed.AnsweredByProjector;
    }

    private static async Task<long> FencingTokenAsync(IReadOnlyDictionary<string, string?> store)
    {
        await using var connection = new NpgsqlConnection(store["Storage:Read:ConnectionString"]);
        return await connection.ExecuteScalarAsync<long>("SELECT fence FROM leases WHERE name = 'projector'");
    }

    /// <summary>Clients that begin at different processes.</summary>
    private FailoverClient[] NewClients(string name, int count, params GrpcChannel[] nodes) => [.. Enumerable.Range(0, count).Select(number =>
        new FailoverClient($"{name} {number}", [.. nodes.Skip(number % nodes.Length), .. nodes.Take(number % nodes.Length)], limit.Token))];

    private static Task RunAsync(IEnumerable<FailoverClient> clients, CancellationToken stop) =>
        Task.WhenAll(clients.Select(client => Task.Run(() => client.RunAsync(stop), CancellationToken.None)));

    /// <summary>
    /// Freezes a process, where a table is named in the middle of a transaction that is about to write to it, or to read it where the
    /// lock says so: the lock holds it up there, and is gone when the process stands still.
    /// </summary>
    private async Task FreezeAsync(ServerProcess process, (string Database, string Name)? table, Action? begin = null, string mode = "EXCLUSIVE")
    {
        if (table is not var (database, name))
        {
            await process.FreezeAsync();
            return;
        }

        await using var connection = new NpgsqlConnection(database);
        await connection.OpenAsync(limit.Token);
        await using (var transaction = await connection.BeginTransactionAsync(limit.Token))
        {
            await connection.ExecuteAsync($"LOCK TABLE {name} IN {mode} MODE", transaction: transaction);
            begin?.Invoke();
            await UntilAsync(async () => await connection.ExecuteScalarAsync<long>(
                $"SELECT COUNT(*) FROM pg_locks WHERE relation = '{name}'::regclass AND NOT granted", transaction: transaction) > 0);
            await process.FreezeAsync();
        }

        await UntilAsync(async () => await connection.ExecuteScalarAsync<long>(
            "SELECT COUNT(*) FROM pg_stat_activity WHERE datname = current_database() AND state = 'idle in transaction'") > 0);
    }

    /// <summary>The event log holds each write once, and every table of the read model is the fold of it.</summary>
    private async Task CheckAsync(IReadOnlyDictionary<string, string?> store, FailoverClient[] clients, GrpcChannel node)
    {
        var queries = new PostQueryService.PostQueryServiceClient(node);
        var operations = new OperationsService.OperationsServiceClient(node);
        var writes = clients.Sum(client => client.Writes);
        await UntilAsync(async () =>
        {
            var listed = await operations.ListProjectionsAsync(new ListProjectionsRequest());
            Assert.Equal(writes, listed.HeadPosition);
            return listed.Projections.All(projection => projection.Generations.Any(set => set.State == TableGenerationState.Live)
                && projection.Generations.All(set => set.Position == writes));
        });
        foreach (var client in clients)
        {
            var reader = client.Through(node);
            foreach (var post in client.Posts.Keys)
            {
                await reader.CheckAsync(post, client.Token);
            }
        }

        var authors = await queries.ListAuthorsAsync(new ListAuthorsRequest { PageSize = 1_000 });
        Assert.Equal(
            clients.Select(client => (client.Name, client.Kept.LongCount(), client.Kept.LongCount(post => post.IsPublished), client.Kept.Sum(post => (long)post.Edits)))
                .Order(),
            authors.Authors.Select(author => (author.Name, author.PostCount, author.PublishedCount, author.EditCount)).Order());
        var kept = clients.SelectMany(client => client.Kept).ToArray();
        var tags = (await queries.ListTagsAsync(new ListTagsRequest { PageSize = 1_000 })).Tags.ToDictionary(
            tag => tag.Name, tag => (tag.PostCount, tag.PublishedCount), StringComparer.OrdinalIgnoreCase);
        Assert.Equal((kept.LongLength, kept.LongCount(post => post.IsPublished)), tags["everybody"]);
        Assert.Equal(clients.Length + 1, tags.Count);
        var days = (await queries.ListDailyActivityAsync(new ListDailyActivityRequest())).Days;
        var written = clients.SelectMany(client => client.Posts.Values).ToArray();
        Assert.Equal(
            (written.LongLength, written.Sum(post => (long)post.Edits), written.LongCount(post => post.IsPublished), written.LongCount(post => post.IsDeleted)),
            (days.Sum(day => day.CreatedCount), days.Sum(day => day.EditedCount), days.Sum(day => day.PublishedCount), days.Sum(day => day.DeletedCount)));

        var audit = await operations.AuditReadModelAsync(new AuditReadModelRequest { AllStreams = true });
        Operation operation = new();
        await UntilAsync(async () =>
        {
            operation = (await operations.GetOperationAsync(new GetOperationRequest { OperationId = audit.OperationId })).Operation;
            return operation.State != OperationState.Running;
        });
        Assert.Equal((OperationState.Succeeded, 0, written.LongLength), (operation.State, operation.DriftCount, operation.Streams));
        Assert.StartsWith("intact: ", await ServerProcess.VerifyAsync(store["Storage:Directory"]!, SettingsOf(store)), StringComparison.Ordinal);
        output.WriteLine($"{writes} writes to {written.Length} posts; the audit found {operation.DriftCount} differences.");
    }

    private async Task UntilAsync(Func<Task<bool>> condition)
    {
        while (!await condition())
        {
            await Task.Delay(20, limit.Token);
        }
    }
}

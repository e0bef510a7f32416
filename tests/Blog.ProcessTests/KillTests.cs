using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using Blog.V1;
using Dapper;
using Grpc.Core;
using Grpc.Net.Client;
using GrpcCqrs.Storage.Tests;
using Microsoft.Data.Sqlite;
using Npgsql;
using Xunit;
using Xunit.Abstractions;

namespace Blog.ProcessTests;

/// <summary>What a caller may rely on when the service is killed under load, whatever the write database.</summary>
public abstract class KillTests<TFixture>(TFixture fixture, ITestOutputHelper output) : IClassFixture<TFixture>
    where TFixture : class, IStoreFixture
{
    private protected const int Callers = 8;
    private const int StartKills = 6;

    /// <summary>How often the service is killed: a few times on every run, 50 times in CI; <c>GRPCCQRS_KILLS</c> says otherwise.</summary>
    private protected static int Kills =>
        int.TryParse(Environment.GetEnvironmentVariable("GRPCCQRS_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out var kills)
            ? kills
            : Environment.GetEnvironmentVariable("CI") == "true" ? 50 : 4;

    /// <summary>A connection to the write database of a store.</summary>
    protected abstract DbConnection ConnectTo(IReadOnlyDictionary<string, string?> store);

    /// <summary>Fails where the database finds fault with its own files; those of a server that was not killed need no look.</summary>
    protected virtual Task CheckFilesAsync(DbConnection connection) => Task.CompletedTask;

    [SkippableFact]
    public async Task Every_acknowledged_command_survives_SIGKILL_exactly_once()
    {
        var seed = Environment.TickCount;
        output.WriteLine($"seed {seed}, {Kills} kills");
        var store = fixture.NewStore();
        var random = new Random(seed);
        var answers = new ConcurrentDictionary<string, (string PostId, long Version)>(StringComparer.Ordinal);
        for (var kill = 0; kill < Kills; kill++)
        {
            await using var server = await StartAsync(store);
            var before = answers.Count;
            var load = LoadUntilKilledAsync(server.GrpcAddress, random, answers);
            await UntilAsync(() => answers.Count > before);
            await Task.Delay(random.Next(0, 500));
            await server.KillAsync();
            await load;
            output.WriteLine($"kill {kill}: {answers.Count - before} commands were acknowledged");
        }

        await using var again = await StartAsync(store);
        await CheckAsync(store, again.GrpcAddress, answers);
    }

    [SkippableFact]
    public async Task A_start_that_was_killed_at_any_point_does_not_stand_in_the_way_of_the_next()
    {
        // The first starts create the databases' tables, so that some are killed while they migrate.
        var store = fixture.NewStore();
        var random = new Random();
        for (var kill = 0; kill < StartKills; kill++)
        {
            await ServerProcess.KillWhileStartingAsync(DirectoryOf(store), TimeSpan.FromMilliseconds(300 + random.Next(900)), SettingsOf(store));
            if (kill % 3 == 2)
            {
                await using var started = await StartAsync(store);
            }
        }

        await using var server = await StartAsync(store);
        await CreateFirstPostAsync(server.GrpcAddress);
    }

    /// <summary>Holds a store against what callers were told.</summary>
    private protected async Task CheckAsync(
        IReadOnlyDictionary<string, string?> store, string address, IReadOnlyDictionary<string, (string PostId, long Version)> answers)
    {
        Assert.NotEmpty(answers);
        await RepeatAllAsync(address, answers);
        await CompareReadModelWithFoldAsync(address, answers.Values.Select(a => a.PostId).Distinct(StringComparer.Ordinal));
        await CheckEventsAsync(store, answers.Keys);
        Assert.StartsWith("intact: ", await ServerProcess.VerifyAsync(DirectoryOf(store), SettingsOf(store)), StringComparison.Ordinal);
    }

    private protected static async Task CreateFirstPostAsync(string address)
    {
        using var channel = GrpcChannel.ForAddress(address);
        var created = await new PostCommandService.PostCommandServiceClient(channel).CreatePostAsync(CreateRequest(NewId()), deadline: Limit());
        Assert.Equal(1, created.Version);
    }

    private protected static Task<ServerProcess> StartAsync(IReadOnlyDictionary<string, string?> store) =>
        ServerProcess.StartAsync(DirectoryOf(store), SettingsOf(store));

    protected static string DirectoryOf(IReadOnlyDictionary<string, string?> store) => store["Storage:Directory"]!;

    private static IEnumerable<string> SettingsOf(IReadOnlyDictionary<string, string?> store) =>
        store.Where(setting => setting.Value is not null).Select(setting => $"--{setting.Key}={setting.Value}");

    private protected static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(TimeSpan.FromSeconds(60));
        while (!condition())
        {
            await Task.Delay(5, limit.Token);
        }
    }

    /// <summary>Sends commands from several callers until the service is killed.</summary>
    private protected static Task LoadUntilKilledAsync(string address, Random random, ConcurrentDictionary<string, (string PostId, long Version)> answers) =>
        Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => random.Next()).Select(seed => LoadUntilKilledAsync(address, seed, answers)));

    private static async Task LoadUntilKilledAsync(string address, int seed, ConcurrentDictionary<string, (string PostId, long Version)> answers)
    {
        try
        {
            await LoadAsync(address, seed, answers, () => false);
        }
        catch (RpcException exception) when (exception.StatusCode is StatusCode.Unavailable or StatusCode.Cancelled or StatusCode.Internal or StatusCode.DeadlineExceeded)
        {
            // What was not answered may or may not have happened.
        }
    }

    /// <summary>Sends commands until it is told to stop.</summary>
    private protected static async Task LoadAsync(
        string address, int seed, ConcurrentDictionary<string, (string PostId, long Version)> answers, Func<bool> isOver)
    {
        using var channel = GrpcChannel.ForAddress(address);
        var commands = new PostCommandService.PostCommandServiceClient(channel);
        var random = new Random(seed);
        while (!isOver())
        {
            var create = CreateRequest(NewId());
            var created = await commands.CreatePostAsync(create, deadline: Limit());
            answers[create.CommandId] = (created.PostId, created.Version);
            for (var edits = random.Next(5); edits > 0; edits--)
            {
                var edit = EditRequest(NewId(), created.PostId);
                var edited = await commands.EditPostContentAsync(edit, deadline: Limit());
                answers[edit.CommandId] = (edited.PostId, edited.Version);
            }
        }
    }

    /// <summary>A repeated command gets the answer that it got before the kill, and changes nothing.</summary>
    private static async Task RepeatAllAsync(string address, IReadOnlyDictionary<string, (string PostId, long Version)> answers)
    {
        using var channel = GrpcChannel.ForAddress(address);
        var commands = new PostCommandService.PostCommandServiceClient(channel);
        foreach (var (commandId, answer) in answers)
        {
            var repeated = answer.Version == 1
                ? Answer(await commands.CreatePostAsync(CreateRequest(commandId), deadline: Limit()))
                : Answer(await commands.EditPostContentAsync(EditRequest(commandId, answer.PostId), deadline: Limit()));
            Assert.Equal(answer, repeated);
        }

        static (string, long) Answer<T>(T response) => response switch
        {
            CreatePostResponse r => (r.PostId, r.Version),
            EditPostContentResponse r => (r.PostId, r.Version),
            _ => throw new InvalidOperationException(),
        };
    }

    private static async Task CompareReadModelWithFoldAsync(string address, IEnumerable<string> postIds)
    {
        using var channel = GrpcChannel.ForAddress(address);
        var commands = new PostCommandService.PostCommandServiceClient(channel);
        var queries = new PostQueryService.PostQueryServiceClient(channel);
        var fence = await commands.CreatePostAsync(CreateRequest(NewId()), deadline: Limit());
        foreach (var postId in postIds)
        {
            var read = await queries.GetPostAsync(
                new GetPostRequest { PostId = postId, ConsistencyToken = fence.ConsistencyToken }, deadline: Limit());
            var folded = await queries.GetPostAsOfAsync(
                new GetPostAsOfRequest { PostId = postId, Version = read.Post.Version }, deadline: Limit());
            Assert.Equal(folded.Post, read.Post);
            var beyond = await Assert.ThrowsAsync<RpcException>(async () => await queries.GetPostAsOfAsync(
                new GetPostAsOfRequest { PostId = postId, Version = read.Post.Version + 1 }, deadline: Limit()));
            Assert.Equal(StatusCode.InvalidArgument, beyond.StatusCode);
        }
    }

    private async Task CheckEventsAsync(IReadOnlyDictionary<string, string?> store, IEnumerable<string> acknowledged)
    {
        await using var connection = ConnectTo(store);
        var events = (await connection.QueryAsync<(long Position, string Stream, long Version, string CommandId)>(
            "SELECT position, stream, version, CAST(command_id AS text) FROM events ORDER BY position")).AsList();
        Assert.Equal(Enumerable.Range(1, events.Count).Select(p => (long)p), events.Select(e => e.Position));
        foreach (var stream in events.GroupBy(e => e.Stream, StringComparer.Ordinal))
        {
            Assert.Equal(Enumerable.Range(1, stream.Count()).Select(v => (long)v), stream.Select(e => e.Version));
        }

        var perCommand = events.GroupBy(e => e.CommandId, StringComparer.OrdinalIgnoreCase).ToDictionary(g => g.Key, g => g.Count(), StringComparer.OrdinalIgnoreCase);
        Assert.All(perCommand.Values, count => Assert.Equal(1, count));
        Assert.All(acknowledged, commandId => Assert.True(perCommand.ContainsKey(commandId), $"{commandId} was acknowledged and is lost."));
        await CheckFilesAsync(connection);
    }

    private static CreatePostRequest CreateRequest(string commandId) =>
        new() { CommandId = commandId, Title = $"Post {commandId}", Content = "…", Author = "Kill test", Tags = { "kill" } };

    private static EditPostContentRequest EditRequest(string commandId, string postId) =>
        new() { CommandId = commandId, PostId = postId, Content = $"Edited by {commandId}. {new string('x', 300)}" };

    private static string NewId() => Guid.CreateVersion7().ToString("D");

    private static DateTime Limit() => TimeProvider.System.GetUtcNow().UtcDateTime.AddSeconds(30);
}

public sealed class SqliteKillTests(SqliteFixture fixture, ITestOutputHelper output) : KillTests<SqliteFixture>(fixture, output)
{
    private readonly SqliteFixture fixture = fixture;

    [Fact]
    public async Task The_lock_that_a_killed_migration_left_behind_does_not_stop_the_next_start()
    {
        var store = fixture.NewStore();
        await using (await StartAsync(store))
        {
            await using var connection = ConnectTo(store);
            await connection.ExecuteAsync("""INSERT OR IGNORE INTO "__EFMigrationsLock" ("Id", "Timestamp") VALUES (1, '2026-01-01')""");
        }

        await using var server = await StartAsync(store);
        await CreateFirstPostAsync(server.GrpcAddress);
    }

    protected override DbConnection ConnectTo(IReadOnlyDictionary<string, string?> store) =>
        new SqliteConnection($"Data Source={Path.Combine(DirectoryOf(store), "write.db")}");

    protected override async Task CheckFilesAsync(DbConnection connection) =>
        Assert.Equal("ok", await connection.ExecuteScalarAsync<string>("PRAGMA integrity_check"));
}

public sealed class PostgreSqlKillTests(PostgreSqlFixture fixture, ITestOutputHelper output) : KillTests<PostgreSqlFixture>(fixture, output)
{
    private readonly PostgreSqlFixture fixture = fixture;

    [SkippableFact]
    public async Task SIGKILL_of_one_of_two_processes_on_one_database_loses_nothing_and_no_caller_of_the_other_notices()
    {
        const int MoreAnswers = 20;
        var store = fixture.NewStore();
        var random = new Random();
        ConcurrentDictionary<string, (string PostId, long Version)> told = new(StringComparer.Ordinal), toldByKilled = new(StringComparer.Ordinal);
        var (living, dying) = (await StartAsync(store), await StartAsync(store));
        try
        {
            for (var kill = 0; kill <= Kills / 3; kill++)
            {
                var isOver = false;
                var (before, beforeOfKilled) = (told.Count, toldByKilled.Count);
                var load = LoadUntilKilledAsync(dying.GrpcAddress, random, toldByKilled);
                var other = Task.WhenAll(Enumerable.Range(0, Callers).Select(_ => random.Next())
                    .Select(seed => LoadAsync(living.GrpcAddress, seed, told, () => Volatile.Read(ref isOver))));
                await UntilAsync(() => told.Count > before && toldByKilled.Count > beforeOfKilled);
                await Task.Delay(random.Next(0, 300));
                await dying.KillAsync();
                await load;
                var then = told.Count;
                await UntilAsync(() => told.Count > then + MoreAnswers || other.IsFaulted);
                Volatile.Write(ref isOver, true);
                await other;
                await dying.DisposeAsync();

                // Each is killed in its turn, so that also the one dies that projects.
                (living, dying) = (await StartAsync(store), living);
            }

            await CheckAsync(store, living.GrpcAddress, told.Concat(toldByKilled).ToDictionary(StringComparer.Ordinal));
        }
        finally
        {
            await living.DisposeAsync();
            await dying.DisposeAsync();
        }
    }

    protected override DbConnection ConnectTo(IReadOnlyDictionary<string, string?> store) =>
        new NpgsqlConnection(store["Storage:Write:ConnectionString"]);
}

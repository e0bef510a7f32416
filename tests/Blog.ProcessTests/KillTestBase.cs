using System.Collections.Concurrent;
using System.Data.Common;
using System.Globalization;
using Blog.V1;
using Dapper;
using Grpc.Core;
using Grpc.Net.Client;
using Xunit;

namespace Blog.ProcessTests;

/// <summary>Loads a service that is about to be killed, and holds its store against what callers were told.</summary>
public abstract class KillTestBase
{
    private protected const int Callers = 8;

    /// <summary>What was answered is checked by several callers at once: there is much of it, and its order does not matter.</summary>
    private static readonly ParallelOptions Checkers = new() { MaxDegreeOfParallelism = 16 };

    /// <summary>How often the service is killed: 50 times; <c>GRPCCQRS_KILLS</c> says otherwise.</summary>
    private protected static int Kills =>
        int.TryParse(Environment.GetEnvironmentVariable("GRPCCQRS_KILLS"), NumberStyles.None, CultureInfo.InvariantCulture, out var kills)
            ? kills
            : 50;

    /// <summary>A connection to the write database of a store.</summary>
    protected abstract DbConnection ConnectTo(IReadOnlyDictionary<string, string?> store);

    /// <summary>Fails where the database finds fault with its own files; those of a server that was not killed need no look.</summary>
    protected virtual Task CheckFilesAsync(DbConnection connection) => Task.CompletedTask;

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

    private protected static IEnumerable<string> SettingsOf(IReadOnlyDictionary<string, string?> store) =>
        store.Where(setting => setting.Value is not null).Select(setting => $"--{setting.Key}={setting.Value}");

    private protected static async Task UntilAsync(Func<bool> condition)
    {
        using var limit = new CancellationTokenSource(Patience.Limit);
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
        await Parallel.ForEachAsync(answers, Checkers, async (told, stop) =>
        {
            var (commandId, answer) = told;
            var repeated = answer.Version == 1
                ? Answer(await commands.CreatePostAsync(CreateRequest(commandId), deadline: Limit(), cancellationToken: stop))
                : Answer(await commands.EditPostContentAsync(EditRequest(commandId, answer.PostId), deadline: Limit(), cancellationToken: stop));
            Assert.Equal(answer, repeated);
        });

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
        await Parallel.ForEachAsync(postIds, Checkers, async (postId, stop) =>
        {
            var read = await queries.GetPostAsync(
                new GetPostRequest { PostId = postId, ConsistencyToken = fence.ConsistencyToken }, deadline: Limit(), cancellationToken: stop);
            var folded = await queries.GetPostAsOfAsync(
                new GetPostAsOfRequest { PostId = postId, Version = read.Post.Version }, deadline: Limit(), cancellationToken: stop);
            Assert.Equal(folded.Post, read.Post);
            var beyond = await Assert.ThrowsAsync<RpcException>(async () => await queries.GetPostAsOfAsync(
                new GetPostAsOfRequest { PostId = postId, Version = read.Post.Version + 1 }, deadline: Limit(), cancellationToken: stop));
            Assert.Equal(StatusCode.InvalidArgument, beyond.StatusCode);
        });
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

    private static DateTime Limit() => Patience.Deadline;
}

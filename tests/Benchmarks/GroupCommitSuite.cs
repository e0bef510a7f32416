using System.Diagnostics;
using System.Globalization;
using System.Text.Json;
using Blog.ProcessTests;
using Blog.V1;
using Grpc.Net.Client;
using Spectre.Console;

namespace Benchmarks;

/// <summary>
/// Whether group commit pays: commands a second of 64 callers against those of one caller, with SQLite at <c>synchronous=FULL</c> and
/// all projections running; first on the service as a process through gRPC, then on the command bus in this process. One caller waits
/// for a flush of its own each time; 64 share theirs. Both are measured in turn.
/// </summary>
internal static class GroupCommitSuite
{
    private const int Callers = 64;
    private const int Channels = 2;
    private const int Posts = 1_000;
    private const int Rounds = 5;
    private static readonly TimeSpan RoundLength = TimeSpan.FromSeconds(4);

    public static async Task RunAsync()
    {
        var data = Directory.CreateTempSubdirectory("grpccqrs-bench-");
        try
        {
            await using (var server = await ServerProcess.StartAsync(data.CreateSubdirectory("process").FullName))
            {
                GrpcChannel[] channels = [.. Enumerable.Range(0, Channels).Select(_ => GrpcChannel.ForAddress(server.GrpcAddress))];
                PostCommandService.PostCommandServiceClient[] clients = [.. channels.Select(channel => new PostCommandService.PostCommandServiceClient(channel))];
                var posts = await CreatePostsAsync(clients);
                await CompareAsync("gRPC", (caller, random) => clients[caller % clients.Length].EditPostContentAsync(
                    new EditPostContentRequest { PostId = posts[random.Next(posts.Length)], Content = Content(random) }).ResponseAsync);
                Array.ForEach(channels, channel => channel.Dispose());
            }

            await using var bus = await InProcessBlog.StartAsync(data.CreateSubdirectory("bus").FullName);
            var created = await Task.WhenAll(Enumerable.Range(0, Posts).Select(bus.CreateAsync));
            await CompareAsync("command bus", (_, random) => bus.EditAsync(created[random.Next(created.Length)], Content(random)));
        }
        finally
        {
            Microsoft.Data.Sqlite.SqliteConnection.ClearAllPools();
            data.Delete(recursive: true);
        }
    }

    private static string Content(Random random) =>
        string.Create(CultureInfo.InvariantCulture, $"{random.NextInt64():D20}{new string('x', 280)}");

    private static async Task CompareAsync(string through, Func<int, Random, Task> command)
    {
        await MeasureAsync(Callers, command);
        var (one, many) = (new List<double>(), new List<double>());
        for (var round = 0; round < Rounds; round++)
        {
            one.Add(await MeasureAsync(1, command));
            many.Add(await MeasureAsync(Callers, command));
        }

        Report(through, one, many);
    }

    private static async Task<string[]> CreatePostsAsync(PostCommandService.PostCommandServiceClient[] clients)
    {
        var posts = new string[Posts];
        await Parallel.ForAsync(0, Posts, new ParallelOptions { MaxDegreeOfParallelism = Callers }, async (number, cancellationToken) =>
            posts[number] = (await clients[number % clients.Length].CreatePostAsync(
                new CreatePostRequest { Title = $"Post {number}", Author = "Benchmark" }, cancellationToken: cancellationToken)).PostId);
        return posts;
    }

    /// <summary>Commands answered a second.</summary>
    private static async Task<double> MeasureAsync(int callers, Func<int, Random, Task> command)
    {
        var answered = 0;
        var clock = Stopwatch.StartNew();
        await Task.WhenAll(Enumerable.Range(0, callers).Select(caller => Task.Run(async () =>
        {
            var random = new Random(caller);
            while (clock.Elapsed < RoundLength)
            {
                await command(caller, random);
                Interlocked.Increment(ref answered);
            }
        })));
        return answered / clock.Elapsed.TotalSeconds;
    }

    private static void Report(string through, List<double> one, List<double> many)
    {
        var ratios = one.Zip(many, (single, shared) => shared / single).Order().ToArray();
        var table = new Table().AddColumns($"figure, through the {through}", "median", "lowest", "highest");
        AddRow(table, "one caller, commands/s", one);
        AddRow(table, $"{Callers} callers, commands/s", many);
        AddRow(table, "ratio", [.. ratios]);
        AnsiConsole.Write(table);
        AnsiConsole.WriteLine(JsonSerializer.Serialize(new
        {
            suite = "group-commit",
            database = "sqlite",
            through,
            figure = "commands_per_second",
            value = Math.Round(Median(many), 1),
            ceiling = "one caller",
            ratio = Math.Round(Median([.. ratios]), 2),
            rounds = Rounds,
        }));
    }

    private static void AddRow(Table table, string name, List<double> values) => table.AddRow(
        name, Text(Median(values)), Text(values.Min()), Text(values.Max()));

    private static double Median(List<double> values) => values.Order().ElementAt(values.Count / 2);

    private static string Text(double value) => value.ToString("F1", CultureInfo.InvariantCulture);
}

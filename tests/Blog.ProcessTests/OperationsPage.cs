using System.Globalization;
using System.Text.RegularExpressions;
using Blog.V1;
using Grpc.Net.Client;

namespace Blog.ProcessTests;

/// <summary>A job as the page of operations shows it.</summary>
internal sealed record ShownJob(Guid Id, string State, int Attempts, string Text);

/// <summary>The page where operators start jobs, as a form and a table: what a browser without script makes of it.</summary>
internal sealed partial class OperationsPage(ServerProcess server) : IDisposable
{
    private readonly HttpClient http = new() { BaseAddress = new Uri(server.HttpAddress) };

    public void Dispose() => http.Dispose();

    /// <summary>Sends the form; fails where the page refuses it.</summary>
    public async Task StartAsync(string kind, params (string Name, string Value)[] fields)
    {
        var token = Token().Match(await http.GetStringAsync(new Uri("/hangfire/operations/new", UriKind.Relative))).Groups["token"].Value;
        using var form = new FormUrlEncodedContent(
            fields.Append(("kind", kind)).Append(("__RequestVerificationToken", token)).Select(field => KeyValuePair.Create(field.Item1, field.Item2)));
        using var answer = await http.PostAsync(new Uri("/hangfire/operations/start", UriKind.Relative), form);
        answer.EnsureSuccessStatusCode();
        if (answer.RequestMessage!.RequestUri!.Query.Length > 0)
        {
            throw new InvalidOperationException($"Refused: {Uri.UnescapeDataString(answer.RequestMessage.RequestUri.Query)}");
        }
    }

    /// <summary>The newest jobs, the newest first.</summary>
    public async Task<IReadOnlyList<ShownJob>> ReadAsync() =>
        [.. Row().Matches(await http.GetStringAsync(new Uri("/hangfire/operations", UriKind.Relative))).Select(row => new ShownJob(
            Guid.Parse(row.Groups["id"].Value), row.Groups["state"].Value,
            int.Parse(row.Groups["attempts"].Value, CultureInfo.InvariantCulture), row.Groups["text"].Value))];

    /// <summary>Waits until a condition of the jobs holds.</summary>
    public async Task<IReadOnlyList<ShownJob>> UntilAsync(Func<IReadOnlyList<ShownJob>, bool> condition, CancellationToken cancellationToken)
    {
        while (true)
        {
            var jobs = await ReadAsync();
            if (condition(jobs))
            {
                return jobs;
            }

            await Task.Delay(50, cancellationToken);
        }
    }

    /// <summary>Writes posts, each an event and a stream of its own, and waits until the read model has them.</summary>
    public static async Task CreatePostsAsync(string grpcAddress, int count)
    {
        using var channel = GrpcChannel.ForAddress(grpcAddress);
        var commands = new PostCommandService.PostCommandServiceClient(channel);
        var created = await Task.WhenAll(Enumerable.Range(0, count).Select(number => commands.CreatePostAsync(new CreatePostRequest
        {
            Title = $"Post {number}",
            Content = "A job has something to do.",
            Author = "Ada",
        }).ResponseAsync));
        await new PostQueryService.PostQueryServiceClient(channel).ListPostsAsync(new ListPostsRequest { ConsistencyToken = created[^1].ConsistencyToken });
    }

    [GeneratedRegex("name=\"__RequestVerificationToken\" value=\"(?<token>[^\"]+)\"", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Token();

    [GeneratedRegex("<tr data-job=\"(?<id>[^\"]+)\" data-state=\"(?<state>[^\"]+)\">(?<text>.*?)<td class=\"attempts\">(?<attempts>\\d+)</td></tr>", RegexOptions.ExplicitCapture | RegexOptions.Singleline, 1_000)]
    private static partial Regex Row();
}

using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace GrpcCqrs.Storage.Tests;

/// <summary>A workload in a process of its own: this assembly, started again.</summary>
public static class WriterProcess
{
    private const string Verb = "write";

    /// <summary>Runs the workload on a store in another process and returns what its callers were told.</summary>
    public static async Task<Answers> RunAsync(IReadOnlyDictionary<string, string?> settings, string name, int writers, int rounds)
    {
        using var process = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                typeof(WriterProcess).Assembly.Location, Verb, JsonSerializer.Serialize(settings), name,
                writers.ToString(CultureInfo.InvariantCulture), rounds.ToString(CultureInfo.InvariantCulture),
            },
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var errors = process.StandardError.ReadToEndAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<Answers>(output)!
            : throw new InvalidOperationException($"The writer process ended with {process.ExitCode}: {await errors}");
    }

    /// <summary>The other process.</summary>
    public static async Task<int> Main(string[] args)
    {
        if (args is not [Verb, var settings, var name, var writers, var rounds])
        {
            await Console.Error.WriteLineAsync("These are tests: run them with dotnet test.");
            return 1;
        }

        await using var store = await StoreHarness.StartAsync(JsonSerializer.Deserialize<Dictionary<string, string?>>(settings)!);
        var answers = await Workload.RunAsync(
            store.Store, name, int.Parse(writers, CultureInfo.InvariantCulture), int.Parse(rounds, CultureInfo.InvariantCulture));
        await Console.Out.WriteLineAsync(JsonSerializer.Serialize(answers));
        return 0;
    }
}

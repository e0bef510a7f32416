using System.Diagnostics;
using System.Globalization;
using System.Text.Json;

namespace GrpcCqrs.Storage.Tests;

/// <summary>A workload in a process of its own: this assembly, started again.</summary>
public sealed class WriterProcess : IDisposable
{
    private const string Verb = "write";
    private const string Ready = "ready";
    private readonly Process process;

    private WriterProcess(Process process) => this.process = process;

    /// <summary>Starts a process and waits until it has opened the store.</summary>
    public static async Task<WriterProcess> StartAsync(IReadOnlyDictionary<string, string?> settings, string name, int writers, int rounds)
    {
        var started = Process.Start(new ProcessStartInfo("dotnet")
        {
            ArgumentList =
            {
                typeof(WriterProcess).Assembly.Location, Verb, JsonSerializer.Serialize(settings), name,
                writers.ToString(CultureInfo.InvariantCulture), rounds.ToString(CultureInfo.InvariantCulture),
            },
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        return await started.StandardOutput.ReadLineAsync() == Ready
            ? new WriterProcess(started)
            : throw new InvalidOperationException($"The writer process did not start: {await started.StandardError.ReadToEndAsync()}");
    }

    /// <summary>Has it run the workload, and returns what its callers were told.</summary>
    public async Task<Answers> RunAsync()
    {
        await process.StandardInput.WriteLineAsync();
        await process.StandardInput.FlushAsync();
        var output = await process.StandardOutput.ReadToEndAsync();
        await process.WaitForExitAsync();
        return process.ExitCode == 0
            ? JsonSerializer.Deserialize<Answers>(output)!
            : throw new InvalidOperationException($"The writer process ended with {process.ExitCode}: {await process.StandardError.ReadToEndAsync()}");
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
        await Console.Out.WriteLineAsync(Ready);
        await Console.In.ReadLineAsync();
        var answers = await Workload.RunAsync(
            store.Store, name, int.Parse(writers, CultureInfo.InvariantCulture), int.Parse(rounds, CultureInfo.InvariantCulture));
        await Console.Out.WriteLineAsync(JsonSerializer.Serialize(answers));
        return 0;
    }

    public void Dispose()
    {
        if (!process.HasExited)
        {
            process.Kill();
        }

        process.Dispose();
    }
}

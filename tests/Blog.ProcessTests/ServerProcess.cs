using System.Diagnostics;
using System.Globalization;
using System.Reflection;
using System.Text;
using System.Text.RegularExpressions;
using System.Threading.Channels;

namespace Blog.ProcessTests;

/// <summary>The Blog service in a process of its own, on free loopback ports.</summary>
internal sealed partial class ServerProcess : IAsyncDisposable
{
    private static readonly TimeSpan StartLimit = TimeSpan.FromMinutes(2);

    private readonly Process process;
    private readonly StringBuilder output = new();
    private bool isFrozen;

    private ServerProcess(Process process) => this.process = process;

    public string GrpcAddress { get; private set; } = "";

    /// <summary>The address for HTTP/1.1; empty for a server that has told one address only.</summary>
    public string HttpAddress { get; private set; } = "";

    /// <summary>The id of the process, which tools such as profilers know it by.</summary>
    public int Id => process.Id;

    /// <summary>The processor time that the server has taken, user and kernel.</summary>
    public TimeSpan CpuTime
    {
        get
        {
            process.Refresh();
            return process.TotalProcessorTime;
        }
    }

    /// <summary>The memory that the server has resident now, in bytes.</summary>
    public long ResidentBytes
    {
        get
        {
            process.Refresh();
            return process.WorkingSet64;
        }
    }

    public string Output
    {
        get
        {
            lock (output)
            {
                return output.ToString();
            }
        }
    }

    /// <summary>The next version of the service.</summary>
    public static string NextProgram => ProgramOf("BlogNextVersion");

    private static string Program => ProgramOf("BlogServer");

    /// <summary>What the operator's command <c>verify</c> prints last.</summary>
    public static async Task<string> VerifyAsync(string dataDirectory, params IEnumerable<string> settings)
    {
        using var verify = Process.Start(new ProcessStartInfo(
            "dotnet", [Program, "verify", $"--Storage:Directory={dataDirectory}", "--Logging:LogLevel:Default=Warning", .. settings])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
        })!;
        using var limit = new CancellationTokenSource(StartLimit);
        var printed = await verify.StandardOutput.ReadToEndAsync(limit.Token);
        await verify.WaitForExitAsync(limit.Token);
        return printed.Trim().Split('\n')[^1];
    }

    /// <summary>Starts the service and kills it after a time, wherever its start has come to.</summary>
    public static async Task KillWhileStartingAsync(string dataDirectory, TimeSpan after, params IEnumerable<string> settings)
    {
        var startInfo = StartInfo(dataDirectory, null, settings);
        startInfo.RedirectStandardOutput = true;
        startInfo.RedirectStandardError = true;
        using var starting = Process.Start(startInfo)!;
        await Task.Delay(after);
        starting.Kill();
        await starting.WaitForExitAsync();
    }

    /// <summary>Starts the service and waits until it listens.</summary>
    /// <param name="dataDirectory">Where its embedded databases lie.</param>
    /// <param name="settings">More settings, as on the command line.</param>
    /// <remarks>Unless told otherwise it waits longer for a token than a service would: that a machine is slow is no reason to fail.</remarks>
    public static Task<ServerProcess> StartAsync(string dataDirectory, params IEnumerable<string> settings) =>
        StartAsync(StartInfo(dataDirectory, null, ["--Projections:MaxTokenWait=00:00:30", .. settings]), addresses: 2);

    /// <summary>Starts a server of any kind and waits until it has told the addresses that it listens on, the gRPC address first.</summary>
    public static async Task<ServerProcess> StartAsync(ProcessStartInfo startInfo, int addresses)
    {
        startInfo.UseShellExecute = false;
        startInfo.RedirectStandardOutput = true;
        startInfo.RedirectStandardError = true;
        var child = new Process { StartInfo = startInfo };
        var server = new ServerProcess(child);
        var told = Channel.CreateUnbounded<string>();
        child.OutputDataReceived += (_, e) => server.Read(e.Data, told.Writer);
        child.ErrorDataReceived += (_, e) => server.Read(e.Data, told.Writer);
        child.Start();
        child.BeginOutputReadLine();
        child.BeginErrorReadLine();
        using var limit = new CancellationTokenSource(StartLimit);
        try
        {
            // The endpoints are bound, and so reported, in the order of their configuration: gRPC first.
            server.GrpcAddress = await told.Reader.ReadAsync(limit.Token);
            for (var more = 1; more < addresses; more++)
            {
                server.HttpAddress = await told.Reader.ReadAsync(limit.Token);
            }

            return server;
        }
        catch (Exception exception)
        {
            await server.DisposeAsync();
            throw new InvalidOperationException($"The server did not start:\n{server.Output}", exception);
        }
    }

    /// <summary>How the service is started.</summary>
    /// <param name="dataDirectory">Where its embedded databases lie.</param>
    /// <param name="program">Another build of it; null for the one that was built with this assembly.</param>
    /// <param name="settings">More settings, as on the command line.</param>
    public static ProcessStartInfo StartInfo(string dataDirectory, string? program = null, params IEnumerable<string> settings) => new("dotnet",
    [
        program ?? Program, $"--Storage:Directory={dataDirectory}", "--Endpoints:Grpc=http://127.0.0.1:0", "--Endpoints:Http=http://127.0.0.1:0",
        .. settings,
    ]);

    /// <summary>SIGKILL: nothing is flushed, nobody is told.</summary>
    public async Task KillAsync()
    {
        process.Kill();
        await process.WaitForExitAsync();
    }

    /// <summary>SIGSTOP: the process does nothing more but keeps all that it has, connections and locks above all. Returns when it stands still.</summary>
    public async Task FreezeAsync()
    {
        isFrozen = true;
        await SignalAsync("STOP");
        using var limit = new CancellationTokenSource(StartLimit);
        while (!(await File.ReadAllTextAsync($"/proc/{process.Id}/status", limit.Token)).Contains("State:\tT", StringComparison.Ordinal))
        {
            await Task.Delay(5, limit.Token);
        }
    }

    /// <summary>SIGCONT: the process goes on as if no time had passed.</summary>
    public async Task ThawAsync()
    {
        await SignalAsync("CONT");
        isFrozen = false;
    }

    public async ValueTask DisposeAsync()
    {
        if (!process.HasExited)
        {
            if (isFrozen)
            {
                await ThawAsync();
            }

            await KillAsync();
        }

        process.Dispose();
    }

    private static string ProgramOf(string key) =>
        typeof(ServerProcess).Assembly.GetCustomAttributes<AssemblyMetadataAttribute>().Single(a => a.Key == key).Value!;

    private async Task SignalAsync(string signal)
    {
        using var kill = Process.Start("kill", [$"-{signal}", process.Id.ToString(CultureInfo.InvariantCulture)]);
        await kill.WaitForExitAsync();
        if (kill.ExitCode != 0)
        {
            throw new InvalidOperationException($"SIG{signal} did not reach process {process.Id}.");
        }
    }

    private void Read(string? line, ChannelWriter<string> addresses)
    {
        if (line is null)
        {
            addresses.TryComplete();
            return;
        }

        lock (output)
        {
            output.AppendLine(line);
        }

        if (Listening().Match(line) is { Success: true } match)
        {
            addresses.TryWrite(match.Groups["address"].Value);
        }
    }

    [GeneratedRegex(@"Now listening on: (?<address>http://\S+)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Listening();
}

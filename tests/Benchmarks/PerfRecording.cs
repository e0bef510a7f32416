using System.ComponentModel;
using System.Diagnostics;
using System.Globalization;
using System.Runtime.InteropServices;
using System.Text.RegularExpressions;

namespace Benchmarks;

/// <summary>A function on a stack.</summary>
/// <param name="Function">Its name, <c>[unknown]</c> where <c>perf</c> knows none.</param>
/// <param name="Binary">The file that its code is in.</param>
internal readonly record struct PerfFrame(string Function, string Binary);

/// <summary>What one core did at one moment.</summary>
/// <param name="Thread">The thread's name, 15 characters at most.</param>
/// <param name="Process">The id of the thread's process.</param>
/// <param name="Frames">Its stack, the innermost function first.</param>
internal sealed record PerfSample(string Thread, int Process, IReadOnlyList<PerfFrame> Frames);

/// <summary>A stretch of time, in stopwatch ticks.</summary>
[StructLayout(LayoutKind.Auto)]
internal readonly record struct Window(long From, long To)
{
    public TimeSpan Length => Stopwatch.GetElapsedTime(From, To);
}

/// <summary>
/// What <c>perf</c> records of the whole machine, so that the client, the service and a database server are all seen, from when it
/// started until it is stopped.
/// </summary>
internal sealed partial class PerfRecording : IDisposable
{
    /// <summary>Looks a second at each core that has something to do: no divisor of what timers beat at, and cheap.</summary>
    public const int LooksPerSecond = 499;

    /// <summary>As many as the kernel takes of a stack by default.</summary>
    private const int MostFrames = 127;

    /// <summary>Room for some seconds of each core, should <c>perf</c> not get its turn on a machine that is full.</summary>
    private const int BufferPages = 2_048;

    private const string Started = "started";

    private readonly DirectoryInfo directory = Directory.CreateTempSubdirectory("grpccqrs-perf-");
    private readonly string namesFile;
    private readonly Process perf;
    private readonly Task<string> errors;

    private PerfRecording(int service)
    {
        namesFile = $"/tmp/perf-{service}.map";

        // The clock is the stopwatch's. It ends with its input, which ends with this process should that be killed. What it would
        // note of the binaries it saw, and copy to the home directory, is of no use here.
        string[] arguments =
        [
            "record", "-a", "-F", $"{LooksPerSecond}", "-g", "-k", "CLOCK_MONOTONIC", "-m", $"{BufferPages}", "-B", "-N", "-o", DataFile,
            "--", "sh", "-c", $"echo {Started}; exec cat",
        ];
        perf = Process.Start(new ProcessStartInfo("perf", arguments)
        {
            UseShellExecute = false,
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        errors = perf.StandardError.ReadToEndAsync();
    }

    /// <summary>Whether the machine has <c>perf</c>.</summary>
    public static bool IsInstalled
    {
        get
        {
            try
            {
                using var version = Process.Start(new ProcessStartInfo("perf", ["--version"]) { UseShellExecute = false, RedirectStandardOutput = true })!;
                version.WaitForExit();
                return version.ExitCode == 0;
            }
            catch (Win32Exception)
            {
                return false;
            }
        }
    }

    private string DataFile => Path.Combine(directory.FullName, "perf.data");

    /// <summary>Starts, and waits until something is recorded.</summary>
    /// <param name="service">The process that writes the names of its compiled functions to a file, which is gone with the recording.</param>
    public static async Task<PerfRecording> StartAsync(int service)
    {
        var recording = new PerfRecording(service);
        if (await recording.perf.StandardOutput.ReadLineAsync() != Started)
        {
            using (recording)
            {
                throw new InvalidOperationException($"perf records nothing: {await recording.errors}");
            }
        }

        return recording;
    }

    public async Task StopAsync()
    {
        perf.StandardInput.Close();
        await perf.WaitForExitAsync();
        if (perf.ExitCode != 0)
        {
            throw new InvalidOperationException($"perf failed: {await errors}");
        }
    }

    /// <summary>Reads what was recorded in some stretches of time. It can be several times as large as the memory it should take.</summary>
    public async IAsyncEnumerable<PerfSample> ReadAsync(IReadOnlyList<Window> windows)
    {
        using var script = Process.Start(new ProcessStartInfo(
            "perf", ["script", "-i", DataFile, "--ns", "--no-inline", "-F", "comm,pid,tid,time,ip,sym,dso"])
        {
            UseShellExecute = false,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
        })!;
        var complaints = script.StandardError.ReadToEndAsync();
        PerfSample? sample = null;
        List<PerfFrame> frames = [];
        while (await script.StandardOutput.ReadLineAsync() is { } line)
        {
            if (line.Length == 0)
            {
                if (sample is not null)
                {
                    yield return sample;
                }

                sample = null;
            }
            else if (line[0] == '\t')
            {
                if (sample is not null && frames.Count < MostFrames)
                {
                    frames.Add(Frame(line.AsSpan().Trim()));
                }
            }
            else if (Head().Match(line) is { Success: true } head && IsIn(windows, head))
            {
                frames = [];
                sample = new PerfSample(head.Groups["thread"].Value, int.Parse(head.Groups["process"].ValueSpan, CultureInfo.InvariantCulture), frames);
            }
        }

        await script.WaitForExitAsync();
        if (script.ExitCode != 0)
        {
            throw new InvalidOperationException($"perf cannot read what it recorded: {await complaints}");
        }
    }

    public void Dispose()
    {
        perf.StandardInput.Dispose();
        perf.WaitForExit();
        perf.Dispose();
        directory.Delete(recursive: true);
        File.Delete(namesFile);
    }

    private static bool IsIn(IReadOnlyList<Window> windows, Match head)
    {
        var ticks = (long)(decimal.Parse(head.Groups["seconds"].ValueSpan, CultureInfo.InvariantCulture) * Stopwatch.Frequency);
        return windows.Any(window => window.From <= ticks && ticks < window.To);
    }

    // An address, a name that may hold blanks, and the binary in brackets.
    private static PerfFrame Frame(ReadOnlySpan<char> line)
    {
        line = line[(line.IndexOf(' ') + 1)..].TrimEnd(')');
        var bracket = line.LastIndexOf(" (");
        if (bracket > 0 && line[bracket..].SequenceEqual(" (deleted"))
        {
            line = line[..bracket];
            bracket = line.LastIndexOf(" (");
        }

        return bracket < 0 ? new PerfFrame(line.ToString(), "[unknown]") : new PerfFrame(line[..bracket].ToString(), line[(bracket + 2)..].ToString());
    }

    [GeneratedRegex(@"^\s*(?<thread>.*?)\s+(?<process>-?\d+)/-?\d+\s+(?<seconds>\d+\.\d+):", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Head();
}

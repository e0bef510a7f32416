using System.Diagnostics;
using System.Globalization;

namespace Benchmarks;

/// <summary>Runs a load unmeasured until the runtimes of both sides have compiled what is hot in it.</summary>
internal static class WarmUp
{
    /// <summary>How often at most, should the compiler never rest.</summary>
    private const int MostRounds = 15;

    /// <summary>So little of one core that it does not blur a profile.</summary>
    private const double RestingCompiler = 0.03;

    private static readonly TimeSpan RoundLength = TimeSpan.FromSeconds(3);

    /// <summary>Runs it.</summary>
    /// <param name="service">The service's process; the other side is this one.</param>
    /// <param name="run">Runs the load for about as long as it is told.</param>
    public static async Task RunAsync(int service, Func<TimeSpan, Task> run)
    {
        for (var round = 0; round < MostRounds; round++)
        {
            var (clock, before) = (Stopwatch.StartNew(), CompilerTimes(service));
            await run(RoundLength);
            var spent = CompilerTimes(service).Sum(thread => (thread.Value - before.GetValueOrDefault(thread.Key)).TotalSeconds);
            if (round > 0 && spent < RestingCompiler * clock.Elapsed.TotalSeconds)
            {
                return;
            }
        }
    }

    /// <summary>The processor times of the threads that compile, which end when they have had nothing to do for some seconds.</summary>
    private static Dictionary<string, TimeSpan> CompilerTimes(int service)
    {
        var times = new Dictionary<string, TimeSpan>(StringComparer.Ordinal);
        foreach (var thread in new[] { service, Environment.ProcessId }.SelectMany(process => Directory.GetDirectories($"/proc/{process}/task")))
        {
            try
            {
                if (File.ReadAllText($"{thread}/comm").StartsWith(".NET Tiered", StringComparison.Ordinal))
                {
                    times[thread] = ProcessorTime(File.ReadAllText($"{thread}/stat"));
                }
            }
            catch (IOException)
            {
                // It has ended meanwhile.
            }
        }

        return times;
    }

    // User and kernel time are the 12th and 13th fields behind the name in brackets, in hundredths of a second.
    private static TimeSpan ProcessorTime(string stat)
    {
        var fields = stat.Split(") ")[^1].Split(' ');
        return TimeSpan.FromMilliseconds(10 * (int.Parse(fields[11], CultureInfo.InvariantCulture) + int.Parse(fields[12], CultureInfo.InvariantCulture)));
    }
}

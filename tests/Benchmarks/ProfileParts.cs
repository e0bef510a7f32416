using System.Text.RegularExpressions;

namespace Benchmarks;

/// <summary>
/// What a sample is told by: whose work it was, what kind of code ran, and the system call it was in. SQLite and the C library keep
/// no frame pointers, so that a stack often ends in them; what ran on a pool thread then is only known to have run there.
/// </summary>
internal static partial class ProfileParts
{
    /// <summary>What has nothing to do with the load, but for <c>perf</c>.</summary>
    public const string OtherProcesses = "other processes";

    private const string Client = "client";
    private const string PostgreSql = "PostgreSQL";
    private const string AppendWriter = "append writer";
    private const string Projections = "projections";
    private const string Pipeline = "gRPC and pipeline";
    private const string Waiting = "pool threads, waiting";
    private const string StackLost = "pool threads, stack lost";
    private const string Driver = "pool threads, Npgsql";
    private const string GarbageCollection = "garbage collection";
    private const string Compiler = "compiler";
    private const string Sockets = "sockets";
    private const string Rest = "rest of the service";
    private const string KernelThreads = "kernel threads";

    private const string Kernel = "kernel";
    private const string DotNet = ".NET code";
    private const string Other = "other";

    /// <summary>All parts, as a table lists them.</summary>
    public static readonly string[] All =
    [
        Client, AppendWriter, Projections, Pipeline, Waiting, StackLost, Driver, GarbageCollection, Compiler, Sockets, Rest,
        PostgreSql, KernelThreads, OtherProcesses,
    ];

    /// <summary>All kinds of code.</summary>
    public static readonly string[] Kinds = ["SQLite", DotNet, "runtime", "C library", Kernel, "crypto", Other];

    /// <summary>Whose work it was; null for nobody's, an idle core.</summary>
    public static string? PartOf(PerfSample sample, int service) => sample switch
    {
        { Process: 0 } => null,
        { Process: var process } when process == Environment.ProcessId => Client,
        { Process: var process } when process == service => PartOfService(sample),
        { Thread: "postgres" } => PostgreSql,
        { Frames: var frames } when frames.Any(frame => frame.Function is "kthread") => KernelThreads,
        _ => OtherProcesses,
    };

    /// <summary>What kind of code the innermost function is.</summary>
    public static string KindOf(PerfSample sample)
    {
        if (sample.Frames.Count == 0)
        {
            return Other;
        }

        var name = Path.GetFileName(sample.Frames[0].Binary);
        return name switch
        {
            _ when IsKernel(sample.Frames[0]) => Kernel,
            _ when IsManaged(sample.Frames[0]) => DotNet,
            _ when name.StartsWith("libe_sqlite3", StringComparison.Ordinal) => "SQLite",
            _ when RuntimeFiles().IsMatch(name) => "runtime",
            _ when LibraryFiles().IsMatch(name) => "C library",
            _ when name.StartsWith("libssl", StringComparison.Ordinal) || name.StartsWith("libcrypto", StringComparison.Ordinal) => "crypto",
            _ => Other,
        };
    }

    /// <summary>The system call that it was in, or what else the kernel did; null where it was not in the kernel.</summary>
    public static string? CallOf(PerfSample sample)
    {
        if (sample.Frames.Count == 0 || !IsKernel(sample.Frames[0]))
        {
            return null;
        }

        var kernel = sample.Frames.TakeWhile(IsKernel).Select(frame => frame.Function).ToArray();
        if (Array.FindLast(kernel, function => SystemCall().IsMatch(function)) is { } call)
        {
            return SystemCall().Match(call).Groups["name"].Value;
        }

        // At the very entrance, only the library's function tells which call it is.
        return kernel switch
        {
            _ when kernel.Any(function => function.EndsWith("exc_page_fault", StringComparison.Ordinal)) => "page fault",
            _ when kernel.Any(function => function.StartsWith("asm_sysvec", StringComparison.Ordinal)) => "interrupt",
            _ when kernel.Contains("ret_from_fork") => "kernel thread",
            _ when kernel.Length < sample.Frames.Count => CallBehind(sample.Frames[kernel.Length].Function),
            _ => kernel[0],
        };
    }

    private static string PartOfService(PerfSample sample)
    {
        var thread = sample.Thread;
        return thread switch
        {
            _ when thread.StartsWith("append-wr", StringComparison.Ordinal) => AppendWriter,
            _ when thread.StartsWith(".NET TP", StringComparison.Ordinal) => PartOfPool(sample.Frames),
            _ when thread.StartsWith(".NET Server GC", StringComparison.Ordinal) || thread.StartsWith(".NET BGC", StringComparison.Ordinal) => GarbageCollection,
            _ when thread.StartsWith(".NET Tiered", StringComparison.Ordinal) => Compiler,
            _ when thread.StartsWith(".NET Sockets", StringComparison.Ordinal) => Sockets,
            _ => Rest,
        };
    }

    // A projection calls what is the service's, so that its own code is looked for first. With PostgreSQL, the append writer goes on here.
    private static string PartOfPool(IReadOnlyList<PerfFrame> frames) => frames switch
    {
        _ when Any(frames, ProjectionCode()) => Projections,
        _ when Any(frames, WriterCode()) => AppendWriter,
        _ when Any(frames, BackgroundCode()) => Rest,
        _ when Any(frames, PipelineCode()) => Pipeline,
        _ when Any(frames, DriverCode()) => Driver,
        _ when Any(frames, SocketCode()) => Pipeline,
        _ when Any(frames, WaitingCode()) => Waiting,
        _ when !frames.Any(IsManaged) => StackLost,
        _ => Rest,
    };

    // Code that was compiled ahead of time has no names here, but its file has one.
    private static bool Any(IReadOnlyList<PerfFrame> frames, Regex code) =>
        frames.Any(frame => code.IsMatch(frame.Function) || (frame.Binary.EndsWith(".dll", StringComparison.Ordinal) && code.IsMatch(Path.GetFileName(frame.Binary))));

    private static bool IsKernel(PerfFrame frame) =>
        frame.Binary.StartsWith('[') && frame.Binary is not "[unknown]" && !frame.Binary.StartsWith("[JIT]", StringComparison.Ordinal);

    // Of a process without a map of what was compiled, compiled code is memory without a name.
    private static bool IsManaged(PerfFrame frame) => ManagedFiles().IsMatch(frame.Binary);

    private static string CallBehind(string function)
    {
        var name = Decoration().Replace(function, "");
        return name switch
        {
            "[unknown]" => "not named",
            "llseek" => "lseek",
            "send" => "sendto",
            "recv" => "recvfrom",
            _ when name.Contains("futex", StringComparison.Ordinal) || name.Contains("cond", StringComparison.Ordinal) || name.Contains("lll_lock", StringComparison.Ordinal) => "futex",
            _ when name.Contains("fcntl", StringComparison.Ordinal) => "fcntl",
            _ => name,
        };
    }

    [GeneratedRegex(@"ProjectionRunner|Projector|FoldBatch|RowTable|CountTable|ProjectionTables|SearchIndex|Rebuilder", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex ProjectionCode();

    [GeneratedRegex(@"AppendWriter|AppendSession|AppendRows|AppendPlanner|HashChain", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex WriterCode();

    [GeneratedRegex(@"FeedTail|CommitWatcher|Hangfire", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex BackgroundCode();

    [GeneratedRegex(@"Kestrel|Grpc|Blog|Benchmarks|CommandBus|QueryBus|AggregateStore|Dapper|Microsoft\.AspNetCore", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex PipelineCode();

    [GeneratedRegex(@"Npgsql", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex DriverCode();

    [GeneratedRegex(@"System\.Net\.Sockets", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex SocketCode();

    [GeneratedRegex(@"sched_yield|LowLevelLifoSemaphore|PortableThreadPool|futex_abstimed_wait|pthread_cond_(timed)?wait", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex WaitingCode();

    [GeneratedRegex(@"^lib(coreclr|clrjit|clrgc|hostfxr|hostpolicy|System\.)", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex RuntimeFiles();

    [GeneratedRegex(@"^(libc|libm|libpthread|librt|libdl|libstdc\+\+|libgcc_s|ld-linux[^.]*)\.", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex LibraryFiles();

    [GeneratedRegex(@"\.dll$|/perf-\d+\.map$|^\[JIT\]|^//anon$|doublemapper", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex ManagedFiles();

    [GeneratedRegex(@"^(__x64_sys_|__arm64_sys_|ksys_)(?<name>\w+)$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex SystemCall();

    [GeneratedRegex(@"@.*$|^_*(GI_+)?(libc_)?", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex Decoration();
}

using System.Diagnostics;
using System.Globalization;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.Readers;

/// <summary>
/// Names lease holders so that a process on the same machine can tell that a holder has died. A process may run several
/// hosts, as tests do; each has its own name.
/// </summary>
internal static class LeaseHolder
{
    private static readonly string Host = HostName();

    /// <summary>A new holder name for this process: host, process id, process start time, and a unique part.</summary>
    public static string NewName()
    {
        using var process = Process.GetCurrentProcess();
        var name = string.Create(CultureInfo.InvariantCulture, $"{Host}/{process.Id}/{StartOf(process)}/{Guid.CreateVersion7():N}");
        return name[^Math.Min(name.Length, ColumnWidths.User)..];
    }

    /// <summary>
    /// Whether the holder was a process on this machine that has ended, so that a restart after a crash does not have
    /// to wait for the lease to expire. False if this cannot be determined.
    /// </summary>
    public static bool HasDied(string holder)
    {
        var parts = holder.Split('/');
        if (parts.Length != 4 || parts[0] != Host
            || !int.TryParse(parts[1], CultureInfo.InvariantCulture, out var id) || !long.TryParse(parts[2], CultureInfo.InvariantCulture, out var started))
        {
            return false;
        }

        try
        {
            using var process = Process.GetProcessById(id);
            return StartOf(process) != started;
        }
        catch (Exception exception) when (exception is ArgumentException or InvalidOperationException)
        {
            return true;
        }
        catch (Exception exception) when (exception is IOException or UnauthorizedAccessException or System.ComponentModel.Win32Exception)
        {
            // The start time cannot be read now; a live holder must keep its lease.
            return false;
        }
    }

    /// <summary>
    /// When a process started, as a number that every process on the machine reads identically. On Linux the runtime's
    /// StartTime is not: each process adds its own estimate of the boot time, so two readings differ by a fraction of a
    /// second, and each process would take the other for a dead one whose id was reused. The kernel's own count is
    /// exact.
    /// </summary>
    private static long StartOf(Process process)
    {
        if (!OperatingSystem.IsLinux())
        {
            return process.StartTime.ToUniversalTime().Ticks;
        }

        // proc(5): the process name, which may contain anything, is the second field; the start time is the
        // twenty-second.
        var stat = File.ReadAllText(string.Create(CultureInfo.InvariantCulture, $"/proc/{process.Id}/stat"));
        return long.Parse(stat[(stat.LastIndexOf(')') + 2)..].Split(' ')[22 - 3], CultureInfo.InvariantCulture);
    }

    /// <summary>
    /// The machine name and, on Linux, its boot id and pid namespace, which distinguish machines or containers that
    /// share a host name.
    /// </summary>
    private static string HostName()
    {
        var space = File.ResolveLinkTarget("/proc/self/ns/pid", returnFinalTarget: false)?.Name ?? "";
        const string boot = "/proc/sys/kernel/random/boot_id";
        return $"{Environment.MachineName}{space}{(File.Exists(boot) ? File.ReadAllText(boot).Trim() : "")}".Replace('/', '_');
    }
}

using System.Diagnostics;
using System.Globalization;

namespace GrpcCqrs.Storage.Tests;

/// <summary>A private PostgreSQL server from Debian's binaries, for tests and benchmarks. It ends with this process.</summary>
internal static class PostgreSqlCluster
{
    private const string Installed = "/usr/lib/postgresql";

    // The cluster lives for as long as this process holds the other end of its standard input, so that it ends however the tests end.
    private const string ClusterScript =
        """
        set -e
        dir=$(mktemp -d /tmp/grpccqrs-postgresql-XXXXXX)
        trap 'rm -rf "$dir"' EXIT
        "$0/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 --no-sync >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
        "$0/postgres" -D "$dir/data" -c listen_addresses= -c unix_socket_directories="$dir" -c max_connections=300 "$@" >"$dir/log" 2>&1 &
        until "$0/pg_isready" -q -h "$dir"; do kill -0 $! || { cat "$dir/log" >&2; exit 1; }; sleep 0.1; done
        echo "$dir"
        cat >/dev/null
        kill -QUIT $!
        wait $! || true
        """;

    /// <summary>
    /// Nothing here cuts the power, which is all that a flush protects from: a killed service, session or server loses nothing without.
    /// </summary>
    public static IReadOnlyList<string> WithoutFlushes { get; } = ["-c", "fsync=off", "-c", "full_page_writes=off"];

    /// <summary>The binaries of the newest version that is installed; null where there is none.</summary>
    public static string? FindBinaries() => !Directory.Exists(Installed)
        ? null
        : Directory.GetDirectories(Installed)
            .OrderByDescending(version => double.Parse(Path.GetFileName(version), CultureInfo.InvariantCulture))
            .Select(version => Path.Combine(version, "bin")).FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")));

    /// <summary>Starts a server and returns a connection string that may create databases.</summary>
    /// <param name="binaries">Where its binaries are.</param>
    /// <param name="isDurable">Whether it flushes to the disk, as in production.</param>
    public static string Start(string binaries, bool isDurable)
    {
        // The server refuses to run as root; Debian's package made a user for it.
        string[] script = ["bash", "-c", ClusterScript, binaries, .. isDurable ? [] : WithoutFlushes];
        string[] command = Environment.UserName == "root" ? ["runuser", "-u", "postgres", "--", .. script] : script;
        var process = Process.Start(new ProcessStartInfo(command[0], command[1..])
        {
            RedirectStandardInput = true,
            RedirectStandardOutput = true,
            RedirectStandardError = true,
            UseShellExecute = false,
            WorkingDirectory = "/",
        })!;
        if (process.StandardOutput.ReadLine() is not { Length: > 0 } directory)
        {
            throw new InvalidOperationException($"PostgreSQL did not start: {process.StandardError.ReadToEnd()}");
        }

        AppDomain.CurrentDomain.ProcessExit += (_, _) =>
        {
            process.StandardInput.Close();
            process.WaitForExit(TimeSpan.FromSeconds(10));
        };
        return $"Host={directory};Username=postgres;Database=postgres";
    }
}

using System.Diagnostics;
using System.Globalization;

namespace GrpcCqrs.Storage.Tests;

/// <summary>
/// A PostgreSQL server for tests and benchmarks: the one that GRPCCQRS_POSTGRESQL leads to (a connection string that may create
/// databases), else a private one from Debian's binaries, which ends with this process.
/// </summary>
internal static class PostgreSqlCluster
{
    // The cluster lives for as long as somebody holds the other end of its standard input, so that it ends however the tests end.
    private const string ClusterScript =
        """
        set -e
        dir=$(mktemp -d /tmp/grpccqrs-postgresql-XXXXXX)
        trap 'rm -rf "$dir"' EXIT
        "$0/initdb" -D "$dir/data" -A trust -U postgres -E UTF8 --locale=C.UTF-8 >"$dir/log" 2>&1 || { cat "$dir/log" >&2; exit 1; }
        "$0/postgres" -D "$dir/data" -c listen_addresses= -c unix_socket_directories="$dir" -c max_connections=300 >"$dir/log" 2>&1 &
        until "$0/pg_isready" -q -h "$dir"; do kill -0 $! || { cat "$dir/log" >&2; exit 1; }; sleep 0.1; done
        echo "$dir"
        cat >/dev/null
        kill -INT $!
        wait $! || true
        """;

    private static readonly Lazy<string?> Shared = new(FindOrStart);

    /// <summary>A connection string that may create databases; null where there is no server to be had.</summary>
    public static string? AdminConnectionString => Shared.Value;

    private static string? FindOrStart()
    {
        if (Environment.GetEnvironmentVariable("GRPCCQRS_POSTGRESQL") is { Length: > 0 } configured)
        {
            return configured;
        }

        const string Installed = "/usr/lib/postgresql";
        var newest = !Directory.Exists(Installed)
            ? null
            : Directory.GetDirectories(Installed)
                .OrderByDescending(version => double.Parse(Path.GetFileName(version), CultureInfo.InvariantCulture))
                .Select(version => Path.Combine(version, "bin")).FirstOrDefault(bin => File.Exists(Path.Combine(bin, "initdb")));
        return newest is null ? null : $"Host={Start(newest)};Username=postgres;Database=postgres";
    }

    /// <summary>Starts a cluster, with fsync as in production, and returns the directory of its socket.</summary>
    private static string Start(string binaries)
    {
        // The server refuses to run as root; Debian's package made a user for it.
        string[] command = Environment.UserName == "root"
            ? ["runuser", "-u", "postgres", "--", "bash", "-c", ClusterScript, binaries]
            : ["bash", "-c", ClusterScript, binaries];
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
        return directory;
    }
}

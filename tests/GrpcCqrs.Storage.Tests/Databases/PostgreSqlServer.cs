using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>The PostgreSQL server of the specs. Where there is none the specs are skipped, and fail in CI.</summary>
internal static class PostgreSqlServer
{
    /// <summary>A connection string that may create databases.</summary>
    public static string AdminConnectionString
    {
        get
        {
            var found = PostgreSqlCluster.AdminConnectionString;
            var isDemanded = string.Equals(Environment.GetEnvironmentVariable("CI"), "true", StringComparison.OrdinalIgnoreCase);
            Skip.If(found is null && !isDemanded, "Neither GRPCCQRS_POSTGRESQL nor PostgreSQL's binaries in /usr/lib/postgresql are there.");
            return found ?? throw new InvalidOperationException("CI demands PostgreSQL: install postgresql or set GRPCCQRS_POSTGRESQL.");
        }
    }
}

using System.Globalization;
using Microsoft.Data.SqlClient;
using Testcontainers.MsSql;

namespace GrpcCqrs.Storage.Tests;

/// <summary>The SQL Server of the specs.</summary>
internal static class SqlServerInstance
{
    private const string Image = "mcr.microsoft.com/mssql/server:2022-latest";

    private static readonly TestServer Server = new(
        () => IsInvariant
            ? new ServerSource.Missing("SQL Server's driver needs ICU: install libicu and leave DOTNET_SYSTEM_GLOBALIZATION_INVARIANT unset.")
            : ServerSource.Choose("SQL Server", "GRPCCQRS_SQLSERVER", Environment.GetEnvironmentVariable("GRPCCQRS_SQLSERVER"), null, DockerEndpoint.Find),
        _ => DockerEndpoint.Start(new MsSqlBuilder(Image).Build()),
        server =>
        {
            using var connection = new SqlConnection(server);
            connection.Open();
        },
        isDemanded: false);

    /// <summary>A connection string that may create databases.</summary>
    public static string AdminConnectionString => ConnectionStringTo(null);

    /// <summary>A connection string to a database, which waits for a busy server longer than the driver would.</summary>
    public static string ConnectionStringTo(string? database)
    {
        var builder = new SqlConnectionStringBuilder(Server.AdminConnectionString)
        {
            ConnectTimeout = (int)Patience.Limit.TotalSeconds,
            CommandTimeout = (int)Patience.Limit.TotalSeconds,
        };
        builder.InitialCatalog = database ?? builder.InitialCatalog;
        return builder.ConnectionString;
    }

    /// <summary>Without ICU all cultures are the invariant one, or are not there at all.</summary>
    private static bool IsInvariant
    {
        get
        {
            try
            {
                return CultureInfo.GetCultureInfo("en-US").EnglishName.Contains("Invariant", StringComparison.Ordinal);
            }
            catch (CultureNotFoundException)
            {
                return true;
            }
        }
    }
}

using System.Runtime.CompilerServices;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.Sqlite;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;
using Xunit;

namespace Blog.Infrastructure.Tests;

/// <summary>
/// The scripts that the write database's migrations come to are approved in Approved/*.sql, so that a change of the schema shows in the
/// review as what it is on each database. Set GRPCCQRS_APPROVE=1 to write the files anew.
/// </summary>
public sealed class MigrationScriptTests
{
    [Fact]
    public void PostgreSql() =>
        AssertApproved(new PostgreSqlBlogWriteDbContext(Options(new PostgreSqlProvider(), "Host=localhost")));

    [Fact]
    public void Sqlite() =>
        AssertApproved(new SqliteBlogWriteDbContext(Options(new SqliteProvider(), "Data Source=:memory:")));

    [Fact]
    public void SqlServer() =>
        AssertApproved(new SqlServerBlogWriteDbContext(Options(new SqlServerProvider(), "Server=localhost")));

    [Theory]
    [InlineData("PostgreSql", "COLLATE \"C\"")]
    [InlineData("SqlServer", "COLLATE Latin1_General_100_BIN2")]
    public void Every_text_column_compares_byte_for_byte(string provider, string collation)
    {
        var columns = File.ReadLines(FileOf(provider)).Where(line => line.StartsWith("    ", StringComparison.Ordinal) && line.Contains("char", StringComparison.Ordinal))
            .Where(line => !line.Contains("MigrationId", StringComparison.Ordinal) && !line.Contains("ProductVersion", StringComparison.Ordinal)).ToArray();

        Assert.True(columns.Length > 10);
        Assert.All(columns, column => Assert.Contains(collation, column, StringComparison.Ordinal));
    }

    private static void AssertApproved(BlogWriteDbContext context, [CallerMemberName] string provider = "")
    {
        using (context)
        {
            var actual = context.GetService<IMigrator>().GenerateScript().ReplaceLineEndings("\n").TrimEnd() + "\n";
            if (Environment.GetEnvironmentVariable("GRPCCQRS_APPROVE") == "1")
            {
                File.WriteAllText(FileOf(provider), actual);
            }

            Assert.Equal(File.Exists(FileOf(provider)) ? File.ReadAllText(FileOf(provider)) : "", actual);
        }
    }

    private static string FileOf(string provider, [CallerFilePath] string thisFile = "") =>
        Path.Combine(Path.GetDirectoryName(thisFile)!, "Approved", $"{provider}.Migrations.sql");

    private static DbContextOptions Options(DatabaseProvider provider, string connectionString)
    {
        var options = new DbContextOptionsBuilder();
        provider.Configure(options, connectionString);
        return options.Options;
    }
}

using System.Runtime.CompilerServices;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.Sqlite;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.EntityFrameworkCore.Migrations;
using Xunit;
using TransactSql = GrpcCqrs.Storage.Tests.TransactSql;

namespace Blog.Infrastructure.Tests;

/// <summary>
/// The scripts that the migrations come to are approved in Approved/*.sql, so that a change of the schema shows in the
/// review as what it is on each database. Set GRPCCQRS_APPROVE=1 to write the files anew.
/// </summary>
public sealed class MigrationScriptTests
{
    private static readonly DbContextOptions PostgreSqlOptions = Options(new PostgreSqlProvider(), "Host=localhost");
    private static readonly DbContextOptions SqliteOptions = Options(new SqliteProvider(), "Data Source=:memory:");
    private static readonly DbContextOptions SqlServerOptions = Options(new SqlServerProvider(), "Server=localhost");

    [Fact]
    public void PostgreSql() => AssertApproved(new PostgreSqlBlogWriteDbContext(PostgreSqlOptions));

    [Fact]
    public void PostgreSql_Read() => AssertApproved(new PostgreSqlBlogReadDbContext(PostgreSqlOptions));

    [Fact]
    public void Sqlite() => AssertApproved(new SqliteBlogWriteDbContext(SqliteOptions));

    [Fact]
    public void Sqlite_Read() => AssertApproved(new SqliteBlogReadDbContext(SqliteOptions));

    [Fact]
    public void SqlServer() => AssertApproved(new SqlServerBlogWriteDbContext(SqlServerOptions));

    [Fact]
    public void SqlServer_Read() => AssertApproved(new SqlServerBlogReadDbContext(SqlServerOptions));

    /// <summary>SQL Server warns of an index whose keys may be too long, and fails when one is.</summary>
    [Fact]
    public void No_key_can_outgrow_the_1700_bytes_that_an_index_takes_on_SQL_Server()
    {
        using var context = new SqlServerBlogReadDbContext(SqlServerOptions);
        foreach (var entity in context.Model.GetEntityTypes())
        {
            var keys = entity.GetIndexes().Select(index => (index.Properties, Limit: 1_700)).Append((entity.FindPrimaryKey()!.Properties, Limit: 900));
            Assert.All(keys, key => Assert.True(key.Properties.Sum(BytesOf) <= key.Limit, $"{entity.Name}: {string.Join(", ", key.Properties.Select(p => p.Name))}"));
        }

        static int BytesOf(IProperty property) => property.ClrType == typeof(string) ? 2 * (property.GetMaxLength() ?? int.MaxValue / 4) : 16;
    }

    /// <summary>The script for an empty database, the one for a database of any age, and the one that takes all back.</summary>
    [Theory]
    [InlineData(false, null, null)]
    [InlineData(true, null, null)]
    [InlineData(false, null, Migration.InitialDatabase)]
    [InlineData(true, null, Migration.InitialDatabase)]
    public void Every_batch_of_a_script_for_SQL_Server_is_one_of_SQL_Server_2019(bool isIdempotent, string? from, string? to)
    {
        DbContext[] contexts = [new SqlServerBlogWriteDbContext(SqlServerOptions), new SqlServerBlogReadDbContext(SqlServerOptions)];
        foreach (var context in contexts)
        {
            using (context)
            {
                var script = context.GetService<IMigrator>().GenerateScript(
                    to is null ? from : context.Database.GetMigrations().Last(), to, isIdempotent ? MigrationsSqlGenerationOptions.Idempotent : MigrationsSqlGenerationOptions.Default);
                var batches = script.ReplaceLineEndings("\n").Split("\nGO\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
                Assert.NotEmpty(batches);
                Assert.All(batches, batch => Assert.Empty(TransactSql.FaultsOf(batch, [])));
            }
        }
    }

    [Theory]
    [InlineData("PostgreSql", "COLLATE \"C\"")]
    [InlineData("PostgreSql_Read", "COLLATE \"C\"")]
    [InlineData("SqlServer", "COLLATE Latin1_General_100_BIN2")]
    [InlineData("SqlServer_Read", "COLLATE Latin1_General_100_BIN2")]
    public void Every_text_column_compares_byte_for_byte(string provider, string collation)
    {
        var columns = File.ReadLines(FileOf(provider)).Where(line => line.StartsWith("    ", StringComparison.Ordinal) && (line.Contains("char", StringComparison.Ordinal) || line.Contains(" text", StringComparison.Ordinal)))
            .Where(line => !line.Contains("MigrationId", StringComparison.Ordinal) && !line.Contains("ProductVersion", StringComparison.Ordinal)).ToArray();

        Assert.True(columns.Length > 10);
        Assert.All(columns, column => Assert.Contains(collation, column, StringComparison.Ordinal));
    }

    private static void AssertApproved(DbContext context, [CallerMemberName] string provider = "")
    {
        using (context)
        {
            Approval.Verify(FileOf(provider), context.GetService<IMigrator>().GenerateScript().ReplaceLineEndings("\n").TrimEnd() + "\n");
        }
    }

    private static string FileOf(string provider, [CallerFilePath] string thisFile = "") =>
        Path.Combine(Path.GetDirectoryName(thisFile)!, "Approved", $"{provider.Replace('_', '.')}.Migrations.sql");

    private static DbContextOptions Options(DatabaseProvider provider, string connectionString)
    {
        var options = new DbContextOptionsBuilder();
        provider.Configure(options, connectionString);
        return options.Options;
    }
}

using System.Runtime.CompilerServices;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Schema;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Metadata;
using Microsoft.Extensions.Configuration;
using Microsoft.Extensions.DependencyInjection;
using Xunit;
using TransactSql = GrpcCqrs.Storage.Tests.TransactSql;

namespace Blog.Infrastructure.Tests;

/// <summary>
/// What <c>schema --script</c> prints is approved in Approved/*.sql, so that a change of the schema shows in the review as what it is
/// on each database. Set GRPCCQRS_APPROVE=1 to write the files anew.
/// </summary>
public sealed class SchemaScriptTests
{
    public static TheoryData<string> Providers { get; } = ["Sqlite", "PostgreSql", "SqlServer"];

    [Theory]
    [MemberData(nameof(Providers))]
    public void The_script_of_the_write_database_is_approved(string provider) =>
        AssertApproved($"{provider}.Write", With(provider, services => services.GetRequiredService<SchemaScript>().ForWriteDatabase()));

    [Theory]
    [MemberData(nameof(Providers))]
    public void The_script_of_the_read_database_is_approved(string provider) =>
        AssertApproved($"{provider}.Read", With(provider, services => services.GetRequiredService<SchemaScript>().ForReadDatabase(1)));

    [Theory]
    [MemberData(nameof(Providers))]
    public void Another_generation_has_other_names_and_the_same_tables(string provider)
    {
        var (first, twelfth) = With(provider, services =>
        {
            var script = services.GetRequiredService<SchemaScript>();
            return (script.ForReadDatabase(1), script.ForReadDatabase(12));
        });
        Assert.Contains("post_list_g1", first, StringComparison.Ordinal);
        Assert.Equal(first, twelfth.Replace("_g12", "_g1", StringComparison.Ordinal));
    }

    /// <summary>SQL Server warns of an index whose keys may be too long, and fails when one is.</summary>
    [Fact]
    public void No_key_can_outgrow_the_1700_bytes_that_an_index_takes_on_SQL_Server() => With("SqlServer", services =>
    {
        using var context = services.GetRequiredService<ReadDbContext>();
        Assert.Contains(context.Model.GetEntityTypes(), entity => entity.GetTableName() == "post_list");
        foreach (var entity in context.Model.GetEntityTypes())
        {
            var keys = entity.GetIndexes().Select(index => (index.Properties, Limit: 1_700)).Append((entity.FindPrimaryKey()!.Properties, Limit: 900));
            Assert.All(keys, key => Assert.True(key.Properties.Sum(BytesOf) <= key.Limit, $"{entity.Name}: {string.Join(", ", key.Properties.Select(p => p.Name))}"));
        }

        return true;

        static int BytesOf(IProperty property) => property.ClrType == typeof(string) ? 2 * (property.GetMaxLength() ?? int.MaxValue / 4) : 16;
    });

    [Fact]
    public void Every_statement_for_SQL_Server_is_one_of_SQL_Server_2019()
    {
        var script = With("SqlServer", services =>
        {
            var schema = services.GetRequiredService<SchemaScript>();
            return $"{schema.ForWriteDatabase()}\nGO\n{schema.ForReadDatabase(1)}";
        });
        var batches = script.Split("\nGO\n", StringSplitOptions.RemoveEmptyEntries | StringSplitOptions.TrimEntries);
        Assert.NotEmpty(batches);
        Assert.All(batches, batch => Assert.Empty(TransactSql.FaultsOf(batch, [])));
    }

    [Theory]
    [InlineData("PostgreSql", "COLLATE \"C\"")]
    [InlineData("SqlServer", "COLLATE Latin1_General_100_BIN2")]
    public void Every_text_column_compares_byte_for_byte(string provider, string collation)
    {
        string[] columns =
        [
            .. File.ReadLines(FileOf($"{provider}.Write")).Concat(File.ReadLines(FileOf($"{provider}.Read")))
                .Where(line => line.StartsWith("    ", StringComparison.Ordinal) && (line.Contains("char", StringComparison.Ordinal) || line.Contains(" text", StringComparison.Ordinal)))
                .Where(line => !line.Contains("MigrationId", StringComparison.Ordinal) && !line.Contains("ProductVersion", StringComparison.Ordinal)),
        ];

        Assert.True(columns.Length > 20);
        Assert.All(columns, column => Assert.Contains(collation, column, StringComparison.Ordinal));
    }

    private static T With<T>(string provider, Func<IServiceProvider, T> use)
    {
        var connection = provider switch { "Sqlite" => "Data Source=:memory:", "PostgreSql" => "Host=localhost", _ => "Server=localhost" };
        var collection = new ServiceCollection();
        collection.AddSingleton<IConfiguration>(new ConfigurationBuilder().AddInMemoryCollection(new Dictionary<string, string?>(StringComparer.Ordinal)
        {
            ["Storage:Write:Provider"] = provider,
            ["Storage:Write:ConnectionString"] = connection,
            ["Storage:Read:Provider"] = provider,
            ["Storage:Read:ConnectionString"] = connection,
        }).Build());
        collection.AddLogging().AddEventSourcing().AddDatabaseProvider(new ScriptedSqlServer()).AddBlogInfrastructure();
        using var services = collection.BuildServiceProvider();
        return use(services);
    }

    private static void AssertApproved(string name, string actual)
    {
        if (Environment.GetEnvironmentVariable("GRPCCQRS_APPROVE") == "1")
        {
            File.WriteAllText(FileOf(name), actual);
        }

        var approved = File.Exists(FileOf(name)) ? File.ReadAllText(FileOf(name)) : "";
        Assert.True(
            approved == actual,
            $"The schema differs from Approved/{name}.sql. If that is meant, run GRPCCQRS_APPROVE=1 dotnet test tests/Blog.Infrastructure.Tests and review the file.\n{actual}");
    }

    private static string FileOf(string name, [CallerFilePath] string thisFile = "") =>
        Path.Combine(Path.GetDirectoryName(thisFile)!, "Approved", $"{name}.sql");

    /// <summary>SQL Server's dialect without its driver's need of ICU: nothing is opened.</summary>
    private sealed class ScriptedSqlServer : SqlServerProvider
    {
        public override void ThrowIfUnusable()
        {
        }
    }
}

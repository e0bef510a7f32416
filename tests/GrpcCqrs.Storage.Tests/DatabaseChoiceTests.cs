using System.Reflection;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.Data.SqlClient;
using Microsoft.Data.Sqlite;
using Npgsql;
using Xunit;
using static GrpcCqrs.Storage.Tests.StoreHarness;

namespace GrpcCqrs.Storage.Tests;

/// <summary>What the configuration may say about databases, and which errors mean what.</summary>
public sealed class DatabaseChoiceTests(SqliteFixture fixture) : IClassFixture<SqliteFixture>
{
    [Fact]
    public async Task Write_and_read_database_must_be_two()
    {
        var settings = new Dictionary<string, string?>(fixture.NewStore(), StringComparer.Ordinal);
        var file = Path.Combine(settings["Storage:Directory"]!, "both.db");
        settings["Storage:Write:ConnectionString"] = $"Data Source={file}";
        settings["Storage:Read:ConnectionString"] = $"Data Source={file};Pooling=False";

        await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(settings));
    }

    [Theory]
    [InlineData("Storage:Read:Provider", "Oracle", "Storage:Read:Provider is 'Oracle'; the read database of this service can be Sqlite, PostgreSql, SqlServer.")]
    [InlineData("Storage:Read:Provider", "PostgreSql", "Set Storage:Read:ConnectionString, such as Host=localhost;Database=blog_read;Username=blog;Password=...; PostgreSQL has no default.")]
    [InlineData("Storage:Write:Provider", "Oracle", "Storage:Write:Provider is 'Oracle'; the write database of this service can be Sqlite, PostgreSql, SqlServer.")]
    [InlineData("Storage:Write:Provider", "PostgreSql", "Set Storage:Write:ConnectionString, such as Host=localhost;Database=blog_write;Username=blog;Password=...; PostgreSQL has no default.")]
    public async Task A_choice_that_cannot_work_is_refused_in_a_sentence(string key, string value, string sentence)
    {
        var refusal = await Assert.ThrowsAsync<InvalidOperationException>(() => StartAsync(fixture.NewStore(), configure: null, (key, value)));
        Assert.Equal(sentence, refusal.Message);
    }

    [Theory]
    [InlineData("Host=db;Database=a;Username=x", "Username=y;Host=DB;Port=5432;Database=a", true)]
    [InlineData("Host=db;Username=a", "Host=db;Username=b;Database=a", true)]
    [InlineData("Host=db;Database=a", "Host=db;Database=b", false)]
    [InlineData("Host=db;Database=a", "Host=db;Database=A", false)]
    [InlineData("Host=db;Database=a", "Host=db;Port=5433;Database=a", false)]
    public void PostgreSql_knows_its_databases_by_host_port_and_name(string one, string two, bool same) =>
        Assert.Equal(same, new PostgreSqlProvider().IsSameDatabase(one, two));

    [Theory]
    [InlineData("Host=db;Database=a", 20)]
    [InlineData("Host=db;Database=a;Maximum Pool Size=7", 7)]
    [InlineData("Host=db;Database=a;MaxPoolSize=200", 200)]
    public void Pools_on_PostgreSql_fit_in_a_server_left_at_its_default_unless_told_otherwise(string connectionString, int size)
    {
        using var connection = new PostgreSqlProvider().CreateConnection(connectionString);
        Assert.Equal(size, new NpgsqlConnectionStringBuilder(connection.ConnectionString).MaxPoolSize);
    }

    [Theory]
    [InlineData("Server=db;Database=a;User Id=x;Password=y", "Data Source=DB;Initial Catalog=A;Integrated Security=true", true)]
    [InlineData("Server=db;Database=a", "Server=db;Database=b", false)]
    public void SqlServer_knows_its_databases_by_server_and_name(string one, string two, bool same) =>
        Assert.Equal(same, new SqlServerProvider().IsSameDatabase(one, two));

    [Theory]
    [InlineData("40001", true, false)]
    [InlineData("40P01", true, false)]
    [InlineData("25P03", true, false)]
    [InlineData("08006", true, false)]
    [InlineData("57P01", true, false)]
    [InlineData("57P02", true, false)]
    [InlineData("57P03", true, false)]
    [InlineData("53300", true, false)]
    [InlineData("23505", false, true)]
    [InlineData("22001", false, true)]
    [InlineData("42P01", false, false)]
    [InlineData("53100", false, false)]
    public void PostgreSql_errors_are_told_apart_by_their_state(string state, bool isTransient, bool isDataError)
    {
        var error = new PostgresException("message", "ERROR", "ERROR", state);
        Assert.Equal(isTransient, new PostgreSqlProvider().IsTransient(error));
        Assert.Equal(isDataError, new PostgreSqlProvider().IsDataError(error));
    }

    [Fact]
    public void PostgreSql_takes_a_broken_connection_for_transient_and_nothing_else_without_a_state()
    {
        var provider = new PostgreSqlProvider();
        Assert.True(provider.IsTransient(new NpgsqlException("broken", new IOException())));
        Assert.False(provider.IsTransient(new NpgsqlException("other")));
        Assert.False(provider.IsTransient(new SqliteException("busy", 5)));
    }

    [Theory]
    [InlineData(1205, 13, true, false)]
    [InlineData(3960, 16, true, false)]
    [InlineData(3961, 16, true, false)]
    [InlineData(-2, 11, true, false)]
    [InlineData(0, 20, true, false)] // What the driver says of a connection refused or cut off, on Linux.
    [InlineData(4060, 11, true, false)]
    [InlineData(40613, 17, true, false)]
    [InlineData(2601, 14, false, true)]
    [InlineData(2627, 14, false, true)]
    [InlineData(547, 16, false, true)]
    [InlineData(2628, 16, false, true)]
    [InlineData(208, 16, false, false)]
    [InlineData(18456, 14, false, false)]
    public void SqlServer_errors_are_told_apart_by_number_and_severity(int number, byte severity, bool isTransient, bool isDataError)
    {
        var error = SqlServerError(number, severity);
        Assert.Equal(number, error.Number);
        Assert.Equal(isTransient, new SqlServerProvider().IsTransient(error));
        Assert.Equal(isDataError, new SqlServerProvider().IsDataError(error));
    }

    [Fact]
    public void SqlServer_refuses_to_work_without_culture_data()
    {
        // Whoever runs the specs against a SQL Server builds them with culture data.
        var isInvariant = AppContext.TryGetSwitch("System.Globalization.Invariant", out var set) && set;
        var refusal = Record.Exception(new SqlServerProvider().ThrowIfUnusable);
        Assert.Equal(isInvariant, refusal is InvalidOperationException);
    }

    /// <summary>The driver has no public way to make its exception.</summary>
    private static SqlException SqlServerError(int number, byte severity)
    {
        const BindingFlags Internal = BindingFlags.NonPublic | BindingFlags.Instance;
        var maker = typeof(SqlError).GetConstructors(Internal).MinBy(constructor => constructor.GetParameters().Length)!;
        var error = maker.Invoke([.. maker.GetParameters().Select(parameter => parameter switch
        {
            { ParameterType: var type } when type == typeof(string) => "text",
            { Name: "infoNumber" } => number,
            { Name: "errorClass" } => severity,
            { HasDefaultValue: true } => parameter.DefaultValue,
            _ => parameter.ParameterType.IsValueType ? Activator.CreateInstance(parameter.ParameterType) : null,
        })]);
        var errors = (SqlErrorCollection)typeof(SqlErrorCollection).GetConstructors(Internal)[0].Invoke([]);
        typeof(SqlErrorCollection).GetMethod("Add", Internal)!.Invoke(errors, [error]);
        return (SqlException)typeof(SqlException)
            .GetMethod("CreateException", BindingFlags.NonPublic | BindingFlags.Static, [typeof(SqlErrorCollection), typeof(string)])!
            .Invoke(null, [errors, "15.0"])!;
    }
}

using GrpcCqrs.Storage;
using GrpcCqrs.Storage.PostgreSql;
using GrpcCqrs.Storage.Sqlite;
using GrpcCqrs.Storage.SqlServer;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Blog.Infrastructure;

// How the dotnet-ef tool makes the contexts; see CONTRIBUTING.md. It opens no database.
internal sealed class SqliteBlogWriteDbContextFactory : IDesignTimeDbContextFactory<SqliteBlogWriteDbContext>
{
    public SqliteBlogWriteDbContext CreateDbContext(string[] args) => new(DesignTime.Options(new SqliteProvider(), "Data Source=:memory:"));
}

internal sealed class SqliteBlogReadDbContextFactory : IDesignTimeDbContextFactory<SqliteBlogReadDbContext>
{
    public SqliteBlogReadDbContext CreateDbContext(string[] args) => new(DesignTime.Options(new SqliteProvider(), "Data Source=:memory:"));
}

internal sealed class PostgreSqlBlogWriteDbContextFactory : IDesignTimeDbContextFactory<PostgreSqlBlogWriteDbContext>
{
    public PostgreSqlBlogWriteDbContext CreateDbContext(string[] args) => new(DesignTime.Options(new PostgreSqlProvider(), "Host=localhost"));
}

internal sealed class PostgreSqlBlogReadDbContextFactory : IDesignTimeDbContextFactory<PostgreSqlBlogReadDbContext>
{
    public PostgreSqlBlogReadDbContext CreateDbContext(string[] args) => new(DesignTime.Options(new PostgreSqlProvider(), "Host=localhost"));
}

internal sealed class SqlServerBlogReadDbContextFactory : IDesignTimeDbContextFactory<SqlServerBlogReadDbContext>
{
    public SqlServerBlogReadDbContext CreateDbContext(string[] args) => new(DesignTime.Options(new SqlServerProvider(), "Server=localhost"));
}

internal sealed class SqlServerBlogWriteDbContextFactory : IDesignTimeDbContextFactory<SqlServerBlogWriteDbContext>
{
    public SqlServerBlogWriteDbContext CreateDbContext(string[] args) => new(DesignTime.Options(new SqlServerProvider(), "Server=localhost"));
}

internal static class DesignTime
{
    public static DbContextOptions Options(DatabaseProvider provider, string connectionString)
    {
        var options = new DbContextOptionsBuilder();
        provider.Configure(options, connectionString);
        return options.Options;
    }
}

using GrpcCqrs.Storage.Sqlite;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Design;

namespace Blog.Infrastructure;

// How the dotnet-ef tool makes the contexts; see CONTRIBUTING.md. It opens no database.
internal sealed class SqliteBlogWriteDbContextFactory : IDesignTimeDbContextFactory<SqliteBlogWriteDbContext>
{
    public SqliteBlogWriteDbContext CreateDbContext(string[] args) => new(DesignTime.SqliteOptions());
}

internal sealed class SqliteBlogReadDbContextFactory : IDesignTimeDbContextFactory<SqliteBlogReadDbContext>
{
    public SqliteBlogReadDbContext CreateDbContext(string[] args) => new(DesignTime.SqliteOptions());
}

internal static class DesignTime
{
    public static DbContextOptions SqliteOptions()
    {
        var options = new DbContextOptionsBuilder();
        new SqliteProvider().Configure(options, "Data Source=:memory:");
        return options.Options;
    }
}

using System.Data.Common;
using Dapper;
using Microsoft.Data.Sqlite;

namespace GrpcCqrs.Storage.Tests;

/// <summary>SQLite in a folder of its own, removed with the fixture.</summary>
public sealed class SqliteFixture : IStoreFixture, IDisposable
{
    private const int Busy = 5;
    private readonly DirectoryInfo root = Directory.CreateTempSubdirectory("grpccqrs-specs-");

    public IReadOnlyDictionary<string, string?> NewStore() => new Dictionary<string, string?>(StringComparer.Ordinal)
    {
        ["Storage:Directory"] = root.CreateSubdirectory(Guid.CreateVersion7().ToString("N")).FullName,
    };

    public async Task RefuseCorrelationAsync(DbConnection connection, string correlationId) => await connection.ExecuteAsync(
        $"CREATE TRIGGER refuse BEFORE INSERT ON events WHEN NEW.correlation_id = '{correlationId}' BEGIN SELECT RAISE(ABORT, 'refused'); END");

    public Task<DbException> TransientErrorAsync(DbConnection connection) => Task.FromResult<DbException>(new SqliteException("injected", Busy));

    public void Dispose()
    {
        SqliteConnection.ClearAllPools();
        CleanUp.DeleteDirectory(root.FullName);
    }
}

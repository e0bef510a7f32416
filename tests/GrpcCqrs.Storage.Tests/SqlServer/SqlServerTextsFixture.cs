using System.Data.Common;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Stores whose texts are SQL Server's; see <see cref="SqlServerTexts"/>. It fails the class for a text that is not.</summary>
public sealed class SqlServerTextsFixture : IStoreFixture, IDisposable
{
    /// <summary>The name that the specs' stores know the dialect by.</summary>
    internal const string ProviderName = "SqlServerTexts";

    private readonly SqliteFixture files = new();

    public IReadOnlyDictionary<string, string?> NewStore() => new Dictionary<string, string?>(files.NewStore(), StringComparer.Ordinal)
    {
        ["Storage:Write:Provider"] = ProviderName,
        ["Storage:Read:Provider"] = ProviderName,
    };

    public Task RefuseCorrelationAsync(DbConnection connection, string correlationId) =>
        files.RefuseCorrelationAsync(((CheckedConnection)connection).Plain, correlationId);

    public Task<DbException> TransientErrorAsync(DbConnection connection) => files.TransientErrorAsync(connection);

    public void Dispose()
    {
        files.Dispose();
        SqlServerTexts.AssertNoFaults();
    }
}

using System.Data.Common;

namespace GrpcCqrs.Storage.Tests;

/// <summary>Where a store of the specs lives. One class a database; the specs are the same for all.</summary>
public interface IStoreFixture
{
    /// <summary>Settings that lead to a new, empty pair of databases. Skips the test where there is no server.</summary>
    IReadOnlyDictionary<string, string?> NewStore();

    /// <summary>Has the database itself refuse events with a correlation id, as a value that it cannot hold.</summary>
    Task RefuseCorrelationAsync(DbConnection connection, string correlationId);

    /// <summary>An error that the provider takes for one that goes away when the transaction is tried again.</summary>
    Task<DbException> TransientErrorAsync(DbConnection connection);
}

using System.Data.Common;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>A database that notifies of commits. For others the newest position is polled.</summary>
internal interface ICommitNotifications
{
    /// <summary>
    /// Listens on its own connection for the commits of appends by any process, until it is cancelled or the connection
    /// is lost. No commit between two calls is lost: each call begins with the newest position.
    /// </summary>
    /// <param name="connectionString">The write database.</param>
    /// <param name="onCommit">
    /// Called with the newest position once listening has begun, and then with the newest position of each commit; with
    /// <see cref="long.MaxValue"/> if a notification has no position. Must neither block nor throw.
    /// </param>
    /// <param name="cancellationToken">Stops listening.</param>
    /// <exception cref="DbException">The database is no longer reachable, or rejects the request.</exception>
    Task ListenAsync(string connectionString, Action<long> onCommit, CancellationToken cancellationToken);
}

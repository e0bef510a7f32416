using System.Data.Common;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;

namespace GrpcCqrs.Storage.Tests.Model;

/// <summary>Cuts the next transaction off at a point, once it is told to.</summary>
internal sealed class CrashSwitch
{
    private int point = -1;

    public void CutAt(CrashPoint at) => Volatile.Write(ref point, (int)at);

    public void Reset() => Volatile.Write(ref point, -1);

    public void ThrowIfAt(CrashPoint at)
    {
        if (Volatile.Read(ref point) == (int)at)
        {
            throw new InvalidOperationException($"The process would have died here: {at}.");
        }
    }
}

/// <summary>A database's own session, cut off where the switch says.</summary>
internal sealed class CrashingSession(AppendSession inner, DatabaseProvider provider, CrashSwitch crash) : AppendSession(inner.Connection, provider)
{
    public override async Task<DbTransaction> BeginAsync(CancellationToken cancellationToken)
    {
        crash.ThrowIfAt(CrashPoint.BeforeLock);
        return await inner.BeginAsync(cancellationToken);
    }

    public override Task<LogHead> LockAsync(DbTransaction transaction, CancellationToken cancellationToken) =>
        inner.LockAsync(transaction, cancellationToken);

    public override Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken) =>
        inner.LoadAsync(keys, transaction, cancellationToken);

    public override Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken)
    {
        crash.ThrowIfAt(CrashPoint.BeforeWrite);
        return inner.WriteAsync(rows, transaction, cancellationToken);
    }

    public override async Task CommitAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        crash.ThrowIfAt(CrashPoint.BeforeCommit);
        await inner.CommitAsync(transaction, cancellationToken);
        crash.ThrowIfAt(CrashPoint.AfterCommit);
    }
}

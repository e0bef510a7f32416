using System.Data.Common;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using Microsoft.Extensions.DependencyInjection;

namespace GrpcCqrs.Storage.Tests;

/// <summary>An error that no database knows, and that nobody may therefore take for one that goes away.</summary>
public sealed class InjectedException : DbException
{
    public InjectedException()
        : base("injected")
    {
    }
}

/// <summary>Throws at random: now an error that goes away when the transaction is tried again, now one that does not.</summary>
public sealed class Faults(int seed, DbException transient)
{
    private const double Probability = 0.03;
    private readonly Random random = new(seed);
    private int thrown;

    public int Thrown => Volatile.Read(ref thrown);

    /// <summary>Off while the store starts and is looked at.</summary>
    public bool IsOn { get; set; }

    public void MaybeThrow()
    {
        lock (random)
        {
            if (!IsOn || random.NextDouble() >= Probability)
            {
                return;
            }

            thrown++;
            throw random.Next(2) == 0 ? transient : new InjectedException();
        }
    }
}

/// <summary>Takes a part in what sessions of a store do.</summary>
internal static class SessionDecoration
{
    /// <summary>Has the append queue of a store talk to its database through decorated sessions.</summary>
    public static void DecorateSessions(this IServiceCollection services, Func<AppendSession, DatabaseProvider, AppendSession> decorate) =>
        services.AddSingleton<IAppendSessionFactory>(provider => new DecoratedSessions(provider.GetRequiredService<WriteDatabase>().Provider, decorate));

    private sealed class DecoratedSessions(DatabaseProvider provider, Func<AppendSession, DatabaseProvider, AppendSession> decorate) : IAppendSessionFactory
    {
        public AppendSession CreateAppendSession(DbConnection connection) =>
            decorate(((IAppendSessionFactory)provider).CreateAppendSession(connection), provider);
    }
}

/// <summary>Fails at random before and after each step of a transaction: also after the commit, whose success the queue then cannot know.</summary>
internal sealed class FaultySession(AppendSession inner, DatabaseProvider provider, Faults faults) : AppendSession(inner.Connection, provider)
{
    public override Task<DbTransaction> BeginAsync(CancellationToken cancellationToken) => WithFaultsAsync(inner.BeginAsync(cancellationToken));

    public override Task<LogHead> LockAsync(DbTransaction transaction, CancellationToken cancellationToken) =>
        WithFaultsAsync(inner.LockAsync(transaction, cancellationToken));

    public override Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken) =>
        WithFaultsAsync(inner.LoadAsync(keys, transaction, cancellationToken));

    public override Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken) =>
        WithFaultsAsync(DoneAsync(inner.WriteAsync(rows, transaction, cancellationToken)));

    public override Task CommitAsync(DbTransaction transaction, CancellationToken cancellationToken)
    {
        faults.MaybeThrow();
        return WithFaultsAsync(DoneAsync(inner.CommitAsync(transaction, cancellationToken)));
    }

    private async Task<T> WithFaultsAsync<T>(Task<T> step)
    {
        var result = await step;
        faults.MaybeThrow();
        return result;
    }

    private static async Task<bool> DoneAsync(Task step)
    {
        await step;
        return true;
    }
}

/// <summary>Reports every commit as failed although it took place.</summary>
public sealed class LostCommits(DbException transient)
{
    private int count;

    /// <summary>How many.</summary>
    public int Count => Volatile.Read(ref count);

    public void Install(IServiceCollection services) =>
        services.DecorateSessions((session, provider) => new LosingSession(session, provider, Lose));

    private void Lose()
    {
        Interlocked.Increment(ref count);
        throw transient;
    }

    private sealed class LosingSession(AppendSession inner, DatabaseProvider provider, Action lose) : AppendSession(inner.Connection, provider)
    {
        public override Task<DbTransaction> BeginAsync(CancellationToken cancellationToken) => inner.BeginAsync(cancellationToken);

        public override Task<(LogHead Head, AppendLookups Lookups)> LockAndLoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken) =>
            inner.LockAndLoadAsync(keys, transaction, cancellationToken);

        public override Task<AppendLookups> LoadAsync(AppendLookupKeys keys, DbTransaction transaction, CancellationToken cancellationToken) =>
            inner.LoadAsync(keys, transaction, cancellationToken);

        public override Task WriteAsync(AppendRows rows, DbTransaction transaction, CancellationToken cancellationToken) =>
            inner.WriteAsync(rows, transaction, cancellationToken);

        public override async Task CommitAsync(DbTransaction transaction, CancellationToken cancellationToken)
        {
            await inner.CommitAsync(transaction, cancellationToken);
            lose();
        }
    }
}

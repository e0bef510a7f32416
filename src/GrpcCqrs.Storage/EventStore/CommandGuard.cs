namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// Marks code that runs in a transaction of the write database. A command sent from there would wait for the same
/// database, for ever if it has one writer at a time, and would be committed although the transaction may not be.
/// </summary>
internal sealed class CommandGuard : IDisposable
{
    private static readonly AsyncLocal<string?> Current = new();

    private CommandGuard()
    {
    }

    /// <summary>Forbids appends until the result is disposed.</summary>
    /// <param name="subscription">The subscription whose handler runs.</param>
    public static CommandGuard Enter(string subscription)
    {
        Current.Value = subscription;
        return new CommandGuard();
    }

    /// <exception cref="InvalidOperationException">The caller runs in a subscription's transaction.</exception>
    public static void ThrowIfInTransaction()
    {
        if (Current.Value is { } subscription)
        {
            throw new InvalidOperationException(
                $"The handler of the subscription {subscription} sends a command within its transaction. Send it from an ISubscriptionHandler, with SubscriptionContext.ForCommand.");
        }
    }

    /// <inheritdoc/>
    public void Dispose() => Current.Value = null;
}

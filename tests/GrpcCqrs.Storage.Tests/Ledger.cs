using System.Diagnostics;
using System.Text.Json.Serialization;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Tests;

// The smallest aggregate that has a name to be unique and a number to be wrong.
public abstract record LedgerEvent;

public sealed record LedgerOpened(string Name) : LedgerEvent;

public sealed record AmountBooked(long Amount) : LedgerEvent;

public sealed record LedgerClosed : LedgerEvent;

public sealed record Ledger(string Id, string? Name, long Balance) : IAggregate<Ledger, LedgerEvent>
{
    public static string Category => "ledger";

    public IReadOnlyCollection<UniqueKey> UniqueKeys => Name is null ? [] : [new UniqueKey("ledger.name", Name)];

    public static Ledger Initial(string id) => new(id, null, 0);

    public Ledger Apply(LedgerEvent @event) => @event switch
    {
        LedgerOpened e => this with { Name = e.Name },
        AmountBooked e => this with { Balance = Balance + e.Amount },
        LedgerClosed => this with { Name = null },
        _ => throw new UnreachableException($"Ledger.Apply has no case for {@event.GetType().Name}: add one."),
    };

    public IReadOnlyList<LedgerEvent> Open(string name) => Name == name ? [] : [new LedgerOpened(name)];

    public IReadOnlyList<LedgerEvent> Book(long amount) => amount == 0 ? [] : [new AmountBooked(amount)];
}

[JsonSerializable(typeof(LedgerOpened))]
[JsonSerializable(typeof(AmountBooked))]
[JsonSerializable(typeof(LedgerClosed))]
internal sealed partial class LedgerJson : JsonSerializerContext;

internal static class LedgerTypes
{
    public static EventTypeRegistry Registry { get; } = EventTypeRegistry.Create(types => types
        .Add("ledger.opened", 1, LedgerJson.Default.LedgerOpened)
        .Add("ledger.amount-booked", 1, LedgerJson.Default.AmountBooked)
        .Add("ledger.closed", 1, LedgerJson.Default.LedgerClosed));
}

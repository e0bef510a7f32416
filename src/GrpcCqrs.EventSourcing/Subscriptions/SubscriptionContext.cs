using System.Buffers.Binary;
using System.Security.Cryptography;
using System.Text;

namespace GrpcCqrs.EventSourcing;

/// <summary>What a handler knows beside the event.</summary>
/// <param name="Subscription">The subscription's name.</param>
/// <param name="Record">The event as stored.</param>
/// <param name="Attempt">
/// How often this process has tried to handle the event, including this time; 2 or more means that it failed before.
/// </param>
public sealed record SubscriptionContext(string Subscription, RecordedEvent Record, int Attempt)
{
    /// <summary>Distinguishes the events that an upcaster splits a recorded event into; 0 for the first.</summary>
    public int Part { get; init; }

    /// <summary>
    /// An id for something that the handler does because of this event, such as a command or a request to another
    /// service. It is the same whenever the event is handled again, in any process. A UUID of version 8 (RFC 9562), made
    /// with SHA-256 from the subscription's name, the event's id and the index.
    /// </summary>
    /// <param name="index">Distinguishes several things that are done because of one event: 0 for the first.</param>
    public Guid CommandId(int index = 0)
    {
        ArgumentOutOfRangeException.ThrowIfNegative(index);
        var name = Encoding.UTF8.GetBytes(Subscription);
        var source = new byte[name.Length + 16 + sizeof(int) + sizeof(int)];
        name.CopyTo(source, 0);
        var rest = source.AsSpan(name.Length);
        Record.EventId.TryWriteBytes(rest);
        BinaryPrimitives.WriteInt32BigEndian(rest[16..], Part);
        BinaryPrimitives.WriteInt32BigEndian(rest[(16 + sizeof(int))..], index);
        var id = SHA256.HashData(source).AsSpan(0, 16);
        id[6] = (byte)((id[6] & 0x0F) | 0x80);
        id[8] = (byte)((id[8] & 0x3F) | 0x80);
        return new Guid(id, bigEndian: true);
    }

    /// <summary>
    /// The context of a command that the handler sends because of this event. However often the event is handled, the
    /// command takes effect once, as long as the service keeps command ids (<c>Commands:Retention</c>).
    /// </summary>
    /// <param name="now">The current time.</param>
    /// <param name="index">Distinguishes several commands because of one event: 0 for the first.</param>
    public CommandContext ForCommand(DateTimeOffset now, int index = 0)
    {
        var id = CommandId(index);
        return new CommandContext
        {
            CommandId = id,

            // Not of the command's content: if a newer version of the handler sends another command for an event that
            // was handled before, the first one stands.
            RequestHash = SHA256.HashData(id.ToByteArray()),
            User = $"subscription {Subscription}",
            CorrelationId = Record.Metadata.CorrelationId,
            CausationId = Record.EventId.ToString(),
            ReceivedAt = now,
        };
    }
}

using System.Text;
using Google.Protobuf.WellKnownTypes;
using GrpcCqrs.Feed.V1;
using GrpcCqrs.Storage.Subscriptions;
using ConsumerGroup = GrpcCqrs.Feed.V1.ConsumerGroup;
using EventMetadata = GrpcCqrs.Feed.V1.EventMetadata;
using FeedEvent = GrpcCqrs.Feed.V1.FeedEvent;

namespace GrpcCqrs.Hosting.Feed;

/// <summary>Maps the feed's messages to protos.</summary>
internal static class FeedMapping
{
    /// <summary>The events of one position.</summary>
    public static IEnumerable<FeedEvent> ToProto(IReadOnlyList<Storage.Subscriptions.FeedEvent> events) =>
        events.Select((each, index) => ToProto(each, isLast: index == events.Count - 1));

    public static Checkpoint ToProto(this FeedMessage.Checkpoint checkpoint) => new() { Position = checkpoint.Position, EndOfLog = checkpoint.IsEnd };

    public static ConsumerGroup ToProto(this ConsumerGroupInfo group) => new()
    {
        Name = group.Name,
        Filter = new EventFilter { EventTypes = { group.Filter.EventTypes }, Stream = group.Filter.Stream, Category = group.Filter.Category },
        Position = group.Position,
        Lag = group.Head - group.Position,
        InFlight = group.InFlight,
        Members = group.Members,
        ParkedEvents = group.ParkedEvents,
        ParkedStreams = group.ParkedStreams,
        Holder = group.Holder,
        CreateTime = Timestamp.FromDateTimeOffset(group.Time),
        InProcess = group.IsInProcess,
    };

    private static FeedEvent ToProto(Storage.Subscriptions.FeedEvent each, bool isLast) => new()
    {
        Position = each.Record.Position,
        Index = each.Index,
        LastOfPosition = isLast,
        Stream = each.Record.Stream.ToString(),
        Version = each.Record.Version,
        EventId = each.Record.EventId.ToString("D"),
        Type = each.Present.Type,
        SchemaVersion = each.Present.SchemaVersion,
        DataJson = Encoding.UTF8.GetString(each.Present.Payload.Span),
        Metadata = new EventMetadata
        {
            CommandId = each.Record.Metadata.CommandId.ToString("D"),
            CorrelationId = each.Record.Metadata.CorrelationId,
            CausationId = each.Record.Metadata.CausationId,
            User = each.Record.Metadata.User,
        },
        Time = Timestamp.FromDateTimeOffset(each.Record.Time),
    };
}

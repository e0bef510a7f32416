using System.Text.RegularExpressions;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Feed.V1;
using GrpcCqrs.Storage;
using GrpcCqrs.Storage.Subscriptions;

namespace GrpcCqrs.Hosting.Feed;

/// <summary>Validates feed requests. All fields are checked before a request is rejected.</summary>
internal sealed partial class FeedRequests(EventTypeRegistry types)
{
    private const int MaxEventTypes = 50;
    private const int DefaultCount = 1_000;
    private const int MaxCount = 10_000;
    private const int DefaultInFlight = 32;
    private const int MaxInFlight = 1_000;
    private const int MaxAcknowledged = 10_000;

    public (string Stream, long FromVersion, int MaxCount, IReadOnlyList<string> EventTypes) Check(ReadStreamRequest request)
    {
        var problems = new Problems();
        problems.Stream(request.Stream, "stream");
        problems.Require(request.FromVersion >= 0, "from_version", "Must be 0 or more.");
        var count = Count(request.MaxCount, problems);
        var wanted = EventTypes(request.EventTypes, "event_types", problems);
        problems.ThrowIfAny();
        return (request.Stream, Math.Max(1, request.FromVersion), count, wanted);
    }

    public (long After, int MaxCount, FeedFilter Filter) Check(ReadAllRequest request)
    {
        var problems = new Problems();
        problems.Position(request.AfterPosition, "after_position");
        var count = Count(request.MaxCount, problems);
        var filter = Filter(request.Filter, problems);
        problems.ThrowIfAny();
        return (request.AfterPosition, count, filter);
    }

    public (long After, FeedFilter Filter) Check(SubscribeRequest request)
    {
        var problems = new Problems();
        problems.Position(request.AfterPosition, "after_position");
        var filter = Filter(request.Filter, problems);
        problems.ThrowIfAny();
        return (request.AfterPosition, filter);
    }

    public (string Name, long? Start, FeedFilter Filter) Check(CreateConsumerGroupRequest request)
    {
        var problems = new Problems();
        problems.Group(request.Name, "name");
        problems.Position(request.AfterPosition, "after_position");
        var isAtEnd = request.StartCase == CreateConsumerGroupRequest.StartOneofCase.AtEnd;
        problems.Require(!isAtEnd || request.AtEnd, "at_end", "Must be true; leave it out to start elsewhere.");
        var filter = Filter(request.Filter, problems);
        problems.ThrowIfAny();
        return (request.Name, isAtEnd ? null : request.AfterPosition, filter);
    }

    public static string Check(DeleteConsumerGroupRequest request)
    {
        var problems = new Problems();
        problems.Group(request.Name, "name");
        problems.ThrowIfAny();
        return request.Name;
    }

    public static (string Group, int MaxInFlight) CheckOpening(ConsumeRequest? request)
    {
        var problems = new Problems();
        if (request?.Open is { } open)
        {
            problems.Group(open.Group, "open.group");
            problems.Require(open.MaxInFlight is >= 0 and <= MaxInFlight, "open.max_in_flight", $"Must be 1-{MaxInFlight}, or 0 for the default.");
        }
        else
        {
            problems.Require(false, "open", "Must be the first message.");
        }

        problems.ThrowIfAny();
        return (request!.Open.Group, request.Open.MaxInFlight == 0 ? DefaultInFlight : request.Open.MaxInFlight);
    }

    public static void CheckAction(ConsumeRequest request)
    {
        var problems = new Problems();
        problems.Require(request.Open is null, "open", "Must be the first message and no other.");
        problems.Require(request.ActionCase != ConsumeRequest.ActionOneofCase.None, "action", "Must say something.");
        problems.Require(
            request.Acknowledge is null || request.Acknowledge.DeliveryIds.Count is > 0 and <= MaxAcknowledged, "acknowledge.delivery_ids", $"Must be 1-{MaxAcknowledged} ids.");
        problems.Require(
            request.Acknowledge is null || request.Acknowledge.DeliveryIds.All(id => id > 0), "acknowledge.delivery_ids", "Must be ids that were delivered in this call.");
        problems.Require(request.Fail is null || request.Fail.DeliveryId > 0, "fail.delivery_id", "Must be an id that was delivered in this call.");
        problems.ThrowIfAny();
    }

    private static int Count(int asked, Problems problems)
    {
        problems.Require(asked is >= 0 and <= MaxCount, "max_count", $"Must be 1-{MaxCount}, or 0 for the default.");
        return asked == 0 ? DefaultCount : asked;
    }

    private FeedFilter Filter(EventFilter? filter, Problems problems)
    {
        if (filter is null)
        {
            return FeedFilter.Everything;
        }

        if (filter.Stream.Length > 0)
        {
            problems.Stream(filter.Stream, "filter.stream");
        }

        problems.Require(
            filter.Category.Length == 0 || CategoryForm().IsMatch(filter.Category), "filter.category", "Must be 1-50 of a-z, 0-9 and underscore.");
        return new FeedFilter(EventTypes(filter.EventTypes, "filter.event_types", problems), filter.Stream, filter.Category);
    }

    /// <summary>An unknown name would silently filter out everything.</summary>
    private string[] EventTypes(IReadOnlyList<string> names, string field, Problems problems)
    {
        problems.Require(names.Count <= MaxEventTypes, field, $"Must be at most {MaxEventTypes}.");
        for (var index = 0; index < Math.Min(names.Count, MaxEventTypes); index++)
        {
            var name = names[index];
            problems.Require(
                types.All.Any(type => string.Equals(type.Name, name, StringComparison.Ordinal)), $"{field}[{index}]", "Must be the name of an event type of this service.");
        }

        return [.. names.Distinct(StringComparer.Ordinal).Order(StringComparer.Ordinal)];
    }

    [GeneratedRegex("^[a-z0-9_]{1,50}$", RegexOptions.ExplicitCapture, 1_000)]
    private static partial Regex CategoryForm();

    private sealed class Problems
    {
        private readonly List<FieldViolation> all = [];

        public void Require(bool condition, string field, string description)
        {
            if (!condition)
            {
                all.Add(new FieldViolation(field, description));
            }
        }

        public void Position(long position, string field) => Require(position >= 0, field, "Must be 0 or more.");

        public void Group(string name, string field) => Require(
            SubscriptionServices.IsName(name), field, "Must be 1-100 of a-z, 0-9, dot, underscore and hyphen, the first a letter.");

        public void Stream(string name, string field)
        {
            var hyphen = name.IndexOf('-', StringComparison.Ordinal);
            Require(
                hyphen > 0 && hyphen < name.Length - 1 && name.Length <= StreamId.MaxLength && !char.IsWhiteSpace(name[^1]) && !name.Contains('\0', StringComparison.Ordinal),
                field, $"Must be a stream's name, category-id, of at most {StreamId.MaxLength} characters.");
        }

        public void ThrowIfAny()
        {
            if (all.Count > 0)
            {
                throw RejectedException.Invalid(all);
            }
        }
    }
}

using Grpc.Core;
using GrpcCqrs.Operations.V1;

namespace GrpcCqrs.Hosting.Operations;

/// <content>Calls about parked events, of any reader of the log.</content>
internal sealed partial class OperationsGrpcService
{
    public override async Task<ListParkedEventsResponse> ListParkedEvents(ListParkedEventsRequest request, ServerCallContext context)
    {
        new RequestFields().Reader(request.Reader, isRequired: false).PageSize(request.PageSize, MaxPageSize).ThrowIfInvalid();
        var size = request.PageSize > 0 ? request.PageSize : DefaultPageSize;
        var after = tokens.Read(nameof(ListParkedEvents), request.Reader, request.PageToken) ?? (0, "");
        var events = await parked.ListAsync(request.Reader, after, size + 1, context.CancellationToken);
        return new ListParkedEventsResponse
        {
            Events = { events.Take(size).Select(OperationsMapping.ToProto) },
            NextPageToken = events.Count > size
                ? tokens.Write(nameof(ListParkedEvents), request.Reader, events[size - 1].Position, events[size - 1].Reader)
                : "",
        };
    }

    public override async Task<RetryParkedEventsResponse> RetryParkedEvents(RetryParkedEventsRequest request, ServerCallContext context)
    {
        new RequestFields()
            .Reader(request.Reader, isRequired: true).Stream(request.Stream, "stream", isRequired: false, out var stream).ThrowIfInvalid();
        var (events, stillParked) = await parked.RetryAsync(request.Reader, stream?.ToString(), CallContexts.UserOf(context), context.CancellationToken);
        return new RetryParkedEventsResponse { EventCount = events, ParkedStreams = stillParked };
    }

    public override async Task<SkipParkedEventResponse> SkipParkedEvent(SkipParkedEventRequest request, ServerCallContext context)
    {
        new RequestFields()
            .Reader(request.Reader, isRequired: true).Require(request.Position >= 1, "position", "Must be 1 or more.").ThrowIfInvalid();
        await parked.SkipAsync(request.Reader, request.Position, CallContexts.UserOf(context), context.CancellationToken);
        return new SkipParkedEventResponse();
    }

    public override async Task<ListSkippedEventsResponse> ListSkippedEvents(ListSkippedEventsRequest request, ServerCallContext context) =>
        new() { Events = { (await parked.ListSkippedAsync(context.CancellationToken)).Select(OperationsMapping.ToProto) } };
}

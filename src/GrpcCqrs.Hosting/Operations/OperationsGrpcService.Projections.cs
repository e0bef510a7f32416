using System.Globalization;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Operations.V1;
using GrpcCqrs.Storage.Projections;

namespace GrpcCqrs.Hosting.Operations;

/// <summary>Calls about the read side.</summary>
internal sealed partial class OperationsGrpcService
{
    private const int DefaultSampleSize = 100;
    private const int MaxSampleSize = 1_000_000;

    private ProjectionOperations Desk => operations.HasReadDatabase
        ? operations
        : throw new RejectedException(EngineErrors.NoReadDatabase, "This node serves commands only; ask another one.");

    public override async Task<ListProjectionsResponse> ListProjections(ListProjectionsRequest request, ServerCallContext context) =>
        OperationsMapping.ToProto(await Desk.ReadAsync(context.CancellationToken));

    public override async Task<RebuildProjectionsResponse> RebuildProjections(RebuildProjectionsRequest request, ServerCallContext context)
    {
        new RequestFields().Projections(request.Projections).ThrowIfInvalid();
        await Desk.RebuildAsync(request.Projections, request.HoldOnDifference, CallContexts.UserOf(context), context.CancellationToken);
        return new RebuildProjectionsResponse();
    }

    public override Task<PauseRebuildResponse> PauseRebuild(PauseRebuildRequest request, ServerCallContext context) =>
        ChangeAsync<PauseRebuildResponse>(request.Projection, Desk.PauseRebuildAsync, context);

    public override Task<ResumeRebuildResponse> ResumeRebuild(ResumeRebuildRequest request, ServerCallContext context) =>
        ChangeAsync<ResumeRebuildResponse>(request.Projection, Desk.ResumeRebuildAsync, context);

    public override Task<CancelRebuildResponse> CancelRebuild(CancelRebuildRequest request, ServerCallContext context) =>
        ChangeAsync<CancelRebuildResponse>(request.Projection, Desk.CancelRebuildAsync, context);

    public override Task<SwitchProjectionResponse> SwitchProjection(SwitchProjectionRequest request, ServerCallContext context) =>
        ChangeAsync<SwitchProjectionResponse>(request.Projection, Desk.SwitchAsync, context);

    public override Task<RollBackProjectionResponse> RollBackProjection(RollBackProjectionRequest request, ServerCallContext context) =>
        ChangeAsync<RollBackProjectionResponse>(request.Projection, Desk.RollBackAsync, context);

    public override Task<DropPreviousTablesResponse> DropPreviousTables(DropPreviousTablesRequest request, ServerCallContext context) =>
        ChangeAsync<DropPreviousTablesResponse>(request.Projection, Desk.DropPreviousAsync, context);

    public override async Task<ReplayStreamsResponse> ReplayStreams(ReplayStreamsRequest request, ServerCallContext context)
    {
        new RequestFields()
            .Projections(request.Projections)
            .Stream(request.Stream, "stream", isRequired: true, out var first)
            .Stream(request.LastStream, "last_stream", isRequired: false, out var last)
            .Require(
                last is null || string.CompareOrdinal(request.LastStream, request.Stream) >= 0, "last_stream", "Must not come before stream.")
            .ThrowIfInvalid();
        var id = await Desk.StartReplayAsync(
            request.Projections, first!.Value, last, CallContexts.UserOf(context), context.CancellationToken);
        return new ReplayStreamsResponse { OperationId = id };
    }

    public override async Task<AuditReadModelResponse> AuditReadModel(AuditReadModelRequest request, ServerCallContext context)
    {
        new RequestFields()
            .Projections(request.Projections)
            .Require(
                request.ScopeCase != AuditReadModelRequest.ScopeOneofCase.SampleSize || request.SampleSize is >= 1 and <= MaxSampleSize,
                "sample_size",
                string.Create(CultureInfo.InvariantCulture, $"Must be 1-{MaxSampleSize}."))
            .Require(
                request.ScopeCase != AuditReadModelRequest.ScopeOneofCase.AllStreams || request.AllStreams,
                "all_streams",
                "Must be true; leave it out for a sample.")
            .ThrowIfInvalid();
        var sample = request.ScopeCase switch
        {
            AuditReadModelRequest.ScopeOneofCase.SampleSize => request.SampleSize,
            AuditReadModelRequest.ScopeOneofCase.AllStreams => 0,
            _ => DefaultSampleSize,
        };
        var id = await Desk.StartAuditAsync(request.Projections, sample, CallContexts.UserOf(context), context.CancellationToken);
        return new AuditReadModelResponse { OperationId = id };
    }

    public override async Task<GetOperationResponse> GetOperation(GetOperationRequest request, ServerCallContext context)
    {
        new RequestFields().Require(request.OperationId >= 1, "operation_id", "Must be 1 or more.").ThrowIfInvalid();
        var found = await Desk.FindAsync(request.OperationId, context.CancellationToken)
            ?? throw new RejectedException(
                EngineErrors.OperationNotFound, string.Create(CultureInfo.InvariantCulture, $"There is no operation {request.OperationId}."))
            {
                Subject = string.Create(CultureInfo.InvariantCulture, $"operations/{request.OperationId}"),
            };
        return new GetOperationResponse { Operation = OperationsMapping.ToProto(found) };
    }

    public override async Task<ListOperationsResponse> ListOperations(ListOperationsRequest request, ServerCallContext context)
    {
        new RequestFields().PageSize(request.PageSize, MaxPageSize).ThrowIfInvalid();
        var size = request.PageSize > 0 ? request.PageSize : DefaultPageSize;
        var before = tokens.Read(nameof(ListOperations), "", request.PageToken)?.Number ?? long.MaxValue;
        var found = await Desk.ListAsync(before, size + 1, context.CancellationToken);
        return new ListOperationsResponse
        {
            Operations = { found.Take(size).Select(OperationsMapping.ToProto) },
            NextPageToken = found.Count > size ? tokens.Write(nameof(ListOperations), "", found[size - 1].Id, "") : "",
        };
    }

    private static async Task<TResponse> ChangeAsync<TResponse>(
        string projection, Func<string, string, CancellationToken, Task> change, ServerCallContext call)
        where TResponse : new()
    {
        new RequestFields().Projection(projection).ThrowIfInvalid();
        await change(projection, CallContexts.UserOf(call), call.CancellationToken);
        return new TResponse();
    }
}

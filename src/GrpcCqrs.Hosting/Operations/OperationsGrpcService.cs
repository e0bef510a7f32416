using Google.Protobuf.WellKnownTypes;
using Grpc.Core;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Operations.V1;
using GrpcCqrs.Storage.Operations;
using GrpcCqrs.Storage.Projections;
using AuditEntry = GrpcCqrs.Operations.V1.AuditEntry;
using CommandOutcome = GrpcCqrs.Operations.V1.CommandOutcome;

namespace GrpcCqrs.Hosting.Operations;

/// <summary>grpccqrs.operations.v1.OperationsService: calls about the write side.</summary>
internal sealed partial class OperationsGrpcService(
    VerificationGate verification, AuditLog audit, ProjectionOperations operations, ParkedEventOperations parked, PageTokens tokens)
    : OperationsService.OperationsServiceBase
{
    private const int DefaultPageSize = 50;
    private const int MaxPageSize = 500;

    public override async Task<VerifyEventLogResponse> VerifyEventLog(VerifyEventLogRequest request, ServerCallContext context)
    {
        var found = await verification.VerifyAsync(context.CancellationToken);
        return new VerifyEventLogResponse
        {
            Intact = found.IsIntact,
            VerifiedEvents = found.Verified,
            BrokenAtPosition = found.BrokenAt ?? 0,
            Problem = found.Problem ?? "",
        };
    }

    public override async Task<ListAuditEntriesResponse> ListAuditEntries(ListAuditEntriesRequest request, ServerCallContext context)
    {
        var filter = FilterOf(request);
        var fingerprint = $"{filter}";
        var size = request.PageSize > 0 ? request.PageSize : DefaultPageSize;
        var before = tokens.Read(nameof(ListAuditEntries), fingerprint, request.PageToken)?.Number;
        var entries = await audit.ReadAsync(filter, before, size + 1, context.CancellationToken);
        return new ListAuditEntriesResponse
        {
            Entries = { entries.Take(size).Select(ToProto) },
            NextPageToken = entries.Count > size ? tokens.Write(nameof(ListAuditEntries), fingerprint, entries[size - 1].Id, "") : "",
        };
    }

    private static AuditFilter FilterOf(ListAuditEntriesRequest request)
    {
        var problems = new List<FieldViolation>();
        Require(request.PageSize is >= 0 and <= MaxPageSize, "page_size", $"Must be 1-{MaxPageSize}, or 0 for the default.");
        Require(System.Enum.IsDefined(request.Outcome), "outcome", "Must be a known outcome.");
        Guid commandId = default;
        Require(
            request.CommandId.Length == 0 || Guid.TryParseExact(request.CommandId, "D", out commandId), "command_id", "Must be a UUID.");
        var filter = new AuditFilter
        {
            CommandType = request.CommandType,
            User = request.User,
            Stream = request.Stream,
            CommandId = request.CommandId.Length == 0 ? null : commandId,
            Outcome = request.Outcome == CommandOutcome.Unspecified ? null : (EventSourcing.CommandOutcome)request.Outcome,
            Start = Time(request.StartTime, "start_time"),
            End = Time(request.EndTime, "end_time"),
        };
        return problems.Count == 0 ? filter : throw RejectedException.Invalid(problems);

        void Require(bool condition, string field, string description)
        {
            if (!condition)
            {
                problems.Add(new FieldViolation(field, description));
            }
        }

        DateTimeOffset? Time(Timestamp? timestamp, string field)
        {
            try
            {
                return timestamp?.ToDateTimeOffset();
            }
            catch (Exception exception) when (exception is InvalidOperationException or ArgumentOutOfRangeException)
            {
                Require(false, field, "Must be a time from the year 1 to 9999 with 0 to 999,999,999 nanoseconds.");
                return null;
            }
        }
    }

    private static AuditEntry ToProto(StoredAuditEntry stored) => new()
    {
        Time = Timestamp.FromDateTimeOffset(stored.Entry.ReceivedAt),
        CommandType = stored.Entry.CommandType,
        CommandId = stored.Entry.CommandId.ToString("D"),
        User = stored.Entry.User,
        Stream = stored.Entry.Stream ?? "",
        Outcome = (CommandOutcome)stored.Entry.Outcome,
        ErrorReason = stored.Entry.ErrorReason ?? "",
        Duration = Duration.FromTimeSpan(TimeSpan.FromMicroseconds(stored.Entry.DurationMicroseconds)),
        Position = stored.Position ?? 0,
    };
}

/// <summary>Allows one verification of the hash chain at a time.</summary>
internal sealed class VerificationGate(LogVerifier verifier) : IDisposable
{
    private readonly SemaphoreSlim gate = new(1);

    public void Dispose() => gate.Dispose();

    /// <exception cref="RejectedException"><see cref="EngineErrors.VerificationRunning"/>.</exception>
    public async Task<Verification> VerifyAsync(CancellationToken cancellationToken)
    {
        if (!await gate.WaitAsync(TimeSpan.Zero, cancellationToken))
        {
            throw new RejectedException(EngineErrors.VerificationRunning, "A verification is running already.")
            {
                RetryAfter = TimeSpan.FromSeconds(10),
            };
        }

        try
        {
            return await verifier.VerifyAsync(cancellationToken);
        }
        finally
        {
            gate.Release();
        }
    }
}

using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections;
using Microsoft.Extensions.Diagnostics.HealthChecks;
using Microsoft.Extensions.Options;

namespace GrpcCqrs.Hosting.Health;

/// <summary>
/// Checks that the read model keeps up, measured against the store's own head, since a dead projector cannot report its
/// own failure. Only the live tables, which queries read, can make it unhealthy: by making no progress or by being
/// ahead of the log. Anything else that needs an operator's attention makes it degraded. A process that follows
/// another's checkpoints uses those.
/// </summary>
internal sealed class ReadModelHealthCheck(
    IEventStore store, IProjectionMonitor projections, IOptions<ReadModelHealthOptions> options, TimeProvider clock) : IHealthCheck
{
    public async Task<HealthCheckResult> CheckHealthAsync(HealthCheckContext context, CancellationToken cancellationToken = default)
    {
        try
        {
            // The tables first: what they have reached by now cannot be ahead of a head read later.
            var all = projections.Current;
            var head = await store.ReadHeadAsync(cancellationToken);
            return Judge(all, head, clock.GetUtcNow(), options.Value.MaxStall);
        }
        catch (DbException exception)
        {
            return HealthCheckResult.Unhealthy("The write database does not answer.", exception);
        }
    }

    /// <summary>Evaluates some table generations.</summary>
    /// <param name="all">The generations.</param>
    /// <param name="head">The position of the last event.</param>
    /// <param name="now">The current time.</param>
    /// <param name="maxStall">How long live tables may make no progress while behind the head.</param>
    public static HealthCheckResult Judge(IReadOnlyList<ProjectionStatus> all, long head, DateTimeOffset now, TimeSpan maxStall)
    {
        ProjectionStatus[] live = [.. all.Where(set => set.State == GenerationState.Live)];
        var data = live.ToDictionary(set => set.Name, set => (object)(head - set.Position), StringComparer.Ordinal);
        if (Array.Find(live, set => set.Position > head) is { } beyond)
        {
            return HealthCheckResult.Unhealthy(
                Text($"{beyond.Name} has seen event {beyond.Position}, but the newest is {head}: the write database was replaced; restart the service."), data: data);
        }

        if (live.Length == 0)
        {
            return HealthCheckResult.Degraded("The projections have not started yet.", data: data);
        }

        ProjectionStatus[] still = [.. live.Where(set => set.Position < head && now - set.ProgressTime > maxStall)];
        string[] stalled = [.. still.Where(set => !IsReplaced(set)).Select(set => Text($"{set.Name} stands at {set.Position} of {head} since {set.ProgressTime:O}."))];
        if (stalled.Length > 0)
        {
            return HealthCheckResult.Unhealthy(string.Join(' ', stalled), data: data);
        }

        string[] concerns = [.. still.Select(set => Text($"{set.Name} stands at {set.Position} of {head} until its tables are filled by its new version.")), .. all.SelectMany(Concerns)];
        return concerns.Length > 0
            ? HealthCheckResult.Degraded(string.Join(' ', concerns), data: data)
            : HealthCheckResult.Healthy(Text($"At most {live.Max(set => head - set.Position)} events behind."), data);

        // The old version's tables get no more events while the new version's are filled; queries read them meanwhile.
        bool IsReplaced(ProjectionStatus set) => all.Any(other =>
            other.Name == set.Name && other.State == GenerationState.Building && other.Version != set.Version && now - other.ProgressTime <= maxStall);
    }

    private static IEnumerable<string> Concerns(ProjectionStatus set)
    {
        if (set.FailedAttempts > 0)
        {
            yield return Text($"{set.Name} ({set.State}) has failed {set.FailedAttempts} times on the event after position {set.Position} and is retried.");
        }

        if (set.State == GenerationState.Live && set.ParkedEvents > 0)
        {
            yield return Text($"{set.Name} has {set.ParkedEvents} parked events, which wait for an operator to retry or skip them.");
        }

        if (set.State == GenerationState.AwaitingApproval)
        {
            yield return $"The rebuilt tables of {set.Name} differ from the live ones and wait for an operator to switch or cancel.";
        }
    }

    private static string Text(FormattableString text) => text.ToString(CultureInfo.InvariantCulture);
}

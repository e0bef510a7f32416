using System.Globalization;
using System.Text.Json;
using GrpcCqrs.Storage.Projections;

namespace GrpcCqrs.Storage.Jobs;

/// <summary>
/// Starts a rebuild and follows it until the switch. The projector does the work and keeps the progress with the
/// tables. The job therefore saves which tables were live before, to find out how an interrupted rebuild ended.
/// </summary>
internal sealed class RebuildJob(ProjectionOperations operations, TimeProvider clock) : JobHandler
{
    private static readonly TimeSpan LookInterval = TimeSpan.FromMilliseconds(250);

    public override string Kind => JobKinds.Rebuild;

    public override string Describe(JobArguments arguments) =>
        $"Rebuild {string.Join(", ", arguments.Projections)}{(arguments.HoldOnDifference ? ", hold on difference" : "")}";

    public override JobArguments Prepare(JobArguments arguments) => arguments with { Projections = operations.NamesOrAll(arguments.Projections) };

    public override async Task<string> RunAsync(JobContext job, CancellationToken cancellationToken)
    {
        if (job.ResumeFrom is null)
        {
            // Before the rebuild is requested, so that a resumed job can tell what has been switched.
            var overview = await operations.ReadAsync(cancellationToken);
            var now = job.Arguments.Projections.ToDictionary(name => name, name => LiveGeneration(overview, name), StringComparer.Ordinal);
            await job.SaveAsync(JsonSerializer.Serialize(now, JobJson.Default.DictionaryStringInt32), cancellationToken);
        }

        var before = JsonSerializer.Deserialize(job.ResumeFrom!, JobJson.Default.DictionaryStringInt32)!;
        var asked = await operations.AskForJobAsync(
            RequestKind.Rebuild,
            new RequestArguments { Projections = job.Arguments.Projections, HoldsOnDifference = job.Arguments.HoldOnDifference },
            job.Origin,
            cancellationToken);
        await operations.WaitAsync(asked, cancellationToken);
        return await FollowAsync(job, before, cancellationToken);
    }

    public override async Task<string> CancelAsync(JobContext job, CancellationToken cancellationToken)
    {
        var overview = await operations.ReadAsync(cancellationToken);
        var built = job.Arguments.Projections.Where(name => IsBuilt(overview, name)).ToArray();
        foreach (var name in built)
        {
            await operations.CancelRebuildAsync(name, job.Job.CancelledBy ?? job.Job.User, cancellationToken);
        }

        return built.Length == 0 ? "Cancelled; no rebuild was left to give up." : $"Cancelled; the live tables of {string.Join(", ", built)} stay.";
    }

    private async Task<string> FollowAsync(JobContext job, Dictionary<string, int> before, CancellationToken cancellationToken)
    {
        while (true)
        {
            var overview = await operations.ReadAsync(cancellationToken);
            var building = overview.Generations.Where(set => before.ContainsKey(set.Name) && set.State is GenerationState.Building or GenerationState.Paused).ToArray();
            if (building.Length == 0)
            {
                return Outcome(overview, before);
            }

            var total = overview.Head * before.Count;
            var done = total - building.Sum(set => Math.Max(0, overview.Head - set.Position));
            await job.ReportAsync(done, total, string.Join("; ", building.Select(set => Describe(set, overview.Head))), cancellationToken);
            await Task.Delay(LookInterval, clock, cancellationToken);
        }
    }

    private static string Outcome(ProjectionOverview overview, Dictionary<string, int> before)
    {
        var outcomes = before.Keys.GroupBy(
            name => overview.Generations.Any(set => set.Name == name && set.State == GenerationState.AwaitingApproval) ? "differs from the live tables and awaits approval"
                : LiveGeneration(overview, name) != before[name] ? "rebuilt and switched"
                : "not switched: the rebuild was cancelled",
            StringComparer.Ordinal);
        return string.Join("; ", outcomes.Select(outcome => $"{string.Join(", ", outcome)}: {outcome.Key}")) + ".";
    }

    private static string Describe(ProjectionStatus set, long head)
    {
        var text = string.Create(CultureInfo.InvariantCulture, $"{set.Name} at {set.Position} of {head}");
        return set switch
        {
            { State: GenerationState.Paused } => $"{text}, paused",
            { LastError: { } error } => $"{text}, failing: {error}",
            { EventsPerSecond: > 0 } => string.Create(CultureInfo.InvariantCulture, $"{text}, {set.EventsPerSecond:F0} events/s"),
            _ => text,
        };
    }

    private static bool IsBuilt(ProjectionOverview overview, string name) =>
        overview.Generations.Any(set => set.Name == name && set.State is GenerationState.Building or GenerationState.Paused or GenerationState.AwaitingApproval);

    private static int LiveGeneration(ProjectionOverview overview, string name) =>
        overview.Generations.FirstOrDefault(set => set.Name == name && set.State == GenerationState.Live)?.Generation ?? -1;
}

using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Readers;
using GrpcCqrs.Storage.Subscriptions;

namespace GrpcCqrs.Storage.Operations;

/// <summary>
/// The operators' actions on parked events, the same for every reader of the log. A reader is named
/// <c>projections/NAME</c> or <c>consumerGroups/NAME</c>; the latter includes the service's own subscriptions.
/// </summary>
internal sealed class ParkedEventOperations
{
    private const string OfProjections = "projections/";
    private const string OfGroups = "consumerGroups/";

    private readonly ProjectionOperations projections;
    private readonly ConsumerGroups groups;

    internal ParkedEventOperations(ProjectionOperations projections, ConsumerGroups groups) => (this.projections, this.groups) = (projections, groups);

    /// <summary>Whether a text is the name of a reader, which need not exist.</summary>
    public static bool IsReader(string reader)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return IsProjection(reader, out var name) || IsGroup(reader, out name) ? name.Length > 0 : false;
    }

    /// <summary>
    /// Parked events, ordered by position and reader: of projections, those that are missing from the live tables.
    /// </summary>
    /// <param name="reader">The reader; empty for all. A node without a read database then leaves out projections.</param>
    /// <param name="after">The last event seen and its reader; a position of 0 to begin.</param>
    /// <param name="count">The most events to return.</param>
    /// <param name="cancellationToken">Cancels the work.</param>
    /// <exception cref="RejectedException">
    /// There is no such reader, or this process has no read database to look for projections in.
    /// </exception>
    public async Task<IReadOnlyList<ParkedEvent>> ListAsync(
        string reader, (long Position, string Reader) after, int count, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        var found = new List<ParkedEvent>();
        if (reader.Length == 0 || IsGroup(reader, out _))
        {
            // By position, then reader: every consumer group comes before every projection.
            var seen = after.Reader.Length > 0 && !IsGroup(after.Reader, out _) ? (after.Position + 1, "") : (after.Position, NameOf(after.Reader));
            found.AddRange((await groups.ListParkedAsync(NameOf(reader), seen, count, cancellationToken)).Select(parked => parked with { Reader = OfGroups + parked.Reader }));
        }

        if ((reader.Length == 0 && projections.HasReadDatabase) || IsProjection(reader, out _))
        {
            var seen = (after.Position, IsProjection(after.Reader, out var name) ? name : "");
            found.AddRange((await Projections.ListParkedAsync(NameOf(reader), seen, count, cancellationToken)).Select(parked => parked with { Reader = OfProjections + parked.Reader }));
        }

        return [.. found.OrderBy(parked => parked.Position).ThenBy(parked => parked.Reader, StringComparer.Ordinal).Take(count)];
    }

    /// <summary>
    /// Retries parked events, of one stream or of all, and makes a stalled projection try its next event at once. A
    /// projection has applied them, or not, when this returns; a consumer group delivers them afterwards.
    /// </summary>
    /// <returns>
    /// How many events were applied or are to be delivered again, and how many of a projection's streams are still parked.
    /// </returns>
    /// <exception cref="RejectedException">There is no such reader, or nothing of the stream is parked.</exception>
    public async Task<(long Events, int StillParked)> RetryAsync(string reader, string? stream, string user, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        if (IsGroup(reader, out var name))
        {
            return (await groups.RetryParkedAsync(name, stream, cancellationToken), 0);
        }

        var done = await Projections.RetryParkedAsync(NameOf(reader), stream, user, cancellationToken);
        return (done.Events, done.StillParked);
    }

    /// <summary>
    /// Skips an event for good: the first parked event of its stream, or the event that a projection is stalled at. The
    /// skip is recorded with its user.
    /// </summary>
    /// <exception cref="RejectedException">There is no such reader, or the event does not block it.</exception>
    public Task SkipAsync(string reader, long position, string user, CancellationToken cancellationToken)
    {
        ArgumentNullException.ThrowIfNull(reader);
        return IsGroup(reader, out var name)
            ? groups.SkipParkedAsync(name, position, user, cancellationToken)
            : Projections.SkipParkedAsync(NameOf(reader), position, user, cancellationToken);
    }

    /// <summary>All skipped events, ordered by position: those of consumer groups and, with a read database, of projections.</summary>
    public async Task<IReadOnlyList<SkippedEvent>> ListSkippedAsync(CancellationToken cancellationToken)
    {
        var ofGroups = (await groups.ListSkippedAsync(cancellationToken)).Select(skipped => skipped with { Reader = OfGroups + skipped.Reader });
        var ofProjections = projections.HasReadDatabase
            ? (await projections.ListSkippedAsync(cancellationToken)).Select(skipped => skipped with { Reader = OfProjections + skipped.Reader })
            : [];
        return [.. ofGroups.Concat(ofProjections).OrderBy(skipped => skipped.Position)];
    }

    private ProjectionOperations Projections => projections.HasReadDatabase
        ? projections
        : throw new RejectedException(EngineErrors.NoReadDatabase, "This node serves commands only; ask another one about projections.");

    private static bool IsProjection(string reader, out string name) => StartsWith(reader, OfProjections, out name);

    private static bool IsGroup(string reader, out string name) => StartsWith(reader, OfGroups, out name);

    private static bool StartsWith(string reader, string prefix, out string name)
    {
        var isSo = reader.StartsWith(prefix, StringComparison.Ordinal);
        name = isSo ? reader[prefix.Length..] : "";
        return isSo;
    }

    private static string NameOf(string reader) => reader[(reader.IndexOf('/', StringComparison.Ordinal) + 1)..];
}

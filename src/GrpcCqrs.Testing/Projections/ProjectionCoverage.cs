using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Testing;

/// <summary>
/// Records what the histories of a projection's checks contained. On empty tables any fold passes a law.
/// </summary>
internal sealed class ProjectionCoverage
{
    private readonly HashSet<Type> events = [];
    private readonly HashSet<string> filled = new(StringComparer.Ordinal);

    public void Add(EventTypeRegistry types, ProjectionHistory history) =>
        events.UnionWith(history.Events.SelectMany(types.Read).Select(envelope => envelope.Event.GetType()));

    public void Add(TableContent content) => filled.UnionWith(content.FilledParts);

    /// <summary>The gaps that make the checks incomplete, in words.</summary>
    /// <param name="types">The service's event types.</param>
    /// <param name="projection">The projection.</param>
    /// <param name="place">Where histories are written, in words.</param>
    public IEnumerable<string> Gaps(EventTypeRegistry types, IProjection projection, string place)
    {
        foreach (var handled in projection.Handles)
        {
            Type[] known = [.. types.All.Select(type => type.ClrType).Where(handled.IsAssignableFrom)];
            if (known.Length == 0)
            {
                yield return $"{projection.Name} handles {handled.Name}, which is no registered event type: add its module, or correct Handles.";
            }

            foreach (var missing in known.Where(type => !events.Contains(type)))
            {
                yield return $"{projection.Name} handles {missing.Name}, and no history has one: add it to the histories that the projection is checked on{place}.";
            }
        }

        foreach (var part in projection.Rows.Where(part => !filled.Contains(part.Name)))
        {
            yield return $"No history leaves a row in {part.Name} of {projection.Name}: add one that does{place}.";
        }
    }
}

/// <summary>The histories that a projection was checked on have gaps; the message says what to add.</summary>
/// <param name="message">All gaps, one per line.</param>
public sealed class HistoryGapException(string message) : Exception(message);

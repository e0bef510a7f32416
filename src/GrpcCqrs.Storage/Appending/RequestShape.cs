using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage;

/// <summary>
/// Refuses appends that no database could write, before they are queued: what gets as far as a transaction shares it with others.
/// </summary>
internal static class RequestShape
{
    /// <exception cref="ArgumentException">The request is malformed: a fault of the code that made it.</exception>
    public static void ThrowIfMalformed(AppendRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Stream is { } stream)
        {
            Check(stream.ToString(), StreamId.MaxLength, "stream");
        }
        else if (request.Events.Count > 0 || request.Command is not null || request.Claims.Count > 0)
        {
            throw new ArgumentException("Events, commands and keys need a stream.", nameof(request));
        }

        if (request.Events.Count > 0)
        {
            var metadata = request.Metadata ?? throw new ArgumentException("Events need metadata.", nameof(request));
            Check(metadata.CorrelationId, ColumnWidths.CorrelationId, "correlation id");
            Check(metadata.CausationId, ColumnWidths.CorrelationId, "causation id");
            Check(metadata.User, ColumnWidths.User, "user");
        }

        foreach (var @event in request.Events)
        {
            Check(@event.Type, ColumnWidths.TypeName, "event type");
        }

        foreach (var key in request.Claims)
        {
            Check(key.Scope, ColumnWidths.KeyScope, "key scope");
            Check(key.Value, ColumnWidths.KeyValue, "key value");
        }

        if (request.Command?.Reply is { } reply)
        {
            Check(reply, ColumnWidths.Reply, "reply");
        }

        if (request.Audit is { } audit)
        {
            Check(audit.CommandType, ColumnWidths.TypeName, "command type");
            Check(audit.User, ColumnWidths.User, "user");
        }
    }

    private static void Check(string? text, int maxLength, string what)
    {
        if (text is null || text.Length > maxLength)
        {
            throw new ArgumentException($"The {what} must be 0-{maxLength} characters.", nameof(text));
        }
    }
}

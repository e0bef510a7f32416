using System.Buffers;
using System.Text;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;

namespace GrpcCqrs.Storage.EventStore;

/// <summary>
/// Rejects appends that one of the databases could not write, before they are queued: an append that reaches a
/// transaction shares it with others. What one database rejects is rejected for all.
/// </summary>
internal static class RequestShape
{
    /// <exception cref="ArgumentException">
    /// The request is malformed, which is a bug in the code that created it.
    /// </exception>
    public static void ThrowIfMalformed(AppendRequest request)
    {
        ArgumentNullException.ThrowIfNull(request);
        if (request.Stream is { } stream)
        {
            CheckKey(stream.ToString(), StreamId.MaxLength, "stream");
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
            CheckKey(key.Scope, ColumnWidths.KeyScope, "key scope");
            CheckKey(key.Value, ColumnWidths.KeyValue, "key value");
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

        // PostgreSQL text cannot hold U+0000, and a lone surrogate has no UTF-8 encoding.
        if (text.Contains('\0', StringComparison.Ordinal) || !IsWellFormed(text))
        {
            throw new ArgumentException($"The {what} must be well-formed Unicode without U+0000.", nameof(text));
        }
    }

    /// <summary>
    /// SQL Server treats texts that differ only in trailing spaces as equal, in unique constraints too.
    /// </summary>
    private static void CheckKey(string? text, int maxLength, string what)
    {
        Check(text, maxLength, what);
        if (text!.EndsWith(' '))
        {
            throw new ArgumentException($"The {what} must not end in a space.", nameof(text));
        }
    }

    private static bool IsWellFormed(string text)
    {
        for (var rest = text.AsSpan(); ;)
        {
            var at = rest.IndexOfAnyInRange('\uD800', '\uDFFF');
            if (at < 0)
            {
                return true;
            }

            if (Rune.DecodeFromUtf16(rest[at..], out _, out var consumed) != OperationStatus.Done)
            {
                return false;
            }

            rest = rest[(at + consumed)..];
        }
    }
}

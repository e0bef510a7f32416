using System.Globalization;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Storage.Projections;

/// <summary>A difference between the read model and the fold of its events.</summary>
/// <param name="Projection">The projection.</param>
/// <param name="Rows">The projected rows, as the projection names them.</param>
/// <param name="Stream">The stream that was refolded.</param>
/// <param name="Position">The tables' checkpoint.</param>
/// <param name="Field">The column; empty if a whole row is missing or unexpected.</param>
/// <param name="Found">The value in the table; null for no row or no value.</param>
/// <param name="Expected">The value from the fold; null for no row or no value.</param>
internal sealed record Drift(string Projection, string Rows, string Stream, long Position, string Field, string? Found, string? Expected);

/// <summary>
/// Compares a stream's rows in the live tables with a fold of its events, by refolding it in place and rolling that
/// back. Used by the runner's loop only.
/// </summary>
internal sealed class DriftAudit(Projector projector, StreamReplay replay)
{
    /// <summary>Rows that depend on several streams are compared only if there are at most this many.</summary>
    private const int MaxSharedRows = 1_000;

    /// <summary>The differences between a projection's live tables and the fold of one stream.</summary>
    /// <exception cref="RejectedException">The projection cannot refold a single stream.</exception>
    public async Task<IReadOnlyList<Drift>> AuditAsync(string projection, StreamId stream, CancellationToken cancellationToken)
    {
        if (projector.Live(projection) is not { IsFed: true } state || !state.HasStreamsOf(stream.Category) || state.Parked.ContainsKey(stream.ToString()))
        {
            // The projection has nothing of the stream; or a parked event, which is known to be missing and no drift.
            return [];
        }

        var keyed = StreamReplay.Keyed(state);
        IReadOnlyList<Drift> found = [];
        try
        {
            await projector.InTransactionAsync(
                async (session, transaction) =>
                {
                    var tables = session.Tables(state.Generation, transaction);
                    var before = await ReadAsync(keyed, stream, tables, cancellationToken);
                    await replay.RefoldAsync(state, keyed, stream, tables, cancellationToken);
                    found = Compare(state, stream, keyed.Rows, before, await ReadAsync(keyed, stream, tables, cancellationToken));
                    throw new AuditDoneException();
                },
                cancellationToken);
        }
        catch (AuditDoneException)
        {
            // The transaction is rolled back, so the audit changes nothing.
        }

        return found;
    }

    private static async Task<List<Dictionary<string, string?>>?[]> ReadAsync(
        IProjection projection, StreamId stream, IProjectionTables tables, CancellationToken cancellationToken)
    {
        var parts = new List<List<Dictionary<string, string?>>?>();
        foreach (var rows in projection.Rows)
        {
            if (rows.StreamColumn is null
                && (await tables.QueryAsync(
                    $"SELECT COUNT(*) FROM ({rows.Select}) AS counted", [], row => Convert.ToInt64(row.GetValue(0), CultureInfo.InvariantCulture), cancellationToken))[0] > MaxSharedRows)
            {
                parts.Add(null);
                continue;
            }

            parts.Add(await tables.QueryAsync(
                rows.StreamColumn is null ? rows.Select : $"SELECT * FROM ({rows.Select}) AS audited WHERE {rows.StreamColumn} = @audited_stream",
                rows.StreamColumn is null ? [] : [("audited_stream", stream.Id)],
                row => Enumerable.Range(0, row.FieldCount).ToDictionary(
                    row.GetName, index => row.IsDBNull(index) ? null : Convert.ToString(row.GetValue(index), CultureInfo.InvariantCulture), StringComparer.Ordinal),
                cancellationToken));
        }

        return [.. parts];
    }

    private static List<Drift> Compare(
        ProjectionState state, StreamId stream, IReadOnlyList<ProjectedRows> rows,
        List<Dictionary<string, string?>>?[] before, List<Dictionary<string, string?>>?[] after)
    {
        var drifts = new List<Drift>();
        for (var part = 0; part < rows.Count; part++)
        {
            if (before[part] is not { } found || after[part] is not { } expected)
            {
                continue;
            }

            var texts = expected.Select(Text).ToHashSet(StringComparer.Ordinal);
            var wrong = found.Where(row => !texts.Remove(Text(row))).ToList();
            var missing = expected.Where(row => texts.Remove(Text(row))).ToList();
            if (wrong.Count == 1 && missing.Count == 1)
            {
                drifts.AddRange(wrong[0].Where(field => field.Value != missing[0][field.Key])
                    .Select(field => Of(part, field.Key, field.Value, missing[0][field.Key])));
                continue;
            }

            drifts.AddRange(wrong.Select(row => Of(part, "", Text(row), null)));
            drifts.AddRange(missing.Select(row => Of(part, "", null, Text(row))));
        }

        return drifts;

        Drift Of(int part, string field, string? found, string? expected) =>
            new(state.Name, rows[part].Name, stream.ToString(), state.Position, field, Cut(found), Cut(expected));

        static string Text(Dictionary<string, string?> row) => string.Join(", ", row.Select(field => $"{field.Key}={field.Value ?? "NULL"}"));

        static string? Cut(string? text) => text?.Length > 200 ? text[..200] + "…" : text;
    }

    /// <summary>Thrown to roll an audit's transaction back.</summary>
    private sealed class AuditDoneException : Exception;
}

using System.Data.Common;
using System.Globalization;
using GrpcCqrs.EventSourcing;

namespace GrpcCqrs.Testing;

/// <summary>
/// The contents of one generation of a projection's tables, in the form of <see cref="IProjection.Rows"/>.
/// </summary>
internal sealed class TableContent
{
    /// <summary>How much of a value a report shows.</summary>
    private const int MaxShown = 100;

    private readonly List<(ProjectedRows Part, List<Row> Rows)> parts = [];

    /// <summary>The parts that have rows.</summary>
    public IEnumerable<string> FilledParts => parts.Where(part => part.Rows.Count > 0).Select(part => part.Part.Name);

    public static async Task<TableContent> ReadAsync(DbConnection connection, IProjection projection, int generation, CancellationToken cancellationToken)
    {
        var content = new TableContent();
        foreach (var part in projection.Rows)
        {
            await using var command = connection.CreateCommand();
            command.CommandText = GenerationNames.Resolve(generation, part.Select);
            await using var reader = await command.ExecuteReaderAsync(cancellationToken);
            var key = part.StreamColumn is null ? 0 : reader.GetOrdinal(part.StreamColumn);
            var rows = new List<Row>();
            while (await reader.ReadAsync(cancellationToken))
            {
                rows.Add(new Row(key, [.. Enumerable.Range(0, reader.FieldCount).Select(index => (reader.GetName(index), Text(reader.GetValue(index))))]));
            }

            content.parts.Add((part, rows));
        }

        return content;
    }

    /// <summary>The first difference in words; null if there is none.</summary>
    /// <param name="expected">The expected contents.</param>
    public string? DifferenceFrom(TableContent expected)
    {
        for (var index = 0; index < parts.Count; index++)
        {
            var name = parts[index].Part.Name;
            var (wrong, missing) = (Subtract(parts[index].Rows, expected.parts[index].Rows), Subtract(expected.parts[index].Rows, parts[index].Rows));
            if (wrong.Count > 0 && missing.Find(row => row.Key == wrong[0].Key) is { } counterpart)
            {
                var (column, found, right) = wrong[0].FirstDifference(counterpart);
                return $"In {name} the row with {wrong[0].Key} says {column} = {Cut(found)} where {Cut(right)} was expected.";
            }

            if (wrong.Count > 0)
            {
                return $"In {name} there is the row {wrong[0]}, which should not be there.";
            }

            if (missing.Count > 0)
            {
                return $"In {name} the row {missing[0]} is missing.";
            }
        }

        return null;
    }

    /// <summary>The rows of one list that are not in the other; duplicate rows are counted.</summary>
    private static List<Row> Subtract(List<Row> rows, List<Row> others)
    {
        var left = others.GroupBy(row => row.Whole, StringComparer.Ordinal).ToDictionary(group => group.Key, group => group.Count(), StringComparer.Ordinal);
        var remaining = new List<Row>();
        foreach (var row in rows.OrderBy(row => row.Whole, StringComparer.Ordinal))
        {
            if (left.GetValueOrDefault(row.Whole) > 0)
            {
                left[row.Whole]--;
            }
            else
            {
                remaining.Add(row);
            }
        }

        return remaining;
    }

    private static string Text(object value) => value switch
    {
        DBNull => "NULL",
        byte[] bytes => Convert.ToHexString(bytes),
        string text => $"'{text}'",
        _ => Convert.ToString(value, CultureInfo.InvariantCulture) ?? "",
    };

    private static string Cut(string text) => text.Length > MaxShown ? text[..MaxShown] + "…" : text;

    private sealed class Row(int keyIndex, (string Column, string Value)[] fields)
    {
        public string Key { get; } = $"{fields[keyIndex].Column} = {fields[keyIndex].Value}";

        public string Whole { get; } = string.Join('\n', fields.Select(field => field.Value));

        public (string Column, string Found, string Expected) FirstDifference(Row expected)
        {
            var index = Array.FindIndex(fields, field => field.Value != expected.ValueOf(field.Column));
            return (fields[index].Column, fields[index].Value, expected.ValueOf(fields[index].Column));
        }

        public override string ToString() => string.Join(", ", fields.Select(field => $"{field.Column} = {Cut(field.Value)}"));

        private string ValueOf(string column) => Array.Find(fields, field => field.Column == column).Value;
    }
}

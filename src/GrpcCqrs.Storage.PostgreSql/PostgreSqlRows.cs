using GrpcCqrs.EventSourcing;
using Npgsql;

namespace GrpcCqrs.Storage.PostgreSql;

/// <summary>Changes many rows of a projection's table in one statement, with one array for each column.</summary>
internal static class PostgreSqlRows
{
    /// <summary>
    /// The statement. It names no types: the arrays are sent with theirs, and the server converts them to the columns'.
    /// </summary>
    public static string TextOf(RowChange change, string table)
    {
        var columns = string.Join(", ", change.Names);
        var rows = $"unnest({string.Join(", ", change.Names.Select((_, index) => $"${index + 1}"))}) AS i({columns})";
        var condition = string.Join(" AND ", change.Keys.Select(column => $"t.{column} = i.{column}"));
        return change.Kind switch
        {
            RowChangeKind.Insert => $"INSERT INTO {table} ({columns}) SELECT {columns} FROM {rows}",
            RowChangeKind.Update => $"UPDATE {table} AS t SET {string.Join(", ", change.Values.Select(column => $"{column} = i.{column}"))} FROM {rows} WHERE {condition}",
            _ => $"DELETE FROM {table} AS t USING {rows} WHERE {condition}",
        };
    }

    /// <summary>
    /// The values of a column as an array parameter. Null if they are not all of one type that the driver can send as
    /// an array, for example if all are null.
    /// </summary>
    public static NpgsqlParameter? Column(IReadOnlyList<object?[]> rows, int index) => rows.Select(row => row[index]).FirstOrDefault(value => value is not null) switch
    {
        string => Objects<string>(rows, index),
        byte[] => Objects<byte[]>(rows, index),
        long => Values<long>(rows, index),
        int => Values<int>(rows, index),
        bool => Values<bool>(rows, index),
        double => Values<double>(rows, index),
        decimal => Values<decimal>(rows, index),
        Guid => Values<Guid>(rows, index),
        _ => null,
    };

    private static NpgsqlParameter<T?[]>? Objects<T>(IReadOnlyList<object?[]> rows, int index)
        where T : class
    {
        var values = new T?[rows.Count];
        for (var row = 0; row < values.Length; row++)
        {
            values[row] = rows[row][index] as T;
            if (values[row] is null && rows[row][index] is not null)
            {
                return null;
            }
        }

        return new NpgsqlParameter<T?[]> { TypedValue = values };
    }

    private static NpgsqlParameter? Values<T>(IReadOnlyList<object?[]> rows, int index)
        where T : struct
    {
        var (values, nulls) = (new T?[rows.Count], 0);
        for (var row = 0; row < values.Length; row++)
        {
            switch (rows[row][index])
            {
                case T value:
                    values[row] = value;
                    break;
                case null:
                    nulls++;
                    break;
                default:
                    return null;
            }
        }

        return nulls > 0 ? new NpgsqlParameter<T?[]> { TypedValue = values } : new NpgsqlParameter<T[]> { TypedValue = Array.ConvertAll(values, value => value!.Value) };
    }
}

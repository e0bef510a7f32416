using System.Buffers;
using System.Data;
using System.Text;
using System.Text.Json;
using Microsoft.Data.SqlClient;

namespace GrpcCqrs.Storage.SqlServer;

/// <summary>
/// What one round trip sends: statements, and the parameters that they share. Every parameter has the type and size that it always
/// has, since the server keeps a plan for each combination of a text with its parameters' types.
/// </summary>
internal sealed class SqlServerRequest
{
    private const int Unlimited = -1;
    private readonly List<string> statements = [];
    private readonly List<SqlParameter> parameters = [];
    private ArrayBufferWriter<byte>? bytes;

    /// <summary>The text of the request; empty where there is nothing to send.</summary>
    public string Text => string.Join(";\n", statements);

    /// <summary>Its parameters.</summary>
    public IReadOnlyList<SqlParameter> Parameters =>
        bytes is null ? parameters : [.. parameters, Parameter("bytes", SqlDbType.VarBinary, Unlimited, bytes.WrittenMemory.ToArray())];

    /// <summary>Adds statements that take a set, unless it is empty.</summary>
    public void AddSet<TRow>(string name, IReadOnlyCollection<TRow> rows, Action<Utf8JsonWriter, TRow> write, params ReadOnlySpan<string> texts)
    {
        if (rows.Count == 0)
        {
            return;
        }

        var json = new ArrayBufferWriter<byte>();
        using (var writer = new Utf8JsonWriter(json))
        {
            writer.WriteStartArray();
            foreach (var row in rows)
            {
                write(writer, row);
            }

            writer.WriteEndArray();
        }

        parameters.Add(Parameter(name, SqlDbType.NVarChar, Unlimited, Encoding.UTF8.GetString(json.WrittenSpan)));
        foreach (var text in texts)
        {
            statements.Add(text);
        }
    }

    /// <summary>Adds a statement with single values.</summary>
    public void Add(string text, params ReadOnlySpan<(string Name, object Value)> values)
    {
        statements.Add(text);
        foreach (var (name, value) in values)
        {
            parameters.Add(value switch
            {
                byte[] hash => Parameter(name, SqlDbType.VarBinary, 32, hash),
                int number => Parameter(name, SqlDbType.Int, 0, number),
                _ => Parameter(name, SqlDbType.BigInt, 0, value),
            });
        }
    }

    /// <summary>Puts bytes with the others, and returns where they begin, counted from 1 as SUBSTRING does.</summary>
    public long PlaceOf(byte[] value)
    {
        bytes ??= new ArrayBufferWriter<byte>();
        var place = bytes.WrittenCount + 1;
        bytes.Write(value);
        return place;
    }

    private static SqlParameter Parameter(string name, SqlDbType type, int size, object value) => new($"@{name}", type, size) { Value = value };
}

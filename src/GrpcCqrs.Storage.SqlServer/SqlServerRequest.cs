using System.Buffers;
using System.Data;
using System.Text;
using System.Text.Json;
using Microsoft.Data.SqlClient;

namespace GrpcCqrs.Storage.SqlServer;

/// <summary>
/// The content of one round trip: statements, and the parameters that they share. Each parameter always has the same
/// type and size, since the server caches a plan for each combination of text and parameter types.
/// </summary>
internal sealed class SqlServerRequest
{
    private const int Unlimited = -1;
    private readonly List<string> statements = [];
    private readonly List<SqlParameter> parameters = [];
    private ArrayBufferWriter<byte>? bytes;

    /// <summary>The text of the request; empty if there is nothing to send.</summary>
    public string Text => string.Join(";\n", statements);

    /// <summary>Its parameters.</summary>
    public IReadOnlyList<SqlParameter> Parameters =>
        bytes is null ? parameters : [.. parameters, Parameter("bytes", SqlDbType.VarBinary, Unlimited, bytes.WrittenMemory.ToArray())];

    /// <summary>Adds statements for a set of rows, unless the set is empty.</summary>
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

    /// <summary>Adds a statement with scalar values.</summary>
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

    /// <summary>
    /// Appends bytes to the shared binary parameter, and returns their 1-based offset, as used by SUBSTRING.
    /// </summary>
    public long PlaceOf(byte[] value)
    {
        bytes ??= new ArrayBufferWriter<byte>();
        var place = bytes.WrittenCount + 1;
        bytes.Write(value);
        return place;
    }

    private static SqlParameter Parameter(string name, SqlDbType type, int size, object value) => new($"@{name}", type, size) { Value = value };
}

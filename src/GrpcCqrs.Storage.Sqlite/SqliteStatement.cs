using System.Buffers;
using System.Buffers.Text;
using GrpcCqrs.Storage.Databases;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>
/// A prepared statement on SQLite's C API. A <see cref="SqliteCommand"/> looks up its parameters by name, boxes their
/// values and creates a reader at each execution, which costs more than most rows do. Values are bound in the order of
/// the given names; texts and ids are stored in the driver's format. Used by one thread at a time.
/// </summary>
internal sealed class SqliteStatement : IRowStatement
{
    private const int Ok = 0;
    private const int Row = 100;
    private const int Done = 101;
    private const int Null = 5;
    private const int GuidLength = 36;

    private readonly sqlite3 database;
    private readonly sqlite3_stmt statement;
    private readonly int[] parameters;
    private int bound;

    /// <exception cref="SqliteException">SQLite rejects the text.</exception>
    public SqliteStatement(SqliteConnection connection, string text, params ReadOnlySpan<string> names)
    {
        database = connection.Handle ?? throw new InvalidOperationException("The connection is closed.");
        Check(raw.sqlite3_prepare_v2(database, text, out statement));
        parameters = new int[names.Length];
        for (var index = 0; index < names.Length; index++)
        {
            parameters[index] = raw.sqlite3_bind_parameter_index(statement, "@" + names[index]);
        }
    }

    public SqliteStatement Bind(long value)
    {
        Check(raw.sqlite3_bind_int64(statement, parameters[bound++], value));
        return this;
    }

    public SqliteStatement Bind(long? value) => value is { } number ? Bind(number) : BindNull();

    public SqliteStatement Bind(string? value)
    {
        if (value is null)
        {
            return BindNull();
        }

        Check(raw.sqlite3_bind_text(statement, parameters[bound++], value));
        return this;
    }

    public SqliteStatement Bind(ReadOnlySpan<byte> value)
    {
        Check(raw.sqlite3_bind_blob(statement, parameters[bound++], value));
        return this;
    }

    /// <summary>Binds an id in the driver's format: upper-case text with hyphens.</summary>
    public SqliteStatement Bind(Guid value)
    {
        Span<byte> text = stackalloc byte[GuidLength];
        Utf8Formatter.TryFormat(value, text, out _, new StandardFormat('D'));
        System.Text.Ascii.ToUpperInPlace(text, out _);
        Check(raw.sqlite3_bind_text(statement, parameters[bound++], text));
        return this;
    }

    /// <inheritdoc/>
    public int Run(IReadOnlyList<object?[]> rows)
    {
        for (var index = 0; index < rows.Count; index++)
        {
            bound = 0; // Also after a value that could not be bound.
            foreach (var value in rows[index])
            {
                if (!TryBind(value))
                {
                    Reset();
                    return index;
                }
            }

            Run();
        }

        return rows.Count;
    }

    /// <summary>Runs a statement that returns no rows.</summary>
    /// <exception cref="SqliteException">SQLite rejects it.</exception>
    public void Run()
    {
        var isRow = Step();
        Reset();
        if (isRow)
        {
            throw new InvalidOperationException("The statement returned a row.");
        }
    }

    /// <summary>
    /// Advances to the next row; returns false if there is none. Call <see cref="Reset"/> at the end.
    /// </summary>
    /// <exception cref="SqliteException">SQLite rejects it.</exception>
    public bool Step()
    {
        var result = raw.sqlite3_step(statement);
        if (result is Row or Done)
        {
            return result == Row;
        }

        try
        {
            SqliteException.ThrowExceptionForRC(result, database);
            throw new InvalidOperationException($"SQLite answered a step with {result}.");
        }
        finally
        {
            Reset();
        }
    }

    public void Reset()
    {
        // Ignore the result: it repeats that of the last step.
        _ = raw.sqlite3_reset(statement);
        bound = 0;
    }

    public bool IsNull(int column) => raw.sqlite3_column_type(statement, column) == Null;

    public long Int64(int column) => raw.sqlite3_column_int64(statement, column);

    public string Text(int column) => raw.sqlite3_column_text(statement, column).utf8_to_string()!;

    public byte[] Blob(int column) => raw.sqlite3_column_blob(statement, column).ToArray();

    public void Dispose() => statement.Dispose();

    /// <summary>Binds a value, if its type has an unambiguous format in the database.</summary>
    private bool TryBind(object? value)
    {
        switch (value)
        {
            case null or DBNull:
                BindNull();
                return true;
            case string text:
                Bind(text);
                return true;
            case long number:
                Bind(number);
                return true;
            case int number:
                Bind((long)number);
                return true;
            default:
                return false;
        }
    }

    private SqliteStatement BindNull()
    {
        Check(raw.sqlite3_bind_null(statement, parameters[bound++]));
        return this;
    }

    private void Check(int result)
    {
        if (result != Ok)
        {
            SqliteException.ThrowExceptionForRC(result, database);
        }
    }
}

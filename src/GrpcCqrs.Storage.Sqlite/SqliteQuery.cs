using System.Globalization;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>A prepared statement that reads, with what is known of its columns. Values are bound as the driver binds them.</summary>
internal sealed class SqliteQuery : IDisposable
{
    private const int Ok = 0;

    private readonly sqlite3 database;
    private readonly string[] parameters;
    private readonly Dictionary<string, int> ordinals = new(StringComparer.OrdinalIgnoreCase);
    private volatile bool isStepping;

    /// <exception cref="SqliteException">SQLite does not take the text.</exception>
    public SqliteQuery(SqliteConnection connection, string text)
    {
        Text = text;
        database = connection.Handle ?? throw new InvalidOperationException("The connection is closed.");
        SqliteException.ThrowExceptionForRC(raw.sqlite3_prepare_v2(database, text, out var statement), database);
        Statement = statement;
        parameters = [.. Enumerable.Range(1, raw.sqlite3_bind_parameter_count(statement)).Select(index => raw.sqlite3_bind_parameter_name(statement, index).utf8_to_string()!)];
        Columns = [.. Enumerable.Range(0, raw.sqlite3_column_count(statement)).Select(index => raw.sqlite3_column_name(statement, index).utf8_to_string()!)];
        Types = [.. Enumerable.Range(0, Columns.Length).Select(index => TypeOf(raw.sqlite3_column_decltype(statement, index).utf8_to_string()))];
        for (var index = Columns.Length - 1; index >= 0; index--)
        {
            ordinals[Columns[index]] = index;
        }
    }

    public string Text { get; }

    public sqlite3_stmt Statement { get; }

    /// <summary>The columns' names.</summary>
    public string[] Columns { get; }

    /// <summary>What the table says that the columns hold; null for a column that is no table's.</summary>
    public Type?[] Types { get; }

    public int OrdinalOf(string column) => ordinals.TryGetValue(column, out var ordinal)
        ? ordinal
        : throw new ArgumentOutOfRangeException(nameof(column), column, "There is no such column.");

    /// <summary>Gives each parameter of the text the value of the same name, with or without the character before it.</summary>
    /// <exception cref="InvalidOperationException">A parameter has no value.</exception>
    /// <exception cref="NotSupportedException">A value has a type that the driver stores in a form that is not known here.</exception>
    public void Bind(SqliteParameterCollection values)
    {
        for (var index = 0; index < parameters.Length; index++)
        {
            var name = parameters[index];
            Check(Bind(index + 1, ValueOf(values, name), name));
        }
    }

    /// <summary>Whether there is another row.</summary>
    /// <exception cref="OperationCanceledException">The caller gave up, before or during the step.</exception>
    public bool Step(CancellationToken cancellationToken)
    {
        isStepping = true;
        try
        {
            // Who gives up after this look finds the step running: the one writes before it reads, and so does the other.
            Interlocked.MemoryBarrier();
            cancellationToken.ThrowIfCancellationRequested();
            return Next(cancellationToken);
        }
        finally
        {
            isStepping = false;
        }
    }

    /// <summary>Ends the step that runs, from another thread. SQLite forgets an interrupt that comes before it has begun; so until it is over.</summary>
    public void Interrupt()
    {
        for (var wait = new SpinWait(); isStepping; wait.SpinOnce())
        {
            raw.sqlite3_interrupt(database);
        }
    }

    public void Reset()
    {
        // The result repeats that of the last step.
        _ = raw.sqlite3_reset(Statement);
    }

    public void Dispose() => Statement.Dispose();

    private bool Next(CancellationToken cancellationToken)
    {
        const int interrupted = 9;
        const int row = 100;
        const int done = 101;
        switch (raw.sqlite3_step(Statement))
        {
            case row:
                return true;
            case done:
                return false;
            case interrupted when cancellationToken.IsCancellationRequested:
                throw new OperationCanceledException(cancellationToken);
            case var result:
                SqliteException.ThrowExceptionForRC(result, database);
                throw new InvalidOperationException($"SQLite answered a step with {result}.");
        }
    }

    private static object? ValueOf(SqliteParameterCollection values, string name)
    {
        for (var index = 0; index < values.Count; index++)
        {
            var given = values[index].ParameterName.AsSpan();
            if (given.SequenceEqual(name) || given.SequenceEqual(name.AsSpan(1)))
            {
                return values[index].Value;
            }
        }

        throw new InvalidOperationException($"The parameter {name} has no value.");
    }

    private static Type? TypeOf(string? declared) => declared?.ToUpperInvariant() switch
    {
        "INTEGER" => typeof(long),
        "TEXT" => typeof(string),
        "BLOB" => typeof(byte[]),
        "REAL" => typeof(double),
        _ => null,
    };

    private int Bind(int index, object? value, string name) => value switch
    {
        null or DBNull => raw.sqlite3_bind_null(Statement, index),
        string text => raw.sqlite3_bind_text(Statement, index, text),
        byte[] bytes => raw.sqlite3_bind_blob(Statement, index, bytes),
        double number => raw.sqlite3_bind_double(Statement, index, number),
        Guid id => raw.sqlite3_bind_text(Statement, index, id.ToString("D").ToUpperInvariant()),
        bool or byte or short or int or long or Enum => raw.sqlite3_bind_int64(Statement, index, Convert.ToInt64(value, CultureInfo.InvariantCulture)),
        _ => throw new NotSupportedException($"The parameter {name} is a {value.GetType()}; give a text, a number, bytes, a Guid or null."),
    };

    private void Check(int result)
    {
        if (result != Ok)
        {
            SqliteException.ThrowExceptionForRC(result, database);
        }
    }
}

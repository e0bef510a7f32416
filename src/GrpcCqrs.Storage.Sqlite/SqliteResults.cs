using System.Collections;
using System.Data.Common;
using System.Globalization;
using SQLitePCL;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>
/// The rows of a <see cref="SqliteQuery"/>. The driver's own reader asks SQLite for the names and types of all columns at each
/// execution and several times for each value.
/// </summary>
internal sealed class SqliteResults : DbDataReader
{
    private const int Integer = 1;
    private const int Real = 2;
    private const int Text = 3;
    private const int Null = 5;

    private readonly PreparedConnection connection;
    private readonly SqliteQuery query;
    private readonly CancellationToken cancellation;
    private readonly CancellationTokenRegistration registration;
    private readonly bool hasRows;
    private State state;

    /// <summary>Goes to the first row already, as the driver does: what is wrong with a query shows when it is executed.</summary>
    public SqliteResults(PreparedConnection connection, SqliteQuery query, CancellationToken cancellationToken)
    {
        (this.connection, this.query, cancellation) = (connection, query, cancellationToken);
        registration = cancellationToken.UnsafeRegister(static one => ((SqliteQuery)one!).Interrupt(), query);
        try
        {
            hasRows = query.Step(cancellationToken);
            state = hasRows ? State.AtFirst : State.AtEnd;
        }
        catch
        {
            registration.Dispose();
            throw;
        }
    }

    private enum State
    {
        AtFirst,
        AtRow,
        AtEnd,
        Closed,
    }

    public override int Depth => 0;

    public override int FieldCount => query.Columns.Length;

    public override bool HasRows => hasRows;

    public override bool IsClosed => state == State.Closed;

    public override int RecordsAffected => -1;

    public override object this[int ordinal] => GetValue(ordinal);

    public override object this[string name] => GetValue(GetOrdinal(name));

    public override bool Read()
    {
        switch (state)
        {
            case State.AtFirst:
                state = State.AtRow;
                return true;
            case State.AtRow:
                state = query.Step(cancellation) ? State.AtRow : State.AtEnd;
                return state == State.AtRow;
            case State.AtEnd:
                return false;
            default:
                throw new InvalidOperationException("The reader is closed.");
        }
    }

    public override bool NextResult() => false;

    public override void Close()
    {
        if (state != State.Closed)
        {
            state = State.Closed;
            registration.Dispose();
            connection.Return(query);
        }
    }

    public override string GetName(int ordinal) => query.Columns[ordinal];

    public override int GetOrdinal(string name) => query.OrdinalOf(name);

    /// <summary>What the table declares; of a column that is no table's, what the row at hand holds, and a number where that is nothing.</summary>
    public override Type GetFieldType(int ordinal) => query.Types[ordinal] ?? (state == State.AtEnd ? Null : raw.sqlite3_column_type(query.Statement, ordinal)) switch
    {
        Integer or Null => typeof(long),
        Real => typeof(double),
        Text => typeof(string),
        _ => typeof(byte[]),
    };

    public override string GetDataTypeName(int ordinal) => GetFieldType(ordinal).Name;

    public override object GetValue(int ordinal) => raw.sqlite3_column_type(query.Statement, ordinal) switch
    {
        Integer => raw.sqlite3_column_int64(query.Statement, ordinal),
        Real => raw.sqlite3_column_double(query.Statement, ordinal),
        Text => raw.sqlite3_column_text(query.Statement, ordinal).utf8_to_string()!,
        Null => DBNull.Value,
        _ => raw.sqlite3_column_blob(query.Statement, ordinal).ToArray(),
    };

    public override int GetValues(object[] values)
    {
        var count = Math.Min(values.Length, FieldCount);
        for (var ordinal = 0; ordinal < count; ordinal++)
        {
            values[ordinal] = GetValue(ordinal);
        }

        return count;
    }

    public override bool IsDBNull(int ordinal) => raw.sqlite3_column_type(query.Statement, ordinal) == Null;

    public override long GetInt64(int ordinal) => raw.sqlite3_column_type(query.Statement, ordinal) == Integer
        ? raw.sqlite3_column_int64(query.Statement, ordinal)
        : (long)GetValue(ordinal);

    public override int GetInt32(int ordinal) => checked((int)GetInt64(ordinal));

    public override short GetInt16(int ordinal) => checked((short)GetInt64(ordinal));

    public override byte GetByte(int ordinal) => checked((byte)GetInt64(ordinal));

    public override bool GetBoolean(int ordinal) => GetInt64(ordinal) != 0;

    public override string GetString(int ordinal) => (string)GetValue(ordinal);

    public override Guid GetGuid(int ordinal) => Guid.ParseExact(GetString(ordinal), "D");

    public override double GetDouble(int ordinal) => Convert.ToDouble(GetValue(ordinal), CultureInfo.InvariantCulture);

    public override float GetFloat(int ordinal) => (float)GetDouble(ordinal);

    public override decimal GetDecimal(int ordinal) => Convert.ToDecimal(GetValue(ordinal), CultureInfo.InvariantCulture);

    public override char GetChar(int ordinal) => throw NotRead();

    public override DateTime GetDateTime(int ordinal) => throw NotRead();

    public override long GetBytes(int ordinal, long dataOffset, byte[]? buffer, int bufferOffset, int length) => throw NotRead();

    public override long GetChars(int ordinal, long dataOffset, char[]? buffer, int bufferOffset, int length) => throw NotRead();

    public override IEnumerator GetEnumerator() => new DbEnumerator(this, closeReader: false);

    protected override void Dispose(bool disposing)
    {
        Close();
        base.Dispose(disposing);
    }

    private static NotSupportedException NotRead() => new("Columns of this store hold texts, 64-bit numbers, ids and bytes; read them whole.");
}

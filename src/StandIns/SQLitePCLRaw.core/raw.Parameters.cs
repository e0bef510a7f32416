using System.Runtime.InteropServices;

namespace SQLitePCL;

// Binding values to a statement's parameters. These run for every row written, so none of them allocates.
public static unsafe partial class raw
{
    [LibraryImport(Library)]
    public static partial int sqlite3_bind_parameter_count(sqlite3_stmt stmt);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_bind_parameter_index(sqlite3_stmt stmt, string name);

    public static utf8z sqlite3_bind_parameter_name(sqlite3_stmt stmt, int index) => utf8z.FromPointer(ParameterName(stmt, index));

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_null(sqlite3_stmt stmt, int index);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_int64(sqlite3_stmt stmt, int index, long val);

    [LibraryImport(Library)]
    public static partial int sqlite3_bind_double(sqlite3_stmt stmt, int index, double val);

    public static int sqlite3_bind_text(sqlite3_stmt stmt, int index, string? val)
    {
        if (val is null)
        {
            return sqlite3_bind_null(stmt, index);
        }

        using var utf8 = new Utf8Buffer(val, stackalloc byte[Utf8Buffer.StackBytes]);
        fixed (byte* text = utf8)
        {
            return BindText(stmt, index, text, utf8.Length, SQLITE_TRANSIENT);
        }
    }

    public static int sqlite3_bind_text(sqlite3_stmt stmt, int index, ReadOnlySpan<byte> t)
    {
        // Never null, empty text included: SQLite takes a null pointer for NULL.
        byte none = 0;
        fixed (byte* text = t)
        {
            return BindText(stmt, index, text is null ? &none : text, t.Length, SQLITE_TRANSIENT);
        }
    }

    public static int sqlite3_bind_blob(sqlite3_stmt stmt, int index, ReadOnlySpan<byte> blob)
    {
        if (blob.IsEmpty)
        {
            // SQLite takes the null pointer of an empty span for NULL.
            return BindZeroBlob(stmt, index, length: 0);
        }

        fixed (byte* bytes = blob)
        {
            return BindBlob(stmt, index, bytes, blob.Length, SQLITE_TRANSIENT);
        }
    }

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_parameter_name")]
    private static partial byte* ParameterName(sqlite3_stmt stmt, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_text")]
    private static partial int BindText(sqlite3_stmt stmt, int index, byte* text, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_blob")]
    private static partial int BindBlob(sqlite3_stmt stmt, int index, byte* bytes, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_bind_zeroblob")]
    private static partial int BindZeroBlob(sqlite3_stmt stmt, int index, int length);
}

using System.Runtime.InteropServices;

namespace SQLitePCL;

// Incremental reads and writes of one value.
public static unsafe partial class raw
{
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_blob_open(
        sqlite3 db, string? sdb, string table, string col, long rowid, int flags, out sqlite3_blob blob);

    [LibraryImport(Library)]
    public static partial int sqlite3_blob_bytes(sqlite3_blob blob);

    public static int sqlite3_blob_read(sqlite3_blob blob, Span<byte> b, int offset)
    {
        fixed (byte* bytes = b)
        {
            return ReadBlob(blob, bytes, b.Length, offset);
        }
    }

    public static int sqlite3_blob_write(sqlite3_blob blob, ReadOnlySpan<byte> b, int offset)
    {
        fixed (byte* bytes = b)
        {
            return WriteBlob(blob, bytes, b.Length, offset);
        }
    }

    [LibraryImport(Library, EntryPoint = "sqlite3_blob_close")]
    internal static partial int CloseBlob(nint blob);

    [LibraryImport(Library, EntryPoint = "sqlite3_blob_read")]
    private static partial int ReadBlob(sqlite3_blob blob, byte* bytes, int length, int offset);

    [LibraryImport(Library, EntryPoint = "sqlite3_blob_write")]
    private static partial int WriteBlob(sqlite3_blob blob, byte* bytes, int length, int offset);
}

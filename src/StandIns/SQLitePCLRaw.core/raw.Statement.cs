using System.Runtime.InteropServices;

namespace SQLitePCL;

// Preparing and running statements.
public static unsafe partial class raw
{
    public static int sqlite3_prepare_v2(sqlite3 db, string sql, out sqlite3_stmt stmt) =>
        PrepareText(db, sql, length: -1, out stmt, tail: 0);

    /// <summary>Prepares the first statement of <paramref name="sql"/> and returns what follows it.</summary>
    public static int sqlite3_prepare_v2(sqlite3 db, ReadOnlySpan<byte> sql, out sqlite3_stmt stmt, out ReadOnlySpan<byte> tail)
    {
        fixed (byte* start = sql)
        {
            var end = start;
            var rc = Prepare(db, start, sql.Length, out stmt, &end);
            tail = sql[(int)(end - start)..];
            return rc;
        }
    }

    public static int sqlite3_step(sqlite3_stmt stmt) => Checked(Step(stmt));

    [LibraryImport(Library)]
    public static partial int sqlite3_reset(sqlite3_stmt stmt);

    [LibraryImport(Library)]
    public static partial int sqlite3_stmt_isexplain(sqlite3_stmt stmt);

    [LibraryImport(Library)]
    public static partial int sqlite3_stmt_readonly(sqlite3_stmt stmt);

    [LibraryImport(Library, EntryPoint = "sqlite3_finalize")]
    internal static partial int FinalizeStatement(nint stmt);

    [LibraryImport(Library, EntryPoint = "sqlite3_prepare_v2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int PrepareText(sqlite3 db, string sql, int length, out sqlite3_stmt stmt, nint tail);

    [LibraryImport(Library, EntryPoint = "sqlite3_prepare_v2")]
    private static partial int Prepare(sqlite3 db, byte* sql, int length, out sqlite3_stmt stmt, byte** tail);

    [LibraryImport(Library, EntryPoint = "sqlite3_step")]
    private static partial int Step(sqlite3_stmt stmt);
}

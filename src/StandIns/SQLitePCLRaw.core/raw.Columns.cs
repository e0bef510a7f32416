using System.Runtime.InteropServices;

namespace SQLitePCL;

// Reading a row's columns. Text and blobs point into SQLite's memory until the statement's next step, reset or release.
public static unsafe partial class raw
{
    [LibraryImport(Library)]
    public static partial int sqlite3_column_count(sqlite3_stmt stmt);

    [LibraryImport(Library)]
    public static partial int sqlite3_data_count(sqlite3_stmt stmt);

    [LibraryImport(Library)]
    public static partial int sqlite3_column_type(sqlite3_stmt stmt, int index);

    [LibraryImport(Library)]
    public static partial long sqlite3_column_int64(sqlite3_stmt stmt, int index);

    [LibraryImport(Library)]
    public static partial double sqlite3_column_double(sqlite3_stmt stmt, int index);

    public static utf8z sqlite3_column_text(sqlite3_stmt stmt, int index)
    {
        // The length is that of the representation last asked for, hence the order.
        var text = ColumnText(stmt, index);
        return utf8z.FromPointer(text, ColumnBytes(stmt, index));
    }

    public static ReadOnlySpan<byte> sqlite3_column_blob(sqlite3_stmt stmt, int index)
    {
        var bytes = ColumnBlob(stmt, index);
        return new ReadOnlySpan<byte>(bytes, ColumnBytes(stmt, index));
    }

    public static utf8z sqlite3_column_name(sqlite3_stmt stmt, int index) => utf8z.FromPointer(ColumnName(stmt, index));

    public static utf8z sqlite3_column_decltype(sqlite3_stmt stmt, int index) => utf8z.FromPointer(ColumnDeclaredType(stmt, index));

    public static utf8z sqlite3_column_database_name(sqlite3_stmt stmt, int index) => utf8z.FromPointer(ColumnDatabaseName(stmt, index));

    public static utf8z sqlite3_column_table_name(sqlite3_stmt stmt, int index) => utf8z.FromPointer(ColumnTableName(stmt, index));

    public static utf8z sqlite3_column_origin_name(sqlite3_stmt stmt, int index) => utf8z.FromPointer(ColumnOriginName(stmt, index));

    [LibraryImport(Library, EntryPoint = "sqlite3_column_text")]
    private static partial byte* ColumnText(sqlite3_stmt stmt, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_blob")]
    private static partial byte* ColumnBlob(sqlite3_stmt stmt, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_bytes")]
    private static partial int ColumnBytes(sqlite3_stmt stmt, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_name")]
    private static partial byte* ColumnName(sqlite3_stmt stmt, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_decltype")]
    private static partial byte* ColumnDeclaredType(sqlite3_stmt stmt, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_database_name")]
    private static partial byte* ColumnDatabaseName(sqlite3_stmt stmt, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_table_name")]
    private static partial byte* ColumnTableName(sqlite3_stmt stmt, int index);

    [LibraryImport(Library, EntryPoint = "sqlite3_column_origin_name")]
    private static partial byte* ColumnOriginName(sqlite3_stmt stmt, int index);
}

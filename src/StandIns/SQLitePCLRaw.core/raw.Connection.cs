using System.Runtime.InteropServices;

namespace SQLitePCL;

// Opening, asking and configuring a connection.
public static unsafe partial class raw
{
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_open(string filename, out sqlite3 db);

    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf8)]
    public static partial int sqlite3_open_v2(string filename, out sqlite3 db, int flags, string? vfs);

    [LibraryImport(Library)]
    public static partial int sqlite3_errcode(sqlite3 db);

    [LibraryImport(Library)]
    public static partial int sqlite3_extended_errcode(sqlite3 db);

    public static utf8z sqlite3_errmsg(sqlite3 db) => utf8z.FromPointer(ErrorMessage(db));

    [LibraryImport(Library)]
    public static partial int sqlite3_changes(sqlite3 db);

    /// <summary>Ends the statements that run on the connection with SQLITE_INTERRUPT. May be called from any thread.</summary>
    [LibraryImport(Library)]
    public static partial void sqlite3_interrupt(sqlite3 db);

    public static utf8z sqlite3_db_filename(sqlite3 db, string? att) => utf8z.FromPointer(DatabaseFileName(db, att));

    public static int sqlite3_exec(sqlite3 db, string sql) => Checked(Execute(db, sql, callback: 0, state: 0, error: 0));

    public static int sqlite3_table_column_metadata(
        sqlite3 db,
        string? dbName,
        string tblName,
        string? colName,
        out string? dataType,
        out string? collSeq,
        out int notNull,
        out int primaryKey,
        out int autoInc)
    {
        var rc = TableColumnMetadata(
            db, dbName, tblName, colName, out var type, out var collation, out notNull, out primaryKey, out autoInc);
        dataType = utf8z.FromPointer(type).utf8_to_string();
        collSeq = utf8z.FromPointer(collation).utf8_to_string();
        return rc;
    }

    public static int sqlite3_db_config(sqlite3 db, int op, int val, out int result) =>
        OperatingSystem.IsMacOS() && RuntimeInformation.ProcessArchitecture == Architecture.Arm64
            ? ConfigureOnAppleSilicon(db, op, 0, 0, 0, 0, 0, 0, val, out result)
            : Configure(db, op, val, out result);

    [LibraryImport(Library)]
    public static partial int sqlite3_enable_load_extension(sqlite3 db, int enable);

    public static int sqlite3_load_extension(sqlite3 db, utf8z fileName, utf8z procName, out utf8z errmsg)
    {
        byte* message = null;
        int rc;
        fixed (byte* file = fileName, procedure = procName)
        {
            rc = LoadExtension(db, file, procedure, &message);
        }

        // The message is ours to free, so that the caller gets a copy.
        errmsg = utf8z.FromString(utf8z.FromPointer(message).utf8_to_string());
        FreeMemory(message);
        return rc;
    }

    public static void sqlite3_rollback_hook(sqlite3 db, delegate_rollback? func, object? v)
    {
        var hook = func is null ? 0 : Root(new RollbackHook(func, v));
        Unroot(SetRollbackHook(db, func is null ? null : &OnRollback, hook));
    }

    /// <summary>Takes the hook away first: it must not be called once its delegate may have been collected.</summary>
    internal static bool Close(nint db)
    {
        Unroot(RemoveRollbackHook(db, null, 0));
        return CloseConnection(db) == SQLITE_OK;
    }

    [UnmanagedCallersOnly]
    private static void OnRollback(nint state)
    {
        try
        {
            var hook = Rooted<RollbackHook>(state);
            hook.Callback(hook.State);
        }
        catch (Exception)
        {
            // The transaction is rolled back by now, and SQLite takes no error from this hook.
        }
    }

    private sealed record RollbackHook(delegate_rollback Callback, object? State);

    [LibraryImport(Library, EntryPoint = "sqlite3_close_v2")]
    private static partial int CloseConnection(nint db);

    [LibraryImport(Library, EntryPoint = "sqlite3_errmsg")]
    private static partial byte* ErrorMessage(sqlite3 db);

    [LibraryImport(Library, EntryPoint = "sqlite3_db_filename", StringMarshalling = StringMarshalling.Utf8)]
    private static partial byte* DatabaseFileName(sqlite3 db, string? name);

    [LibraryImport(Library, EntryPoint = "sqlite3_exec", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Execute(sqlite3 db, string sql, nint callback, nint state, nint error);

    [LibraryImport(Library, EntryPoint = "sqlite3_table_column_metadata", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int TableColumnMetadata(
        sqlite3 db,
        string? database,
        string table,
        string? column,
        out byte* type,
        out byte* collation,
        out int notNull,
        out int primaryKey,
        out int autoIncrement);

    [LibraryImport(Library, EntryPoint = "sqlite3_db_config")]
    private static partial int Configure(sqlite3 db, int op, int value, out int result);

    /// <summary>The C function is variadic; there, such arguments go on the stack, that is, behind eight filled registers.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_db_config")]
    private static partial int ConfigureOnAppleSilicon(
        sqlite3 db, int op, nint filler2, nint filler3, nint filler4, nint filler5, nint filler6, nint filler7, nint value, out int result);

    [LibraryImport(Library, EntryPoint = "sqlite3_load_extension")]
    private static partial int LoadExtension(sqlite3 db, byte* file, byte* procedure, byte** error);

    [LibraryImport(Library, EntryPoint = "sqlite3_rollback_hook")]
    private static partial nint SetRollbackHook(sqlite3 db, delegate* unmanaged<nint, void> callback, nint state);

    [LibraryImport(Library, EntryPoint = "sqlite3_rollback_hook")]
    private static partial nint RemoveRollbackHook(nint db, delegate* unmanaged<nint, void> callback, nint state);
}

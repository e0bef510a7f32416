using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

// Every buffer on the stack is written before it is read.
[module: SkipLocalsInit]
[assembly: DisableRuntimeMarshalling]

namespace SQLitePCL;

/// <summary>
/// SQLite's C API, function by function. It needs no initialisation: the first call loads the native library that the
/// package SQLitePCLRaw.lib.e_sqlite3 brings. It is for 64-bit processes, where C has one calling convention.
/// </summary>
public static unsafe partial class raw
{
    private const string Library = "e_sqlite3";

    private const int SQLITE_OK = 0;
    private const int SQLITE_INTERRUPT = 9;
    private const int SQLITE_ROW = 100;
    private const int SQLITE_DONE = 101;
    private const int SQLITE_UTF8 = 1;

    /// <summary>Tells SQLite to copy what a pointer shows before the call returns.</summary>
    private const nint SQLITE_TRANSIENT = -1;

    public static string GetNativeLibraryName() => Library;

    public static utf8z sqlite3_libversion() => utf8z.FromPointer(LibraryVersion());

    [LibraryImport(Library)]
    public static partial int sqlite3_libversion_number();

    public static utf8z sqlite3_errstr(int rc) => utf8z.FromPointer(ErrorString(rc));

    [LibraryImport(Library)]
    public static partial int sqlite3_keyword_count();

    public static int sqlite3_keyword_name(int i, out string? name)
    {
        byte* text;
        int length;
        var rc = KeywordName(i, &text, &length);
        name = rc == SQLITE_OK ? utf8z.FromPointer(text, length).utf8_to_string() : null;
        return rc;
    }

    /// <summary>Exists in Windows builds of SQLite only.</summary>
    [LibraryImport(Library, StringMarshalling = StringMarshalling.Utf16)]
    public static partial int sqlite3_win32_set_directory(int typ, string? path);

    [LibraryImport(Library, EntryPoint = "sqlite3_libversion")]
    private static partial byte* LibraryVersion();

    [LibraryImport(Library, EntryPoint = "sqlite3_errstr")]
    private static partial byte* ErrorString(int rc);

    [LibraryImport(Library, EntryPoint = "sqlite3_keyword_name")]
    private static partial int KeywordName(int i, byte** name, int* length);

    [LibraryImport(Library, EntryPoint = "sqlite3_free")]
    private static partial void FreeMemory(void* memory);
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

// What is passed to C is made of C's own types.
[assembly: DisableRuntimeMarshalling]

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>How SQLite's native library works in this process: how it waits, and with <see cref="SqliteLogFiles"/> how it writes.</summary>
/// <remarks>
/// The library is built without <c>HAVE_USLEEP</c> and so takes whole seconds for every wait: a reader that meets commits a few times in
/// a row means to wait for a microsecond, a writer behind another one for milliseconds, and each held its thread for a second. So all
/// connections get SQLite's own file system with another way to sleep, and those that write a busy handler in place of
/// <c>busy_timeout</c>. A library that sleeps well by itself loses nothing by it.
/// </remarks>
internal static unsafe partial class SqliteLibrary
{
    private const int Ok = 0;
    private const int MemoryStatistics = 9;

    /// <summary>The first wait for another writer, about as long as a short transaction; each next one is twice as long, up to the longest.</summary>
    private const int FirstWaitMicroseconds = 100;
    private const int MaxDoublings = 8;

    private const int WindowsWaitMilliseconds = 1_000;

    /// <summary>How often a writer waits before the driver hears of it: about a second in all.</summary>
    private const int MaxWaits = 46;

    /// <summary>Sets up the library for all connections that are opened from now on. To be called once.</summary>
    /// <exception cref="InvalidOperationException">SQLite refuses.</exception>
    public static void SetUp()
    {
        if (OperatingSystem.IsWindows())
        {
            return; // Its sleep takes milliseconds in every build.
        }

        if (OperatingSystem.IsLinux())
        {
            // Statistics that nobody reads, under a lock that all threads take at each allocation. SQLite refuses where it is in use
            // already, which does no harm. On macOS C passes the argument another way.
            _ = Configure(MemoryStatistics, 0);
        }

        var own = FindFileSystem(0);
        if (own is null)
        {
            throw new InvalidOperationException("SQLite has no file system.");
        }

        // SQLite keeps the pointers for the life of the process.
        var copy = (FileSystem*)NativeMemory.Alloc((nuint)sizeof(FileSystem));
        *copy = *own;
        copy->Next = 0;
        copy->Name = Marshal.StringToCoTaskMemUTF8("grpccqrs");
        copy->Sleep = &Sleep;
        if (SqliteLogFiles.AreSupported)
        {
            SqliteLogFiles.SetUp(copy);
        }

        if (RegisterFileSystem(copy, isDefault: 1) != Ok)
        {
            throw new InvalidOperationException("SQLite refuses a file system.");
        }
    }

    /// <summary>Lets a connection wait for other writers by short steps, for about a second; without it the driver waits 150 ms at a time.</summary>
    public static void WaitForWriters(SqliteConnection connection)
    {
        var database = connection.Handle ?? throw new InvalidOperationException("The connection is closed.");
        SqliteException.ThrowExceptionForRC(
            OperatingSystem.IsWindows() ? SetBusyTimeout(database, WindowsWaitMilliseconds) : SetBusyHandler(database, &WaitForWriter, 0), database);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Sleep(FileSystem* fileSystem, int microseconds)
    {
        _ = SleepMicroseconds((uint)microseconds);
        return microseconds;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int WaitForWriter(nint argument, int waits)
    {
        if (waits >= MaxWaits)
        {
            return 0;
        }

        _ = SleepMicroseconds((uint)FirstWaitMicroseconds << Math.Min(waits, MaxDoublings));
        return 1;
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_vfs_find")]
    private static partial FileSystem* FindFileSystem(nint name);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_vfs_register")]
    private static partial int RegisterFileSystem(FileSystem* fileSystem, int isDefault);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_busy_handler")]
    private static partial int SetBusyHandler(sqlite3 database, delegate* unmanaged[Cdecl]<nint, int, int> handler, nint argument);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_busy_timeout")]
    private static partial int SetBusyTimeout(sqlite3 database, int milliseconds);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_config")]
    private static partial int Configure(int option, int value);

    [LibraryImport("libc", EntryPoint = "usleep")]
    private static partial int SleepMicroseconds(uint microseconds);

    /// <summary>sqlite3_vfs, up to its third version, which is the newest.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct FileSystem
    {
        public int Version;
        public int FileSize;
        public int MaxPath;
        public nint Next;
        public nint Name;
        public nint Data;
        public delegate* unmanaged[Cdecl]<FileSystem*, byte*, SqliteLogFiles.Handle*, int, int*, int> Open;
        public nint Delete;
        public nint Access;
        public nint FullPath;
        public nint LibraryOpen;
        public nint LibraryError;
        public nint LibrarySymbol;
        public nint LibraryClose;
        public nint Randomness;
        public delegate* unmanaged[Cdecl]<FileSystem*, int, int> Sleep;
        public nint CurrentTime;
        public nint LastError;
        public nint CurrentTimeInt64;
        public nint SetSystemCall;
        public nint GetSystemCall;
        public nint NextSystemCall;
    }
}

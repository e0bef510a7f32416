using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>
/// How write-ahead logs reach the disk: a transaction in one write, its flush without the file's times.
/// </summary>
/// <remarks>
/// <para>
/// SQLite writes a page to its log as two pieces, and the feed's native library seeks before each, so that a page takes four calls of
/// the kernel and a command some eighty; it is also built without <c>HAVE_FDATASYNC</c> and has the file system record each flush's time.
/// Here pieces that follow one another are gathered, up to <see cref="BufferBytes"/>, and written at once when
/// </para>
/// <list type="number">
/// <item>the last page of a transaction has come, which its header says (https://sqlite.org/fileformat2.html#the_write_ahead_log);</item>
/// <item>SQLite asks for a flush, reads the log or wants to know its size;</item>
/// <item>SQLite is about to tell others of the transaction: its memory barrier on the database file.</item>
/// </list>
/// <para>
/// So whoever learns of a page finds it in the file, in this process and in others. What has been gathered when the writer gives up its
/// lock was rolled back, and is dropped. The first flush of a log is SQLite's own, since it also makes the new file's name durable.
/// </para>
/// <para>
/// Of a log that is flushed at checkpoints only, as the read database's, tens of MiB would go to the disk at once, and the write database's
/// flushes would wait behind them; so the disk is given each MiB when it is written, without waiting for it (<c>sync_file_range</c>).
/// </para>
/// <para>
/// A log gets a descriptor of its own. That is safe where it would not be for the database file: closing any descriptor of a file drops
/// the process's POSIX locks on it, and SQLite takes none on logs.
/// </para>
/// </remarks>
internal static unsafe partial class SqliteLogFiles
{
    /// <summary>About a hundred pages: what one shared transaction writes fits, and an idle writer does not hold much.</summary>
    private const int BufferBytes = 512 * 1024;

    /// <summary>How much of a log that is not flushed at each commit waits in memory at most before the disk is given it.</summary>
    private const int StartBytes = 1024 * 1024;

    /// <summary>How much a log grows at least before it is copied: some milliseconds' worth.</summary>
    private const int CopyBytes = 4 * 1024 * 1024;

    // From SQLite's C API.
    private const int Ok = 0;
    private const int LogFile = 28;
    private const int Passive = 0;
    private const int OutOfMemory = 7;
    private const int Full = 13;
    private const int ReadError = 10 | (1 << 8);
    private const int ShortRead = 10 | (2 << 8);
    private const int WriteError = 10 | (3 << 8);
    private const int FlushError = 10 | (4 << 8);
    private const int OpenReadWrite = 0x2;
    private const int OpenDatabase = 0x100;
    private const int OpenLog = 0x80000;
    private const int PowersafeOverwrite = 0x1000;
    private const int Unlock = 1;
    private const int Exclusive = 8;
    private const int WriteLock = 0;

    // From the log's format.
    private const int FrameHeaderBytes = 24;
    private const int CommitSizeOffset = 4;

    // From C and Linux.
    private const int ReadWriteCloseOnExec = 0x2 | 0x80000;
    private const int Interrupted = 4;
    private const int NoSpace = 28;
    private const int StartWriting = 2;

    private static readonly Lock Gate = new();

    /// <summary>The methods that stand in for SQLite's own, by those: the same but for a few.</summary>
    private static readonly Dictionary<(nint Own, bool IsLog), nint> Replaced = [];

    /// <summary>The database files that are open, by the address of their name, by which SQLite relates a log to its database.</summary>
    private static readonly Dictionary<nint, nint> Databases = [];

    private static delegate* unmanaged[Cdecl]<SqliteLibrary.FileSystem*, byte*, Handle*, int, int*, int> ownOpen;
    private static int ownBytes;

    /// <summary>Whether this is done here: on Linux, in 64 bits.</summary>
    public static bool AreSupported => OperatingSystem.IsLinux() && Environment.Is64BitProcess;

    /// <summary>Has a file system open its logs this way. To be called once, before it is registered.</summary>
    public static void SetUp(SqliteLibrary.FileSystem* fileSystem)
    {
        ownOpen = fileSystem->Open;
        ownBytes = (fileSystem->FileSize + 15) & ~15;
        fileSystem->FileSize = ownBytes + sizeof(Extra);
        fileSystem->Open = &Open;
    }

    /// <summary>
    /// Copies a log into its database, as far as readers allow, where it has grown enough since that was done last. Nobody waits for it
    /// but the caller. A log that another file system opened is left to SQLite.
    /// </summary>
    public static void CopyLog(SqliteConnection connection)
    {
        var database = connection.Handle ?? throw new InvalidOperationException("The connection is closed.");
        Handle* log = null;
        if (ControlFile(database, "main", LogFile, &log) != Ok || log is null || !IsReplaced(log->Methods))
        {
            return;
        }

        var extra = ExtraOf(log);
        var grown = extra->End >= extra->Copied ? extra->End - extra->Copied : extra->End;
        if (grown >= CopyBytes)
        {
            // What fails here is done, or told, by a later commit.
            _ = Checkpoint(database, "main", Passive, null, null);
            extra->Copied = extra->End;
        }
    }

    private static Extra* ExtraOf(Handle* file) => (Extra*)((byte*)file + ownBytes);

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Open(SqliteLibrary.FileSystem* fileSystem, byte* name, Handle* file, int flags, int* outFlags)
    {
        var opened = 0;
        var result = ownOpen(fileSystem, name, file, flags, &opened);
        if (outFlags is not null)
        {
            *outFlags = opened;
        }

        if (result != Ok || name is null || (flags & (OpenDatabase | OpenLog)) == 0 || file->Methods is null || file->Methods->Version < 3)
        {
            return result;
        }

        var extra = ExtraOf(file);
        *extra = new Extra { Own = file->Methods, Descriptor = -1, Name = (nint)name };
        if ((flags & OpenDatabase) != 0)
        {
            lock (Gate)
            {
                Databases[(nint)name] = (nint)file;
                file->Methods = Replace(extra->Own, isLog: false);
            }
        }
        else if ((opened & OpenReadWrite) != 0)
        {
            extra->Descriptor = OpenFile(name, ReadWriteCloseOnExec);
            if (extra->Descriptor >= 0)
            {
                lock (Gate)
                {
                    if (Databases.TryGetValue(DatabaseName(name), out var database)
                        && (((Handle*)database)->Methods->DeviceCharacteristics((Handle*)database) & PowersafeOverwrite) != 0)
                    {
                        extra->Other = (Handle*)database;
                        ExtraOf(extra->Other)->Other = file;
                    }

                    file->Methods = Replace(extra->Own, isLog: true);
                }
            }
        }

        return Ok;
    }

    private static bool IsReplaced(Methods* methods)
    {
        lock (Gate)
        {
            return Replaced.ContainsValue((nint)methods);
        }
    }

    private static Methods* Replace(Methods* own, bool isLog)
    {
        if (!Replaced.TryGetValue(((nint)own, isLog), out var known))
        {
            // SQLite may use them until the process ends.
            var methods = (Methods*)NativeMemory.Alloc((nuint)sizeof(Methods));
            *methods = *own;
            if (isLog)
            {
                methods->Close = &CloseLog;
                methods->Read = &Read;
                methods->Write = &Write;
                methods->Truncate = &Truncate;
                methods->Sync = &Sync;
                methods->FileSize = &FileSize;
            }
            else
            {
                methods->Close = &CloseDatabase;
                methods->ShmLock = &LockShared;
                methods->ShmBarrier = &Barrier;
            }

            Replaced.Add(((nint)own, isLog), known = (nint)methods);
        }

        return (Methods*)known;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CloseDatabase(Handle* file)
    {
        var extra = ExtraOf(file);
        lock (Gate)
        {
            if (Databases.TryGetValue(extra->Name, out var known) && known == (nint)file)
            {
                Databases.Remove(extra->Name);
            }

            if (extra->Other is not null)
            {
                ExtraOf(extra->Other)->Other = null;
            }
        }

        return extra->Own->Close(file);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int LockShared(Handle* file, int offset, int count, int flags)
    {
        var extra = ExtraOf(file);
        if (extra->Other is not null && offset == WriteLock && (flags & (Unlock | Exclusive)) == (Unlock | Exclusive))
        {
            ExtraOf(extra->Other)->Gathered = 0;
        }

        return extra->Own->ShmLock(file, offset, count, flags);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static void Barrier(Handle* file)
    {
        var extra = ExtraOf(file);
        if (extra->Other is not null)
        {
            _ = Flush(ExtraOf(extra->Other));
        }

        extra->Own->ShmBarrier(file);
    }

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_file_control", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int ControlFile(sqlite3 database, string name, int code, Handle** file);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_wal_checkpoint_v2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int Checkpoint(sqlite3 database, string name, int mode, int* pages, int* copied);

    [LibraryImport("libc", EntryPoint = "open")]
    private static partial int OpenFile(byte* name, int flags);

    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_filename_database")]
    private static partial nint DatabaseName(byte* logName);

    /// <summary>What stands behind SQLite's own part of an open file.</summary>
    private struct Extra
    {
        /// <summary>SQLite's methods.</summary>
        public Methods* Own;

        /// <summary>A database file's log, a log's database file; null where there is none.</summary>
        public Handle* Other;

        public nint Name;

        /// <summary>The log's own descriptor.</summary>
        public int Descriptor;

        /// <summary>How many bytes were gathered, to be written from <see cref="Start"/> on.</summary>
        public int Gathered;
        public byte* Buffer;
        public long Start;

        /// <summary>How many bytes were written to the file since the disk was last given some.</summary>
        public long Waiting;

        /// <summary>Where the log's last write ended, and where it ended when it was copied into the database last.</summary>
        public long End;
        public long Copied;

        /// <summary>Whether the page that follows is a transaction's last.</summary>
        public bool IsLastPage;

        /// <summary>Whether SQLite itself has flushed the log once.</summary>
        public bool IsNameDurable;
    }

    /// <summary>sqlite3_file.</summary>
    internal struct Handle
    {
        public Methods* Methods;
    }

    /// <summary>sqlite3_io_methods, up to its third version, which is the newest.</summary>
    [StructLayout(LayoutKind.Sequential)]
    internal struct Methods
    {
        public int Version;
        public delegate* unmanaged[Cdecl]<Handle*, int> Close;
        public delegate* unmanaged[Cdecl]<Handle*, byte*, int, long, int> Read;
        public delegate* unmanaged[Cdecl]<Handle*, byte*, int, long, int> Write;
        public delegate* unmanaged[Cdecl]<Handle*, long, int> Truncate;
        public delegate* unmanaged[Cdecl]<Handle*, int, int> Sync;
        public delegate* unmanaged[Cdecl]<Handle*, long*, int> FileSize;
        public nint Lock;
        public nint Unlock;
        public nint CheckReservedLock;
        public nint FileControl;
        public nint SectorSize;
        public delegate* unmanaged[Cdecl]<Handle*, int> DeviceCharacteristics;
        public nint ShmMap;
        public delegate* unmanaged[Cdecl]<Handle*, int, int, int, int> ShmLock;
        public delegate* unmanaged[Cdecl]<Handle*, void> ShmBarrier;
        public nint ShmUnmap;
        public nint Fetch;
        public nint Unfetch;
    }
}

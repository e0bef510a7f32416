using System.Runtime.InteropServices;

namespace SQLitePCL;

/// <summary>
/// A database connection. Closing it while statements, blobs or backups are open is safe: SQLite frees the connection with
/// the last of them.
/// </summary>
public sealed class sqlite3 : SafeHandle
{
    public sqlite3()
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle() => raw.Close(handle);
}

/// <summary>A prepared statement. A step that runs on another thread delays its release.</summary>
public sealed class sqlite3_stmt : SafeHandle
{
    public sqlite3_stmt()
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        // The result repeats the statement's last error, so it says nothing about the release.
        _ = raw.FinalizeStatement(handle);
        return true;
    }
}

/// <summary>A blob or text that is open for incremental reads and writes.</summary>
public sealed class sqlite3_blob : SafeHandle
{
    public sqlite3_blob()
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    protected override bool ReleaseHandle()
    {
        // The result repeats the last write's error; the blob is closed in any case.
        _ = raw.CloseBlob(handle);
        return true;
    }
}

/// <summary>A running backup. It keeps both connections open, because SQLite guards only the source.</summary>
public sealed class sqlite3_backup : SafeHandle
{
    private sqlite3? _destination;
    private sqlite3? _source;

    public sqlite3_backup()
        : base(invalidHandleValue: 0, ownsHandle: true)
    {
    }

    public override bool IsInvalid => handle == 0;

    internal void KeepOpen(sqlite3 destination, sqlite3 source)
    {
        var added = false;
        destination.DangerousAddRef(ref added);
        _destination = destination;
        source.DangerousAddRef(ref added);
        _source = source;
    }

    internal void Start(nint backup) => SetHandle(backup);

    /// <summary>Lets go of the connections when no backup came about, in which case no handle is ever released.</summary>
    internal void LetGo()
    {
        _source?.DangerousRelease();
        _source = null;
        _destination?.DangerousRelease();
        _destination = null;
    }

    protected override bool ReleaseHandle()
    {
        _ = raw.FinishBackup(handle);
        LetGo();
        return true;
    }
}

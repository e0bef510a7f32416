using System.Runtime.InteropServices;

namespace SQLitePCL;

// Copying a database page by page while it is in use.
public static unsafe partial class raw
{
    /// <summary>Returns an invalid handle when the backup cannot start; the error is then the destination's.</summary>
    public static sqlite3_backup sqlite3_backup_init(sqlite3 destDb, string destName, sqlite3 sourceDb, string sourceName)
    {
        var backup = new sqlite3_backup();
        try
        {
            backup.KeepOpen(destDb, sourceDb);
            backup.Start(InitBackup(destDb, destName, sourceDb, sourceName));
        }
        finally
        {
            if (backup.IsInvalid)
            {
                backup.LetGo();
            }
        }

        return backup;
    }

    [LibraryImport(Library)]
    public static partial int sqlite3_backup_step(sqlite3_backup backup, int nPage);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_finish")]
    internal static partial int FinishBackup(nint backup);

    [LibraryImport(Library, EntryPoint = "sqlite3_backup_init", StringMarshalling = StringMarshalling.Utf8)]
    private static partial nint InitBackup(sqlite3 destination, string destinationName, sqlite3 source, string sourceName);
}

using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace SQLitePCL;

// Text orders in managed code.
public static unsafe partial class raw
{
    /// <summary>
    /// Set when a collation threw while this thread ran a statement. C offers a collation no way to fail, and a made-up
    /// order must not pass for a result, so the statement reports SQLITE_INTERRUPT. What it wrote by then stays written,
    /// unless a transaction around it is rolled back.
    /// </summary>
    [ThreadStatic]
    private static bool t_collationFailed;

    /// <summary>Defines a collation, or removes it when <paramref name="func"/> is null.</summary>
    public static int sqlite3_create_collation(sqlite3 db, string name, object? v, strdelegate_collation? func)
    {
        if (func is null)
        {
            return CreateCollation(db, name, SQLITE_UTF8, state: 0, null, null);
        }

        var root = Root(new Collation(func, v));
        var rc = CreateCollation(db, name, SQLITE_UTF8, root, &OnCompare, &OnDestroy);
        if (rc != SQLITE_OK)
        {
            // Unlike sqlite3_create_function_v2, this one leaves the state of a failed call to us.
            Unroot(root);
        }

        return rc;
    }

    /// <summary>The result of running a statement, unless a collation failed in it.</summary>
    private static int Checked(int rc) => t_collationFailed ? CollationFailed(rc) : rc;

    [MethodImpl(MethodImplOptions.NoInlining)]
    private static int CollationFailed(int rc)
    {
        t_collationFailed = false;
        return rc is SQLITE_OK or SQLITE_ROW or SQLITE_DONE ? SQLITE_INTERRUPT : rc;
    }

    [UnmanagedCallersOnly]
    private static int OnCompare(nint state, int length1, byte* text1, int length2, byte* text2)
    {
        try
        {
            var collation = Rooted<Collation>(state);
            return collation.Compare(
                collation.State, Encoding.UTF8.GetString(text1, length1), Encoding.UTF8.GetString(text2, length2));
        }
        catch (Exception)
        {
            t_collationFailed = true;
            return 0;
        }
    }

    private sealed record Collation(strdelegate_collation Compare, object? State);

    [LibraryImport(Library, EntryPoint = "sqlite3_create_collation_v2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateCollation(
        sqlite3 db,
        string name,
        int encoding,
        nint state,
        delegate* unmanaged<nint, int, byte*, int, byte*, int> compare,
        delegate* unmanaged<nint, void> destroy);
}

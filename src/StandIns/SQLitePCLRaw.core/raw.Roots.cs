using System.Runtime.InteropServices;

namespace SQLitePCL;

// Managed objects whose address SQLite keeps as a callback's state. A root lives until SQLite calls the state's destructor.
public static unsafe partial class raw
{
    private static nint Root(object target) => GCHandle.ToIntPtr(GCHandle.Alloc(target));

    private static T Rooted<T>(nint root)
        where T : class => (T)GCHandle.FromIntPtr(root).Target!;

    private static void Unroot(nint root)
    {
        if (root != 0)
        {
            GCHandle.FromIntPtr(root).Free();
        }
    }

    [UnmanagedCallersOnly]
    private static void OnDestroy(nint root) => Unroot(root);
}

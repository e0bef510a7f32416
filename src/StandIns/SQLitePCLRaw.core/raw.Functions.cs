using System.Runtime.InteropServices;

namespace SQLitePCL;

// Scalar and aggregate functions in managed code. What they throw becomes the statement's error.
public static unsafe partial class raw
{
    public static int sqlite3_create_function(sqlite3 db, string name, int nArg, object? v, delegate_function_scalar? func) =>
        sqlite3_create_function(db, name, nArg, flags: 0, v, func);

    /// <summary>Defines a scalar function, or removes it when <paramref name="func"/> is null.</summary>
    public static int sqlite3_create_function(sqlite3 db, string name, int nArg, int flags, object? v, delegate_function_scalar? func) =>
        func is null
            ? RemoveFunction(db, name, nArg, flags)
            : CreateFunction(
                db, name, nArg, flags | SQLITE_UTF8, Root(new ScalarFunction(func, v)), &OnCall, null, null, &OnDestroy);

    public static int sqlite3_create_function(
        sqlite3 db, string name, int nArg, object? v, delegate_function_aggregate_step? func_step, delegate_function_aggregate_final? func_final) =>
        sqlite3_create_function(db, name, nArg, flags: 0, v, func_step, func_final);

    /// <summary>Defines an aggregate function, or removes it when the callbacks are null.</summary>
    public static int sqlite3_create_function(
        sqlite3 db, string name, int nArg, int flags, object? v, delegate_function_aggregate_step? func_step, delegate_function_aggregate_final? func_final) =>
        func_step is null || func_final is null
            ? RemoveFunction(db, name, nArg, flags)
            : CreateFunction(
                db, name, nArg, flags | SQLITE_UTF8, Root(new AggregateFunction(func_step, func_final, v)), null, &OnStep, &OnFinal, &OnDestroy);

    private static int RemoveFunction(sqlite3 db, string name, int argumentCount, int flags) =>
        CreateFunction(db, name, argumentCount, flags | SQLITE_UTF8, state: 0, null, null, null, null);

    [UnmanagedCallersOnly]
    private static void OnCall(nint context, int count, nint* values)
    {
        try
        {
            var function = Rooted<ScalarFunction>(UserData(context));
            function.Call(new sqlite3_context(context), function.State, Arguments(count, values));
        }
        catch (Exception exception)
        {
            ReportError(context, exception);
        }
    }

    [UnmanagedCallersOnly]
    private static void OnStep(nint context, int count, nint* values)
    {
        try
        {
            var slot = AggregateContext(context, sizeof(nint));
            if (slot == null)
            {
                ResultNoMemory(context);
                return;
            }

            // SQLite hands out the slot zeroed, and the same one for every row of a group.
            if (*slot == 0)
            {
                *slot = Root(new sqlite3_context(context));
            }

            var aggregate = Rooted<sqlite3_context>(*slot);
            aggregate.Pointer = context;
            var function = Rooted<AggregateFunction>(UserData(context));
            function.Step(aggregate, function.State, Arguments(count, values));
        }
        catch (Exception exception)
        {
            ReportError(context, exception);
        }
    }

    [UnmanagedCallersOnly]
    private static void OnFinal(nint context)
    {
        nint root = 0;
        try
        {
            // Asking for no bytes yields null when no row was taken.
            var slot = AggregateContext(context, length: 0);
            root = slot == null ? 0 : *slot;
            var aggregate = root == 0 ? new sqlite3_context(context) : Rooted<sqlite3_context>(root);
            aggregate.Pointer = context;
            var function = Rooted<AggregateFunction>(UserData(context));
            function.Final(aggregate, function.State);
        }
        catch (Exception exception)
        {
            ReportError(context, exception);
        }
        finally
        {
            Unroot(root);
        }
    }

    private static sqlite3_value[] Arguments(int count, nint* values)
    {
        var arguments = new sqlite3_value[count];
        for (var i = 0; i < count; i++)
        {
            arguments[i] = new sqlite3_value(values[i]);
        }

        return arguments;
    }

    private sealed record ScalarFunction(delegate_function_scalar Call, object? State);

    private sealed record AggregateFunction(delegate_function_aggregate_step Step, delegate_function_aggregate_final Final, object? State);

    /// <summary>Calls <paramref name="destroy"/> on the state even when it fails.</summary>
    [LibraryImport(Library, EntryPoint = "sqlite3_create_function_v2", StringMarshalling = StringMarshalling.Utf8)]
    private static partial int CreateFunction(
        sqlite3 db,
        string name,
        int argumentCount,
        int flags,
        nint state,
        delegate* unmanaged<nint, int, nint*, void> call,
        delegate* unmanaged<nint, int, nint*, void> step,
        delegate* unmanaged<nint, void> final,
        delegate* unmanaged<nint, void> destroy);

    [LibraryImport(Library, EntryPoint = "sqlite3_user_data")]
    private static partial nint UserData(nint context);

    [LibraryImport(Library, EntryPoint = "sqlite3_aggregate_context")]
    private static partial nint* AggregateContext(nint context, int length);
}

using System.Runtime.InteropServices;

namespace SQLitePCL;

// The arguments and the result of a function in managed code.
public static unsafe partial class raw
{
    public static int sqlite3_value_type(sqlite3_value val) => ValueType(val.Pointer);

    public static long sqlite3_value_int64(sqlite3_value val) => ValueInt64(val.Pointer);

    public static double sqlite3_value_double(sqlite3_value val) => ValueDouble(val.Pointer);

    public static utf8z sqlite3_value_text(sqlite3_value val)
    {
        var text = ValueText(val.Pointer);
        return utf8z.FromPointer(text, ValueBytes(val.Pointer));
    }

    public static ReadOnlySpan<byte> sqlite3_value_blob(sqlite3_value val)
    {
        var bytes = ValueBlob(val.Pointer);
        return new ReadOnlySpan<byte>(bytes, ValueBytes(val.Pointer));
    }

    public static void sqlite3_result_null(sqlite3_context context) => ResultNull(context.Pointer);

    public static void sqlite3_result_int64(sqlite3_context context, long val) => ResultInt64(context.Pointer, val);

    public static void sqlite3_result_double(sqlite3_context context, double val) => ResultDouble(context.Pointer, val);

    public static void sqlite3_result_text(sqlite3_context context, string? val)
    {
        if (val is null)
        {
            ResultNull(context.Pointer);
            return;
        }

        using var utf8 = new Utf8Buffer(val, stackalloc byte[Utf8Buffer.StackBytes]);
        fixed (byte* text = utf8)
        {
            ResultText(context.Pointer, text, utf8.Length, SQLITE_TRANSIENT);
        }
    }

    public static void sqlite3_result_blob(sqlite3_context context, ReadOnlySpan<byte> val)
    {
        if (val.IsEmpty)
        {
            ResultZeroBlob(context.Pointer, length: 0);
            return;
        }

        fixed (byte* bytes = val)
        {
            ResultBlob(context.Pointer, bytes, val.Length, SQLITE_TRANSIENT);
        }
    }

    public static void sqlite3_result_error(sqlite3_context context, string val) => ResultError(context.Pointer, val);

    public static void sqlite3_result_error_code(sqlite3_context context, int code) => ResultErrorCode(context.Pointer, code);

    private static void ReportError(nint context, Exception exception)
    {
        string message;
        try
        {
            message = exception.Message;
        }
        catch (Exception)
        {
            // A message is code too, and nothing that it throws may reach C.
            message = exception.GetType().Name;
        }

        ResultError(context, message);
    }

    private static void ResultError(nint context, string message)
    {
        using var utf8 = new Utf8Buffer(message, stackalloc byte[Utf8Buffer.StackBytes]);
        fixed (byte* text = utf8)
        {
            ResultError(context, text, utf8.Length);
        }
    }

    [LibraryImport(Library, EntryPoint = "sqlite3_value_type")]
    private static partial int ValueType(nint value);

    [LibraryImport(Library, EntryPoint = "sqlite3_value_int64")]
    private static partial long ValueInt64(nint value);

    [LibraryImport(Library, EntryPoint = "sqlite3_value_double")]
    private static partial double ValueDouble(nint value);

    [LibraryImport(Library, EntryPoint = "sqlite3_value_text")]
    private static partial byte* ValueText(nint value);

    [LibraryImport(Library, EntryPoint = "sqlite3_value_blob")]
    private static partial byte* ValueBlob(nint value);

    [LibraryImport(Library, EntryPoint = "sqlite3_value_bytes")]
    private static partial int ValueBytes(nint value);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_null")]
    private static partial void ResultNull(nint context);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_int64")]
    private static partial void ResultInt64(nint context, long value);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_double")]
    private static partial void ResultDouble(nint context, double value);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_text")]
    private static partial void ResultText(nint context, byte* text, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_blob")]
    private static partial void ResultBlob(nint context, byte* bytes, int length, nint destructor);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_zeroblob")]
    private static partial void ResultZeroBlob(nint context, int length);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_error")]
    private static partial void ResultError(nint context, byte* message, int length);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_error_code")]
    private static partial void ResultErrorCode(nint context, int code);

    [LibraryImport(Library, EntryPoint = "sqlite3_result_error_nomem")]
    private static partial void ResultNoMemory(nint context);
}

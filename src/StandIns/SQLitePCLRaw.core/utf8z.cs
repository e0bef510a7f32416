using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;
using System.Text;

namespace SQLitePCL;

/// <summary>
/// UTF-8 text that a zero byte follows, or null. It usually points into SQLite's memory: turn it into a string before the
/// next call on its owner.
/// </summary>
public readonly ref struct utf8z
{
    private readonly ReadOnlySpan<byte> _text;

    private utf8z(ReadOnlySpan<byte> text) => _text = text;

    private bool IsNull => Unsafe.IsNullRef(in MemoryMarshal.GetReference(_text));

    public static utf8z FromString(string? text)
    {
        if (text is null)
        {
            return default;
        }

        var length = Encoding.UTF8.GetByteCount(text);
        var terminated = new byte[length + 1];
        Encoding.UTF8.GetBytes(text, terminated);
        return new utf8z(terminated.AsSpan(0, length));
    }

    public string? utf8_to_string() => IsNull ? null : Encoding.UTF8.GetString(_text);

    /// <summary>Text that ends at its first zero byte.</summary>
    internal static unsafe utf8z FromPointer(byte* text) => new(MemoryMarshal.CreateReadOnlySpanFromNullTerminated(text));

    /// <summary>Text of a known length, which may contain zero bytes.</summary>
    internal static unsafe utf8z FromPointer(byte* text, int length) => new(new ReadOnlySpan<byte>(text, length));

    /// <summary>Lets a <c>fixed</c> statement hand the text to C, null as null and empty as empty.</summary>
    public ref readonly byte GetPinnableReference() => ref MemoryMarshal.GetReference(_text);
}

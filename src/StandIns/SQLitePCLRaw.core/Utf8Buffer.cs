using System.Buffers;
using System.Runtime.InteropServices;
using System.Text;

namespace SQLitePCL;

/// <summary>
/// A string's UTF-8 bytes for the time of one call: on the caller's stack when they are few, in a pooled array otherwise,
/// so that binding text allocates nothing. Zero bytes within the text are kept.
/// </summary>
internal ref struct Utf8Buffer
{
    /// <summary>Holds the names, keys and short titles that make up most bound text.</summary>
    internal const int StackBytes = 512;

    /// <summary>UTF-16 to UTF-8 grows at most threefold, so shorter strings need not be measured first.</summary>
    private const int MaxBytesPerChar = 3;

    private readonly Span<byte> _bytes;
    private byte[]? _rented;

    internal Utf8Buffer(string text, Span<byte> stack)
    {
        _bytes = stack;
        if (text.Length * (long)MaxBytesPerChar > stack.Length)
        {
            var needed = Encoding.UTF8.GetByteCount(text);
            if (needed > stack.Length)
            {
                _bytes = _rented = ArrayPool<byte>.Shared.Rent(needed);
            }
        }

        Length = Encoding.UTF8.GetBytes(text, _bytes);
    }

    internal int Length { get; }

    /// <summary>Never null, empty text included: SQLite takes a null pointer for NULL.</summary>
    public readonly ref byte GetPinnableReference() => ref MemoryMarshal.GetReference(_bytes);

    public void Dispose()
    {
        if (_rented is { } rented)
        {
            _rented = null;
            ArrayPool<byte>.Shared.Return(rented);
        }
    }
}

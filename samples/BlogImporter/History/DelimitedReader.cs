using System.Buffers;
using System.IO.Pipelines;
using System.Runtime.CompilerServices;

namespace BlogImporter;

/// <summary>What stood between two delimiters.</summary>
/// <param name="Bytes">The bytes without the delimiter, valid until the next piece is asked for. Empty where too long.</param>
/// <param name="IsTooLong">Whether it was longer than the reader's bound, and was passed over.</param>
internal readonly record struct Piece(ReadOnlySequence<byte> Bytes, bool IsTooLong)
{
    public static readonly Piece TooLong = new(default, IsTooLong: true);
}

/// <summary>
/// Cuts a stream at a delimiter byte. Works on bytes, so that invalid UTF-8 is seen by whoever decodes instead of being repaired
/// on the way, and holds no more than one piece of bounded length.
/// </summary>
internal static class DelimitedReader
{
    private const int ReadBytes = 64 * 1024;

    /// <summary>The pieces of the stream, the last one also where no delimiter follows it.</summary>
    public static async IAsyncEnumerable<Piece> ReadAsync(
        Stream stream, byte delimiter, int maxBytes, [EnumeratorCancellation] CancellationToken cancellationToken)
    {
        var reader = PipeReader.Create(stream, new StreamPipeReaderOptions(bufferSize: ReadBytes, leaveOpen: true));
        var isTooLong = false;
        while (true)
        {
            var result = await reader.ReadAsync(cancellationToken);
            var buffer = result.Buffer;
            while (buffer.PositionOf(delimiter) is { } end)
            {
                var piece = buffer.Slice(0, end);
                yield return isTooLong || piece.Length > maxBytes ? Piece.TooLong : new Piece(piece, IsTooLong: false);
                isTooLong = false;
                buffer = buffer.Slice(buffer.GetPosition(1, end));
            }

            if (buffer.Length > maxBytes)
            {
                isTooLong = true;
                buffer = buffer.Slice(buffer.End);
            }

            if (result.IsCompleted)
            {
                if (isTooLong || buffer.Length > 0)
                {
                    yield return isTooLong ? Piece.TooLong : new Piece(buffer, IsTooLong: false);
                }

                break;
            }

            reader.AdvanceTo(buffer.Start, buffer.End);
        }

        await reader.CompleteAsync();
    }
}

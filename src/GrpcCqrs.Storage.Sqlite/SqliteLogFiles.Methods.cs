using System.Runtime.CompilerServices;
using System.Runtime.InteropServices;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>What SQLite calls on a log.</summary>
internal static unsafe partial class SqliteLogFiles
{
    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int CloseLog(Handle* file)
    {
        var extra = ExtraOf(file);
        _ = Flush(extra);
        NativeMemory.Free(extra->Buffer);
        _ = CloseFile(extra->Descriptor);
        lock (Gate)
        {
            if (extra->Other is not null)
            {
                ExtraOf(extra->Other)->Other = null;
            }
        }

        return extra->Own->Close(file);
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Write(Handle* file, byte* data, int count, long offset)
    {
        var extra = ExtraOf(file);
        if (extra->Gathered > 0 && (offset != extra->Start + extra->Gathered || extra->Gathered + count > BufferBytes))
        {
            var result = Flush(extra);
            if (result != Ok)
            {
                return result;
            }
        }

        if (extra->Buffer is null && !TryAllocate(extra))
        {
            return OutOfMemory;
        }

        if (count > BufferBytes)
        {
            return WriteAll(extra, data, count, offset);
        }

        extra->Start = extra->Gathered == 0 ? offset : extra->Start;
        Buffer.MemoryCopy(data, extra->Buffer + extra->Gathered, count, count);
        extra->Gathered += count;
        if (count == FrameHeaderBytes)
        {
            // A page follows at once. The last of a transaction says how large the database is then, the others 0.
            extra->IsLastPage = Unsafe.ReadUnaligned<uint>(data + CommitSizeOffset) != 0;
            return Ok;
        }

        return extra->IsLastPage || extra->Other is null ? Flush(extra) : Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Read(Handle* file, byte* data, int count, long offset)
    {
        var extra = ExtraOf(file);
        var result = Flush(extra);
        while (result == Ok && count > 0)
        {
            var read = (int)ReadAt(extra->Descriptor, data, (nuint)count, offset);
            if (read > 0)
            {
                data += read;
                count -= read;
                offset += read;
            }
            else if (read == 0)
            {
                NativeMemory.Clear(data, (nuint)count);
                return ShortRead;
            }
            else if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                return ReadError;
            }
        }

        return result;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Sync(Handle* file, int flags)
    {
        var extra = ExtraOf(file);
        var result = Flush(extra);
        if (result != Ok)
        {
            return result;
        }

        if (!extra->IsNameDurable)
        {
            result = extra->Own->Sync(file, flags);
            extra->IsNameDurable = result == Ok;
            return result;
        }

        extra->Waiting = 0;
        while (FlushData(extra->Descriptor) != 0)
        {
            if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                return FlushError;
            }
        }

        return Ok;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int Truncate(Handle* file, long size)
    {
        var result = Flush(ExtraOf(file));
        return result == Ok ? ExtraOf(file)->Own->Truncate(file, size) : result;
    }

    [UnmanagedCallersOnly(CallConvs = [typeof(CallConvCdecl)])]
    private static int FileSize(Handle* file, long* size)
    {
        var result = Flush(ExtraOf(file));
        return result == Ok ? ExtraOf(file)->Own->FileSize(file, size) : result;
    }

    private static bool TryAllocate(Extra* extra)
    {
        try
        {
            extra->Buffer = (byte*)NativeMemory.Alloc(BufferBytes);
            return true;
        }
        catch (OutOfMemoryException)
        {
            return false;
        }
    }

    /// <summary>Writes what was gathered. Where that fails SQLite hears of it and rolls back; it is not tried again.</summary>
    private static int Flush(Extra* extra)
    {
        if (extra->Gathered == 0)
        {
            return Ok;
        }

        var count = extra->Gathered;
        (extra->Gathered, extra->IsLastPage) = (0, false);
        return WriteAll(extra, extra->Buffer, count, extra->Start);
    }

    private static int WriteAll(Extra* extra, byte* data, int count, long offset)
    {
        extra->Waiting += count;
        extra->End = offset + count;
        while (count > 0)
        {
            var written = (int)WriteAt(extra->Descriptor, data, (nuint)count, offset);
            if (written > 0)
            {
                data += written;
                count -= written;
                offset += written;
            }
            else if (written == 0 || Marshal.GetLastPInvokeError() is NoSpace)
            {
                return Full;
            }
            else if (Marshal.GetLastPInvokeError() != Interrupted)
            {
                return WriteError;
            }
        }

        if (extra->Waiting >= StartBytes)
        {
            // Only a matter of time: what fails here fails again at the flush, which tells.
            _ = StartFlush(extra->Descriptor, 0, 0, StartWriting);
            extra->Waiting = 0;
        }

        return Ok;
    }

    [LibraryImport("libc", EntryPoint = "close")]
    private static partial int CloseFile(int descriptor);

    [LibraryImport("libc", EntryPoint = "pread", SetLastError = true)]
    private static partial nint ReadAt(int descriptor, byte* data, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "pwrite", SetLastError = true)]
    private static partial nint WriteAt(int descriptor, byte* data, nuint count, long offset);

    [LibraryImport("libc", EntryPoint = "sync_file_range")]
    private static partial int StartFlush(int descriptor, long offset, long count, uint flags);

    [LibraryImport("libc", EntryPoint = "fdatasync", SetLastError = true)]
    private static partial int FlushData(int descriptor);
}

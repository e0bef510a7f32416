using Microsoft.Data.Sqlite;
using Xunit;

namespace StandIns.Tests.Sqlite;

public sealed class BlobStreamTests : IDisposable
{
    private readonly SqliteConnection _connection = DatabaseFile.OpenInMemory();

    public BlobStreamTests() => _connection.Execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB); INSERT INTO t VALUES (1, zeroblob(100000))");

    [Fact]
    public void A_blob_is_written_and_read_in_pieces()
    {
        var content = new byte[100_000];
        new Random(1).NextBytes(content);
        using (var written = new SqliteBlob(_connection, "t", "v", rowid: 1))
        {
            Assert.Equal(content.Length, written.Length);
            written.Write(content, 0, 60_000);
            written.Write(content.AsSpan(60_000));
        }

        using var read = new SqliteBlob(_connection, "t", "v", rowid: 1, readOnly: true);
        using var copy = new MemoryStream();
        read.CopyTo(copy, bufferSize: 4096);
        Assert.Equal(content, copy.ToArray());
        read.Position = 99_999;
        Assert.Equal(content[^1], read.ReadByte());
        Assert.Equal(-1, read.ReadByte());
        Assert.Equal(0, read.Read([]));
    }

    [Fact]
    public void A_reader_streams_its_column()
    {
        _connection.Execute("UPDATE t SET v = $v", ("$v", new byte[] { 1, 2, 3 }));
        using var command = _connection.Command("SELECT id, v FROM t");
        using var reader = command.ExecuteReader();
        Assert.True(reader.Read());

        using var stream = reader.GetStream(1);

        Assert.IsType<SqliteBlob>(stream);
        Assert.Equal([1, 2, 3], ReadAll(stream));
        Assert.Equal(2, reader.GetBytes(1, 1, new byte[5], 0, 5));
    }

    [Fact]
    public void A_stream_over_a_changed_row_is_aborted()
    {
        using var blob = new SqliteBlob(_connection, "t", "v", rowid: 1);
        _connection.Execute("UPDATE t SET v = zeroblob(10)");

        Assert.Equal(4, Assert.Throws<SqliteException>(() => blob.WriteByte(1)).SqliteErrorCode);
    }

    [Fact]
    public void A_missing_row_or_a_read_only_stream_is_refused()
    {
        Assert.Throws<SqliteException>(() => new SqliteBlob(_connection, "t", "v", rowid: 2));
        using var blob = new SqliteBlob(_connection, "t", "v", rowid: 1, readOnly: true);
        Assert.Throws<NotSupportedException>(() => blob.WriteByte(1));
    }

    public void Dispose() => _connection.Dispose();

    private static byte[] ReadAll(Stream stream)
    {
        using var copy = new MemoryStream();
        stream.CopyTo(copy);
        return copy.ToArray();
    }
}

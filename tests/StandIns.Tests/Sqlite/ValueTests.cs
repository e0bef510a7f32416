using System.Globalization;
using System.Text;
using Xunit;

namespace StandIns.Tests.Sqlite;

public sealed class ValueTests
{
    public static TheoryData<object> Values => new()
    {
        long.MinValue,
        long.MaxValue,
        int.MinValue,
        (short)-1,
        byte.MaxValue,
        true,
        false,
        'ß',
        0.1,
        double.MaxValue,
        double.NegativeInfinity,
        float.Epsilon,
        79228162514264337593543950335m,
        DateTime.Parse("2024-02-29T23:59:59.9999999", CultureInfo.InvariantCulture),
        DateTimeOffset.Parse("2024-02-29T23:59:59.9999999+05:30", CultureInfo.InvariantCulture),
        new DateOnly(2024, 2, 29),
        new TimeOnly(23, 59, 59),
        TimeSpan.FromTicks(-1),
        Guid.Parse("0192d5f0-7d4c-7f3a-8b1e-1f2e3d4c5b6a"),
        DayOfWeek.Wednesday,
        string.Empty,
        "plain",
        "Straße, Ελληνικά, русский, العربية, 日本語, 👩‍👩‍👧‍👦, 𝄞",
        new string('x', 511),
        new string('x', 512),
        new string('é', 171),
        new string('日', 1000),
        Array.Empty<byte>(),
        new byte[] { 0 },
        new byte[] { 0, 255, 0 },
    };

    [Theory]
    [MemberData(nameof(Values))]
    public void A_value_comes_back_as_it_went_in(object value)
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.Execute("CREATE TABLE t (id INTEGER PRIMARY KEY, v BLOB)");
        connection.Execute("INSERT INTO t (v) VALUES ($v)", ("$v", value));
        using var command = connection.Command("SELECT v FROM t");
        using var reader = command.ExecuteReader();

        Assert.True(reader.Read());
        Assert.False(reader.IsDBNull(0));
        var read = typeof(Microsoft.Data.Sqlite.SqliteDataReader).GetMethod(nameof(reader.GetFieldValue))!
            .MakeGenericMethod(value.GetType())
            .Invoke(reader, [0]);
        Assert.Equal(value, read);
    }

    [Theory(Skip = Build.NoStandIns)]
    [InlineData("before\0after")]
    [InlineData("\0")]
    public void Text_keeps_its_zero_characters(string text)
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.CreateFunction("same", (string v) => v);

        Assert.Equal(text, connection.Scalar("SELECT $v", ("$v", text)));
        Assert.Equal(text, connection.Scalar("SELECT same($v)", ("$v", text)));
    }

    [Fact]
    public void Null_empty_text_and_empty_blob_differ()
    {
        using var connection = DatabaseFile.OpenInMemory();

        Assert.Equal("null", connection.Scalar("SELECT typeof($v)", ("$v", null)));
        Assert.Equal("text", connection.Scalar("SELECT typeof($v)", ("$v", string.Empty)));
        Assert.Equal("blob", connection.Scalar("SELECT typeof($v)", ("$v", Array.Empty<byte>())));
        Assert.Equal(DBNull.Value, connection.Scalar("SELECT NULL"));
        Assert.Null(connection.Scalar("SELECT 1 WHERE 0"));
    }

    [Theory]
    [InlineData('x')]
    [InlineData('日')]
    public void Large_text_and_blob_come_back(char filler)
    {
        using var connection = DatabaseFile.OpenInMemory();
        var text = new string(filler, 2 * 1024 * 1024);
        var blob = Encoding.UTF8.GetBytes(text);

        using var command = connection.Command("SELECT $text, $blob, length($text)", ("$text", text), ("$blob", blob));
        using var reader = command.ExecuteReader();

        Assert.True(reader.Read());
        Assert.Equal(text, reader.GetString(0));
        Assert.Equal(blob, reader.GetFieldValue<byte[]>(1));
        Assert.Equal(text.Length, reader.GetInt32(2));
    }

    [Fact]
    public void A_lone_surrogate_is_stored_as_the_replacement_character()
    {
        using var connection = DatabaseFile.OpenInMemory();

        Assert.Equal("a\uFFFDb", connection.Scalar("SELECT $v", ("$v", "a\uD800b")));
    }

    [Fact]
    public void Names_and_keywords_outside_ASCII_work()
    {
        using var connection = DatabaseFile.OpenInMemory();
        connection.Execute("CREATE TABLE \"Bücher 📚\" (\"Größe\" INTEGER)");
        connection.Execute("INSERT INTO \"Bücher 📚\" VALUES ($größe)", ("$größe", 7));
        using var command = connection.Command("SELECT \"Größe\" FROM \"Bücher 📚\"");
        using var reader = command.ExecuteReader();

        Assert.Equal("Größe", reader.GetName(0));
        Assert.Equal("Bücher 📚", reader.GetSchemaTable().Rows[0]["BaseTableName"]);
    }
}

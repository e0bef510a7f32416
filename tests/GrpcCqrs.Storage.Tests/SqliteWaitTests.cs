using System.Runtime.InteropServices;
using GrpcCqrs.Storage.Sqlite;
using Xunit;

namespace GrpcCqrs.Storage.Tests;

/// <summary>The native SQLite of the package feed takes whole seconds for any wait, if it is left to itself.</summary>
public sealed partial class SqliteWaitTests
{
    [Fact]
    public void SQLite_sleeps_for_as_long_as_it_is_told_to()
    {
        Assert.Equal("Sqlite", new SqliteProvider().Name);

        Assert.Equal(3, Sleep(3));
    }

    /// <summary>Answers the milliseconds that the file system says it slept.</summary>
    [LibraryImport("e_sqlite3", EntryPoint = "sqlite3_sleep")]
    private static partial int Sleep(int milliseconds);
}

using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>A driver connection with its prepared commands. Used by one caller at a time.</summary>
internal sealed class PreparedConnection : IDisposable
{
    /// <summary>More than the product's statements; filters with lists add further texts.</summary>
    private const int MaxCommands = 128;

    /// <summary>
    /// SQLite runs tens of millions of instructions a second, so a cancelled query ends within a millisecond.
    /// </summary>
    private const int InstructionsBetweenChecks = 1_000;

    private readonly Dictionary<string, SqliteCommand> idle = new(StringComparer.Ordinal);
    private readonly SqliteConnection driver;

    private PreparedConnection(SqliteConnection driver)
    {
        this.driver = driver;
        raw.sqlite3_progress_handler(driver.Handle, InstructionsBetweenChecks, _ => Cancellation.IsCancellationRequested ? 1 : 0, null);
    }

    /// <summary>Cancels the running statement, even in the middle of a step.</summary>
    public CancellationToken Cancellation { get; set; }

    public static PreparedConnection Open(string connectionString)
    {
        var opened = new SqliteConnection(connectionString);
        try
        {
            opened.Open();
            return new PreparedConnection(opened);
        }
        catch
        {
            opened.Dispose();
            throw;
        }
    }

    /// <summary>A command with this text, prepared if it was used before; the caller returns it.</summary>
    public SqliteCommand Rent(string text) => idle.Remove(text, out var command) ? command : new SqliteCommand(text, driver);

    public void Return(SqliteCommand command)
    {
        command.Parameters.Clear();
        Cancellation = CancellationToken.None;
        if (idle.Count >= MaxCommands)
        {
            DisposeIdle();
        }

        if (!idle.TryAdd(command.CommandText, command))
        {
            command.Dispose();
        }
    }

    public void Dispose()
    {
        DisposeIdle();

        // The driver pools the connection: its next user must not be interrupted by this one's cancellation.
        raw.sqlite3_progress_handler(driver.Handle, 0, null, null);
        driver.Dispose();
    }

    private void DisposeIdle()
    {
        foreach (var command in idle.Values)
        {
            command.Dispose();
        }

        idle.Clear();
    }
}

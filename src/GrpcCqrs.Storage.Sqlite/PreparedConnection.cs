using Microsoft.Data.Sqlite;
using SQLitePCL;

namespace GrpcCqrs.Storage.Sqlite;

/// <summary>A connection of the driver with its prepared commands. One caller at a time.</summary>
internal sealed class PreparedConnection : IDisposable
{
    /// <summary>More than the product has statements; filters of lists make more of them.</summary>
    private const int MaxCommands = 128;

    /// <summary>SQLite's virtual machine runs some tens of millions a second, so a cancelled query ends within a millisecond.</summary>
    private const int InstructionsBetweenChecks = 1_000;

    private readonly Dictionary<string, SqliteCommand> idle = new(StringComparer.Ordinal);
    private readonly SqliteConnection driver;

    private PreparedConnection(SqliteConnection driver)
    {
        this.driver = driver;
        raw.sqlite3_progress_handler(driver.Handle, InstructionsBetweenChecks, _ => Cancellation.IsCancellationRequested ? 1 : 0, null);
    }

    /// <summary>Ends the statement that runs, also in the middle of a step.</summary>
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

    /// <summary>The command with that text, prepared if it was used before; the caller returns it.</summary>
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

        // The driver pools the connection, and whoever gets it next must not be interrupted by this one's callers.
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

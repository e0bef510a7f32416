using System.ComponentModel.DataAnnotations;

namespace GrpcCqrs.Storage.Databases;

/// <summary>The locations of the databases. Configuration section <c>Storage</c>.</summary>
public sealed class StorageOptions
{
    /// <summary>The configuration section.</summary>
    public const string Section = "Storage";

    /// <summary>
    /// The folder of embedded databases, created if missing; relative to the working directory. Default <c>data</c>.
    /// </summary>
    [Required]
    public string Directory { get; set; } = "data";

    /// <summary>The database of events, outbox, command ids and audit log.</summary>
    [Required]
    public DatabaseOptions Write { get; set; } = new();

    /// <summary>The database of denormalised tables. Must not be the write database.</summary>
    [Required]
    public DatabaseOptions Read { get; set; } = new();

    /// <summary>
    /// How often the newest position is polled on a write database without commit notifications, to notice the
    /// commits of other processes. Each poll reads one row. No effect on PostgreSQL, which has notifications. Default 100
    /// ms.
    /// </summary>
    [Range(typeof(TimeSpan), "00:00:00.010", "00:10:00")]
    public TimeSpan WatchInterval { get; set; } = TimeSpan.FromMilliseconds(100);
}

/// <summary>One database.</summary>
public sealed class DatabaseOptions
{
    /// <summary>The kind of database: the name of a registered provider. Default <c>Sqlite</c>.</summary>
    [Required]
    public string Provider { get; set; } = "Sqlite";

    /// <summary>
    /// The ADO.NET connection string. Null: the provider's default, which for Sqlite is a file in
    /// <see cref="StorageOptions.Directory"/>; providers of database servers have no default and require one.
    /// </summary>
    public string? ConnectionString { get; set; }
}

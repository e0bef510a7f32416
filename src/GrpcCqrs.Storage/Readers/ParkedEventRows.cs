using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage.Readers;

/// <summary>
/// An event that a reader of the log could not handle, or that follows such an event in its stream. Both databases have
/// this table: the read database for projections, the write database for consumer groups.
/// </summary>
internal sealed class ParkedEventRow
{
    /// <summary>The projection or consumer group.</summary>
    public required string Reader { get; set; }

    /// <summary>The generation of the projection's tables that lacks the event; 0 for a consumer group.</summary>
    public int Generation { get; set; }

    /// <summary>The event's position.</summary>
    public long Position { get; set; }

    /// <summary>Its stream.</summary>
    public required string Stream { get; set; }

    /// <summary>Its type's stable name.</summary>
    public required string EventType { get; set; }

    /// <summary>Why it failed the last time; null if it only follows another parked event.</summary>
    public string? Error { get; set; }

    /// <summary>The number of failed attempts; 0 if it only follows another parked event.</summary>
    public int Attempts { get; set; }

    /// <summary>1 if a consumer group is to deliver it again, otherwise 0.</summary>
    public int IsRetrying { get; set; }

    /// <summary>When it was last tried or parked.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>An event that a reader of the log skips for good at an operator's request.</summary>
internal sealed class SkippedEventRow
{
    /// <summary>The projection or consumer group.</summary>
    public required string Reader { get; set; }

    /// <summary>
    /// The version of the projection's logic, since a later version applies the event again; 0 for a consumer group.
    /// </summary>
    public int Version { get; set; }

    /// <summary>The event's position.</summary>
    public long Position { get; set; }

    /// <summary>Its stream.</summary>
    public required string Stream { get; set; }

    /// <summary>Its type's stable name.</summary>
    public required string EventType { get; set; }

    /// <summary>Why it failed.</summary>
    public string? Error { get; set; }

    /// <summary>The user who skipped it.</summary>
    public required string User { get; set; }

    /// <summary>When it was skipped.</summary>
    public long TimeMicroseconds { get; set; }
}

/// <summary>Maps both tables.</summary>
internal static class ParkingModel
{
    public static void Configure(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<ParkedEventRow>(row =>
        {
            row.ToTable("parked_events");
            row.HasKey(p => new { p.Reader, p.Generation, p.Position });
            row.Property(p => p.Reader).HasColumnName("reader").HasMaxLength(ColumnWidths.ReaderName);
            row.Property(p => p.Generation).HasColumnName("generation");
            row.Property(p => p.Position).HasColumnName("position");
            row.Property(p => p.Stream).HasColumnName("stream").HasMaxLength(StreamId.MaxLength);
            row.Property(p => p.EventType).HasColumnName("event_type").HasMaxLength(ColumnWidths.TypeName);
            row.Property(p => p.Error).HasColumnName("error");
            row.Property(p => p.Attempts).HasColumnName("attempts");
            row.Property(p => p.IsRetrying).HasColumnName("retrying");
            row.Property(p => p.TimeMicroseconds).HasColumnName("time_us");
            row.HasIndex(p => new { p.Reader, p.Generation, p.Stream, p.Position }).HasDatabaseName("ix_parked_events_stream");
        });
        modelBuilder.Entity<SkippedEventRow>(row =>
        {
            row.ToTable("skipped_events");
            row.HasKey(s => new { s.Reader, s.Version, s.Position });
            row.Property(s => s.Reader).HasColumnName("reader").HasMaxLength(ColumnWidths.ReaderName);
            row.Property(s => s.Version).HasColumnName("version");
            row.Property(s => s.Position).HasColumnName("position");
            row.Property(s => s.Stream).HasColumnName("stream").HasMaxLength(StreamId.MaxLength);
            row.Property(s => s.EventType).HasColumnName("event_type").HasMaxLength(ColumnWidths.TypeName);
            row.Property(s => s.Error).HasColumnName("error");
            row.Property(s => s.User).HasColumnName("user_name").HasMaxLength(ColumnWidths.User);
            row.Property(s => s.TimeMicroseconds).HasColumnName("time_us");
        });
    }
}

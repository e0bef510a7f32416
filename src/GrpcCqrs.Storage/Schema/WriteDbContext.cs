using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using GrpcCqrs.Storage.Jobs;
using GrpcCqrs.Storage.Readers;
using GrpcCqrs.Storage.Subscriptions;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage.Schema;

/// <summary>
/// A write database: events, outbox, command ids, unique keys, audit log, snapshots, sequencer, consumer groups and
/// jobs. A service derives its own context from it; the engine owns the tables and migrates them. Appends use prepared
/// statements on the same tables (docs/decisions/0005-ef-core-for-the-schema.md).
/// </summary>
public abstract class WriteDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>The event log.</summary>
    internal DbSet<EventRow> Events => Set<EventRow>();

    /// <summary>Committed transactions whose events the projections still have to apply.</summary>
    internal DbSet<OutboxRow> Outbox => Set<OutboxRow>();

    /// <summary>Answered commands with their replies, for repeated requests.</summary>
    internal DbSet<CommandRow> Commands => Set<CommandRow>();

    /// <summary>Keys held by live streams.</summary>
    internal DbSet<UniqueKeyRow> UniqueKeys => Set<UniqueKeyRow>();

    /// <summary>The audit log.</summary>
    internal DbSet<AuditRow> Audit => Set<AuditRow>();

    /// <summary>The single row that assigns positions.</summary>
    internal DbSet<SequencerRow> Sequencer => Set<SequencerRow>();

    /// <summary>Snapshots of folded states.</summary>
    internal DbSet<SnapshotRow> Snapshots => Set<SnapshotRow>();

    /// <summary>The single row that identifies the store.</summary>
    internal DbSet<StoreIdentityRow> StoreIdentity => Set<StoreIdentityRow>();

    /// <summary>Consumer groups of the event feed, each with its position.</summary>
    internal DbSet<ConsumerGroupRow> ConsumerGroups => Set<ConsumerGroupRow>();

    /// <summary>Positions that a group has acknowledged out of order, after its own position.</summary>
    internal DbSet<ConsumerAckRow> ConsumerAcks => Set<ConsumerAckRow>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<EventRow>(row =>
        {
            row.ToTable("events");
            row.HasKey(e => e.Position);
            row.Property(e => e.Position).HasColumnName("position").ValueGeneratedNever();
            row.Property(e => e.Stream).HasColumnName("stream").HasMaxLength(StreamId.MaxLength);
            row.Property(e => e.Version).HasColumnName("version");
            row.Property(e => e.EventId).HasColumnName("event_id");
            row.Property(e => e.Type).HasColumnName("type").HasMaxLength(ColumnWidths.TypeName);
            row.Property(e => e.SchemaVersion).HasColumnName("schema_version");
            row.Property(e => e.Payload).HasColumnName("payload");
            row.Property(e => e.CommandId).HasColumnName("command_id");
            row.Property(e => e.CorrelationId).HasColumnName("correlation_id").HasMaxLength(ColumnWidths.CorrelationId);
            row.Property(e => e.CausationId).HasColumnName("causation_id").HasMaxLength(ColumnWidths.CorrelationId);
            row.Property(e => e.User).HasColumnName("user_name").HasMaxLength(ColumnWidths.User);
            row.Property(e => e.TimeMicroseconds).HasColumnName("time_us");
            row.Property(e => e.Hash).HasColumnName("hash").HasMaxLength(32);
            row.HasIndex(e => new { e.Stream, e.Version }).IsUnique().HasDatabaseName("ux_events_stream_version");
        });
        modelBuilder.Entity<OutboxRow>(row =>
        {
            row.ToTable("outbox");
            row.HasKey(o => o.LastPosition);
            row.Property(o => o.LastPosition).HasColumnName("last_position").ValueGeneratedNever();
            row.Property(o => o.FirstPosition).HasColumnName("first_position");
            row.Property(o => o.TimeMicroseconds).HasColumnName("time_us");
        });
        modelBuilder.Entity<CommandRow>(row =>
        {
            row.ToTable("commands");
            row.HasKey(c => c.CommandId);
            row.Property(c => c.CommandId).HasColumnName("command_id").ValueGeneratedNever();
            row.Property(c => c.RequestHash).HasColumnName("request_hash").HasMaxLength(32);
            row.Property(c => c.Stream).HasColumnName("stream").HasMaxLength(StreamId.MaxLength);
            row.Property(c => c.Version).HasColumnName("version");
            row.Property(c => c.Position).HasColumnName("position");
            row.Property(c => c.Reply).HasColumnName("reply").HasMaxLength(ColumnWidths.Reply);
            row.Property(c => c.TimeMicroseconds).HasColumnName("time_us");
            row.HasIndex(c => c.TimeMicroseconds).HasDatabaseName("ix_commands_time");
        });
        modelBuilder.Entity<UniqueKeyRow>(row =>
        {
            row.ToTable("unique_keys");
            row.HasKey(k => new { k.Scope, k.Value });
            row.Property(k => k.Scope).HasColumnName("scope").HasMaxLength(ColumnWidths.KeyScope);
            row.Property(k => k.Value).HasColumnName("value").HasMaxLength(ColumnWidths.KeyValue);
            row.Property(k => k.Stream).HasColumnName("stream").HasMaxLength(StreamId.MaxLength);
        });
        modelBuilder.Entity<AuditRow>(row =>
        {
            row.ToTable("audit");
            row.HasKey(a => a.Id);

            // SQLite numbers the rows anyway; AUTOINCREMENT would also write a row of another table for each.
            var id = row.Property(a => a.Id).HasColumnName("id");
            _ = Database.ProviderName?.EndsWith("Sqlite", StringComparison.Ordinal) == true ? id.ValueGeneratedNever() : id.ValueGeneratedOnAdd();
            row.Property(a => a.TimeMicroseconds).HasColumnName("time_us");
            row.Property(a => a.CommandType).HasColumnName("command_type").HasMaxLength(ColumnWidths.TypeName);
            row.Property(a => a.CommandId).HasColumnName("command_id");
            row.Property(a => a.User).HasColumnName("user_name").HasMaxLength(ColumnWidths.User);
            row.Property(a => a.Stream).HasColumnName("stream").HasMaxLength(StreamId.MaxLength);
            row.Property(a => a.Outcome).HasColumnName("outcome");
            row.Property(a => a.ErrorReason).HasColumnName("error_reason").HasMaxLength(ColumnWidths.TypeName);
            row.Property(a => a.DurationMicroseconds).HasColumnName("duration_us");
            row.Property(a => a.Position).HasColumnName("position");
            row.HasIndex(a => new { a.TimeMicroseconds, a.Id }).HasDatabaseName("ix_audit_time");

            // Audit entries of appends are found by their event's stream, through the position. Inserts in order of
            // position are cheap for the index; in order of stream, each would touch a different page.
            row.HasIndex(a => a.Position).HasDatabaseName("ix_audit_position");
            row.HasIndex(a => new { a.Stream, a.Id }).HasDatabaseName("ix_audit_stream").HasFilter("position IS NULL");
        });
        modelBuilder.Entity<SequencerRow>(row =>
        {
            row.ToTable("sequencer");
            row.HasKey(s => s.Id);
            row.Property(s => s.Id).HasColumnName("id").ValueGeneratedNever();
            row.Property(s => s.Position).HasColumnName("position");
            row.Property(s => s.TimeMicroseconds).HasColumnName("time_us");
            row.Property(s => s.Hash).HasColumnName("hash").HasMaxLength(32);
            row.HasData(new SequencerRow { Id = 1 });
        });
        modelBuilder.Entity<SnapshotRow>(row =>
        {
            row.ToTable("snapshots");
            row.HasKey(s => s.Stream);
            row.Property(s => s.Stream).HasColumnName("stream").HasMaxLength(StreamId.MaxLength);
            row.Property(s => s.Version).HasColumnName("version");
            row.Property(s => s.Position).HasColumnName("position");
            row.Property(s => s.SchemaVersion).HasColumnName("schema_version");
            row.Property(s => s.Payload).HasColumnName("payload");
            row.Property(s => s.TimeMicroseconds).HasColumnName("time_us");
        });
        modelBuilder.Entity<StoreIdentityRow>(row =>
        {
            row.ToTable("store_identity");
            row.HasKey(s => s.Id);
            row.Property(s => s.Id).HasColumnName("id").ValueGeneratedNever();
            row.Property(s => s.StoreId).HasColumnName("store_id");
            row.Property(s => s.TokenKey).HasColumnName("token_key").HasMaxLength(32);
            row.Property(s => s.TimeMicroseconds).HasColumnName("time_us");
        });
        ConfigureConsumerGroups(modelBuilder);
        modelBuilder.Entity<JobRow>(row =>
        {
            row.ToTable("jobs");
            row.HasKey(j => j.Id);
            row.Property(j => j.Id).HasColumnName("id").ValueGeneratedNever();
            row.Property(j => j.Kind).HasColumnName("kind").HasMaxLength(ColumnWidths.Kind);
            row.Property(j => j.Arguments).HasColumnName("arguments");
            row.Property(j => j.User).HasColumnName("user_name").HasMaxLength(ColumnWidths.User);
            row.Property(j => j.CreatedMicroseconds).HasColumnName("created_us");
            row.Property(j => j.State).HasColumnName("state");
            row.Property(j => j.Attempts).HasColumnName("attempts");
            row.Property(j => j.Owner).HasColumnName("owner").HasMaxLength(ColumnWidths.User);
            row.Property(j => j.Fence).HasColumnName("fence");
            row.Property(j => j.Beat).HasColumnName("beat");
            row.Property(j => j.Done).HasColumnName("done");
            row.Property(j => j.Total).HasColumnName("total");
            row.Property(j => j.Message).HasColumnName("message");
            row.Property(j => j.ResumeFrom).HasColumnName("resume_from");
            row.Property(j => j.CancelledBy).HasColumnName("cancelled_by").HasMaxLength(ColumnWidths.User);
            row.Property(j => j.UpdatedMicroseconds).HasColumnName("updated_us");
            row.Property(j => j.EndedMicroseconds).HasColumnName("ended_us");
            row.HasIndex(j => j.CreatedMicroseconds).HasDatabaseName("ix_jobs_created");
            row.HasIndex(j => new { j.State, j.CreatedMicroseconds }).HasDatabaseName("ix_jobs_state");
        });
    }

    private static void ConfigureConsumerGroups(ModelBuilder modelBuilder)
    {
        modelBuilder.Entity<ConsumerGroupRow>(row =>
        {
            row.ToTable("consumer_groups");
            row.HasKey(g => g.Name);
            row.Property(g => g.Name).HasColumnName("name").HasMaxLength(ColumnWidths.ReaderName);
            row.Property(g => g.Filter).HasColumnName("filter");
            row.Property(g => g.StartPosition).HasColumnName("start_position");
            row.Property(g => g.Position).HasColumnName("position");
            row.Property(g => g.IsInProcess).HasColumnName("in_process");
            row.Property(g => g.Writes).HasColumnName("writes");
            row.Property(g => g.Members).HasColumnName("members");
            row.Property(g => g.InFlight).HasColumnName("in_flight");
            row.Property(g => g.TimeMicroseconds).HasColumnName("time_us");
        });
        modelBuilder.Entity<ConsumerAckRow>(row =>
        {
            row.ToTable("consumer_acks");
            row.HasKey(a => new { a.GroupName, a.Position });
            row.Property(a => a.GroupName).HasColumnName("group_name").HasMaxLength(ColumnWidths.ReaderName);
            row.Property(a => a.Position).HasColumnName("position");
        });
        LeaseRow.Configure(modelBuilder);
        ParkingModel.Configure(modelBuilder);
    }
}

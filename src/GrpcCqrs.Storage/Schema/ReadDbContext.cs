using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage;

/// <summary>
/// The engine's part of a read database's schema: checkpoints, the projector's lease, and what operators deal with. A service
/// derives its own context from it, adds the tables of its projections, each twice, and owns the migrations.
/// </summary>
public abstract class ReadDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>The longest name of a projection.</summary>
    public const int MaxProjectionName = 100;

    /// <summary>How far each projection has come.</summary>
    public DbSet<ProjectionRow> Projections => Set<ProjectionRow>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<ProjectionRow>(row =>
        {
            row.ToTable("projections");
            row.HasKey(p => new { p.Name, p.Slot });
            row.Property(p => p.Name).HasColumnName("name").HasMaxLength(MaxProjectionName);
            row.Property(p => p.Slot).HasColumnName("slot");
            row.Property(p => p.State).HasColumnName("state").HasDefaultValue((int)SlotState.Live);
            row.Property(p => p.Version).HasColumnName("version");
            row.Property(p => p.Position).HasColumnName("position");
            row.Property(p => p.TimeMicroseconds).HasColumnName("time_us");
            row.Property(p => p.StoreId).HasColumnName("store_id");
            row.Property(p => p.StateMicroseconds).HasColumnName("state_us");
            row.Property(p => p.Target).HasColumnName("target");
            row.Property(p => p.HoldsOnDifference).HasColumnName("holds_on_difference");
            row.Property(p => p.Note).HasColumnName("note");
        });
        modelBuilder.Entity<ProjectorLeaseRow>(row =>
        {
            row.ToTable("projector_lease");
            row.HasKey(l => l.Id);
            row.Property(l => l.Id).HasColumnName("id").ValueGeneratedNever();
            row.Property(l => l.Holder).HasColumnName("holder").HasMaxLength(ColumnWidths.User);
            row.Property(l => l.FencingToken).HasColumnName("fencing_token");
            row.Property(l => l.Beat).HasColumnName("beat");
            row.HasData(new ProjectorLeaseRow { Id = 1 });
        });
        modelBuilder.Entity<ParkedEventRow>(row =>
        {
            row.ToTable("parked_events");
            row.HasKey(p => new { p.Projection, p.Slot, p.Position });
            row.Property(p => p.Projection).HasColumnName("projection").HasMaxLength(MaxProjectionName);
            row.Property(p => p.Slot).HasColumnName("slot");
            row.Property(p => p.Position).HasColumnName("position");
            row.Property(p => p.Stream).HasColumnName("stream").HasMaxLength(EventSourcing.StreamId.MaxLength);
            row.Property(p => p.EventType).HasColumnName("event_type").HasMaxLength(ColumnWidths.TypeName);
            row.Property(p => p.Error).HasColumnName("error");
            row.Property(p => p.Attempts).HasColumnName("attempts");
            row.Property(p => p.TimeMicroseconds).HasColumnName("time_us");
        });
        modelBuilder.Entity<SkippedEventRow>(row =>
        {
            row.ToTable("skipped_events");
            row.HasKey(s => new { s.Projection, s.Version, s.Position });
            row.Property(s => s.Projection).HasColumnName("projection").HasMaxLength(MaxProjectionName);
            row.Property(s => s.Version).HasColumnName("version");
            row.Property(s => s.Position).HasColumnName("position");
            row.Property(s => s.Stream).HasColumnName("stream").HasMaxLength(EventSourcing.StreamId.MaxLength);
            row.Property(s => s.EventType).HasColumnName("event_type").HasMaxLength(ColumnWidths.TypeName);
            row.Property(s => s.Error).HasColumnName("error");
            row.Property(s => s.User).HasColumnName("user_name").HasMaxLength(ColumnWidths.User);
            row.Property(s => s.TimeMicroseconds).HasColumnName("time_us");
        });
        modelBuilder.Entity<OperatorRequestRow>(row =>
        {
            row.ToTable("operator_requests");
            row.HasKey(r => r.Id);
            row.Property(r => r.Id).HasColumnName("id").ValueGeneratedOnAdd();
            row.Property(r => r.Kind).HasColumnName("kind").HasMaxLength(50);
            row.Property(r => r.Arguments).HasColumnName("arguments");
            row.Property(r => r.User).HasColumnName("user_name").HasMaxLength(ColumnWidths.User);
            row.Property(r => r.TimeMicroseconds).HasColumnName("time_us");
            row.Property(r => r.State).HasColumnName("state");
            row.Property(r => r.Progress).HasColumnName("progress");
            row.Property(r => r.Result).HasColumnName("result");
            row.Property(r => r.DoneMicroseconds).HasColumnName("done_us");
            row.HasIndex(r => new { r.State, r.Id }).HasDatabaseName("ix_operator_requests_state");
        });
    }
}

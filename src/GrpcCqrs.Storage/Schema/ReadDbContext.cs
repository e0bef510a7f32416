using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage;

/// <summary>
/// The engine's part of a read database's schema: the projections' checkpoints. A service derives its own context from it, adds
/// the tables of its projections and owns the migrations.
/// </summary>
public abstract class ReadDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>How far each projection has come.</summary>
    public DbSet<ProjectionRow> Projections => Set<ProjectionRow>();

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.Entity<ProjectionRow>(row =>
        {
            row.ToTable("projections");
            row.HasKey(p => p.Name);
            row.Property(p => p.Name).HasColumnName("name").HasMaxLength(100);
            row.Property(p => p.Version).HasColumnName("version");
            row.Property(p => p.Position).HasColumnName("position");
            row.Property(p => p.TimeMicroseconds).HasColumnName("time_us");
            row.Property(p => p.StoreId).HasColumnName("store_id");
        });
    }
}

/// <summary>A projection's checkpoint.</summary>
public sealed class ProjectionRow
{
    /// <summary>The projection's name.</summary>
    public required string Name { get; set; }

    /// <summary>The version of the logic that filled its tables.</summary>
    public int Version { get; set; }

    /// <summary>The position of the last event that it has seen.</summary>
    public long Position { get; set; }

    /// <summary>When the checkpoint last moved.</summary>
    public long TimeMicroseconds { get; set; }

    /// <summary>The store whose events it has seen, so that a read database is never continued from another store's events.</summary>
    public Guid StoreId { get; set; }
}

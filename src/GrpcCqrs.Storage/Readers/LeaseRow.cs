using GrpcCqrs.Storage.Databases;
using Microsoft.EntityFrameworkCore;

namespace GrpcCqrs.Storage.Readers;

/// <summary>A lease: the right of one process at a time to write something. Both databases have this table.</summary>
internal sealed class LeaseRow
{
    /// <summary>What it is for.</summary>
    public required string Name { get; set; }

    /// <summary>The process that holds it; empty if it is free.</summary>
    public string Holder { get; set; } = "";

    /// <summary>The fencing token: grows with each holder. A transaction with an older one is rejected.</summary>
    public long Fence { get; set; }

    /// <summary>
    /// Grows while the holder is alive. The lease expires if the beat does not change for the lease's duration.
    /// </summary>
    public long Beat { get; set; }

    /// <summary>Maps the table.</summary>
    public static void Configure(ModelBuilder modelBuilder) => modelBuilder.Entity<LeaseRow>(row =>
    {
        row.ToTable("leases");
        row.HasKey(l => l.Name);
        row.Property(l => l.Name).HasColumnName("name").HasMaxLength(ColumnWidths.LeaseName);
        row.Property(l => l.Holder).HasColumnName("holder").HasMaxLength(ColumnWidths.User);
        row.Property(l => l.Fence).HasColumnName("fence");
        row.Property(l => l.Beat).HasColumnName("beat");
    });
}

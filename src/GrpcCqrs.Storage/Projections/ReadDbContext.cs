using System.ComponentModel.DataAnnotations.Schema;
using System.Reflection;
using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections.Rows;
using GrpcCqrs.Storage.Readers;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Metadata.Builders;

namespace GrpcCqrs.Storage.Projections;

/// <summary>
/// A read database: the engine's checkpoints, the projector's lease, parked events and operators' requests, and the
/// tables of the service's projections. A service derives its own context from it. The engine migrates its own tables;
/// it creates the projections' tables from their row classes, for each generation.
/// </summary>
public abstract class ReadDbContext(DbContextOptions options) : DbContext(options)
{
    /// <summary>The maximum length of a projection's name.</summary>
    public const int MaxProjectionName = 100;

    /// <summary>The length of a shape: SHA-256 in hexadecimal.</summary>
    internal const int ShapeLength = 64;

    /// <summary>The checkpoint of each generation of each projection.</summary>
    internal DbSet<ProjectionRow> Projections => Set<ProjectionRow>();

    /// <summary>The tables of the service's projections. Set before the model is first used.</summary>
    internal IReadOnlyList<ProjectionTable> ProjectionTables { get; set; } = [];

    /// <inheritdoc/>
    protected override void OnConfiguring(DbContextOptionsBuilder optionsBuilder)
    {
        ArgumentNullException.ThrowIfNull(optionsBuilder);
        optionsBuilder.ReplaceService<IModelCacheKeyFactory, ReadModelCacheKeyFactory>();
    }

    /// <inheritdoc/>
    protected override void OnModelCreating(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        foreach (var table in ProjectionTables.Where(table => table.Row is not null))
        {
            modelBuilder.SharedTypeEntity(table.Name, table.Row!, row => Map(row, table));
        }

        modelBuilder.Entity<ProjectionRow>(row =>
        {
            row.ToTable("projections");
            row.HasKey(p => new { p.Name, p.Generation });
            row.Property(p => p.Name).HasColumnName("name").HasMaxLength(MaxProjectionName);
            row.Property(p => p.Generation).HasColumnName("generation");
            row.Property(p => p.State).HasColumnName("state");
            row.Property(p => p.Version).HasColumnName("version");
            row.Property(p => p.Position).HasColumnName("position");
            row.Property(p => p.TimeMicroseconds).HasColumnName("time_us");
            row.Property(p => p.StoreId).HasColumnName("store_id");
            row.Property(p => p.StateMicroseconds).HasColumnName("state_us");
            row.Property(p => p.Target).HasColumnName("target");
            row.Property(p => p.HoldsOnDifference).HasColumnName("holds_on_difference");
            row.Property(p => p.Note).HasColumnName("note");
            row.Property(p => p.Tables).HasColumnName("tables");
            row.Property(p => p.Shape).HasColumnName("shape").HasMaxLength(ShapeLength);
        });
        LeaseRow.Configure(modelBuilder);
        modelBuilder.Entity<LeaseRow>().HasData(new LeaseRow { Name = Lease.Projector });
        ParkingModel.Configure(modelBuilder);
        modelBuilder.Entity<OperatorRequestRow>(row =>
        {
            row.ToTable("operator_requests");
            row.HasKey(r => r.Id);
            row.Property(r => r.Id).HasColumnName("id").ValueGeneratedOnAdd();
            row.Property(r => r.Kind).HasColumnName("kind").HasMaxLength(ColumnWidths.Kind);
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

    private static void Map(EntityTypeBuilder row, ProjectionTable table)
    {
        var type = RowType.Of(table.Row!);
        row.ToTable(table.Name);
        row.HasKey([.. type.Keys.Select(key => key.Name)]).HasName($"pk_{table.Name}");
        foreach (var property in type.Properties)
        {
            row.Property(property.PropertyType, property.Name).HasColumnName(RowType.ColumnOf(property));
        }

        foreach (var key in type.Keys.Where(key => key.GetCustomAttribute<DatabaseGeneratedAttribute>() is null))
        {
            row.Property(key.Name).ValueGeneratedNever();
        }

        foreach (var index in row.Metadata.GetIndexes())
        {
            index.SetDatabaseName(index.Name ?? $"ix_{table.Name}_{string.Join('_', index.Properties.Select(property => property.GetColumnName()))}");
        }
    }
}

/// <summary>Creates the service's own read context, with the tables of its projections.</summary>
internal sealed class ReadContextFactory(ReadDatabase database, Func<DbContextOptions, ReadDbContext> create, Func<IEnumerable<IProjection>> projections)
{
    // Lazy, since projections may themselves need the database.
    private readonly Lazy<ProjectionTable[]> tables = new(() => [.. projections().SelectMany(projection => projection.Tables)]);

    public ReadDbContext Create()
    {
        var context = create(database.ContextOptions());
        context.ProjectionTables = tables.Value;
        return context;
    }
}

/// <summary>One model for each combination of context type and projection tables.</summary>
internal sealed class ReadModelCacheKeyFactory : IModelCacheKeyFactory
{
    public object Create(DbContext context, bool designTime) => context is ReadDbContext read
        ? (context.GetType(), string.Join('\n', read.ProjectionTables.Select(table => $"{table.Name} {table.Row}")), designTime)
        : (context.GetType(), designTime);
}

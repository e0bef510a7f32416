using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using Microsoft.EntityFrameworkCore;
using Microsoft.EntityFrameworkCore.Migrations;
using Microsoft.EntityFrameworkCore.Migrations.Operations;
using Microsoft.EntityFrameworkCore.Migrations.Operations.Builders;

namespace GrpcCqrs.Storage.Schema.Migrations;

/// <summary>
/// A migration of the engine's own tables, written once for all databases: column types come from EF Core's type
/// mapping, and this class handles the few differences. A test compares the result with the model on each database.
/// </summary>
internal abstract class EngineMigration : Migration
{
    /// <summary>Whether it runs on SQLite.</summary>
    protected bool IsSqlite => ActiveProvider?.EndsWith("Sqlite", StringComparison.Ordinal) == true;

    /// <summary>Whether it runs on PostgreSQL.</summary>
    protected bool IsPostgreSql => ActiveProvider?.EndsWith("PostgreSQL", StringComparison.Ordinal) == true;

    /// <summary>Whether it runs on SQL Server.</summary>
    protected bool IsSqlServer => ActiveProvider?.EndsWith("SqlServer", StringComparison.Ordinal) == true;

    /// <summary>
    /// Says which EF Core the migration was written for: without it the generators work as those of versions long gone did.
    /// </summary>
    protected override void BuildTargetModel(ModelBuilder modelBuilder)
    {
        ArgumentNullException.ThrowIfNull(modelBuilder);
        modelBuilder.HasAnnotation("ProductVersion", "10.0.0");
    }

    /// <summary>A text column with byte-by-byte comparison.</summary>
    private protected OperationBuilder<AddColumnOperation> Text(ColumnsBuilder table, int? maxLength = null, bool nullable = false)
    {
        ArgumentNullException.ThrowIfNull(table);
        return table.Column<string>(
            maxLength: maxLength, nullable: nullable, collation: IsSqlServer ? TextCollations.SqlServer : IsPostgreSql ? TextCollations.PostgreSql : null);
    }

    /// <summary>Adds the leases, which both databases have.</summary>
    private protected void AddLeases(MigrationBuilder migrationBuilder)
    {
        ArgumentNullException.ThrowIfNull(migrationBuilder);
        migrationBuilder.CreateTable(
            "leases",
            table => new
            {
                name = Text(table, ColumnWidths.LeaseName),
                holder = Text(table, ColumnWidths.User),
                fence = table.Column<long>(),
                beat = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_leases", row => row.name));
    }

    /// <summary>Adds the parked and skipped events, which both databases have.</summary>
    private protected void AddParking(MigrationBuilder migrationBuilder)
    {
        ArgumentNullException.ThrowIfNull(migrationBuilder);
        migrationBuilder.CreateTable(
            "parked_events",
            table => new
            {
                reader = Text(table, ColumnWidths.ReaderName),
                generation = table.Column<int>(),
                position = table.Column<long>(),
                stream = Text(table, StreamId.MaxLength),
                event_type = Text(table, ColumnWidths.TypeName),
                error = Text(table, nullable: true),
                attempts = table.Column<int>(),
                retrying = table.Column<int>(),
                time_us = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_parked_events", row => new { row.reader, row.generation, row.position }));
        migrationBuilder.CreateIndex("ix_parked_events_stream", "parked_events", ["reader", "generation", "stream", "position"]);
        migrationBuilder.CreateTable(
            "skipped_events",
            table => new
            {
                reader = Text(table, ColumnWidths.ReaderName),
                version = table.Column<int>(),
                position = table.Column<long>(),
                stream = Text(table, StreamId.MaxLength),
                event_type = Text(table, ColumnWidths.TypeName),
                error = Text(table, nullable: true),
                user_name = Text(table, ColumnWidths.User),
                time_us = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_skipped_events", row => new { row.reader, row.version, row.position }));
    }

    /// <summary>A key column that the database generates; see <see cref="AddNumbering"/>.</summary>
    private protected OperationBuilder<AddColumnOperation> Numbered(ColumnsBuilder table, bool autoincrement)
    {
        ArgumentNullException.ThrowIfNull(table);
        var column = table.Column<long>();
        return IsSqlServer ? column.Annotation("SqlServer:Identity", "1, 1")
            : IsSqlite && autoincrement ? column.Annotation("Sqlite:Autoincrement", true)
            : column;
    }

    /// <summary>
    /// Makes PostgreSQL generate a column's numbers. The annotation's value is an enum of the provider, which the
    /// engine does not reference.
    /// </summary>
    private protected void AddNumbering(MigrationBuilder migrationBuilder, string table, string column)
    {
        ArgumentNullException.ThrowIfNull(migrationBuilder);
        if (IsPostgreSql)
        {
            migrationBuilder.Sql($"ALTER TABLE {table} ALTER COLUMN {column} ADD GENERATED BY DEFAULT AS IDENTITY;");
        }
    }
}

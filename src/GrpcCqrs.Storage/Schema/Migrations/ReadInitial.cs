using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.Projections;
using GrpcCqrs.Storage.Readers;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace GrpcCqrs.Storage.Schema.Migrations;

/// <summary>
/// The initial schema of the engine's own tables in a read database. Projections' tables are recreated, not migrated.
/// </summary>
[DbContext(typeof(ReadSchemaContext))]
[Migration("20261130210000_Initial")]
internal sealed class ReadInitial : EngineMigration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        if (IsSqlServer)
        {
            // Queries must see committed rows without waiting for the projector, and comparisons need a consistent
            // snapshot.
            AllowOnSqlServer("snapshot_isolation_state", "ALLOW_SNAPSHOT_ISOLATION ON");
            AllowOnSqlServer("is_read_committed_snapshot_on", "READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE");
        }

        migrationBuilder.CreateTable(
            "projections",
            table => new
            {
                name = Text(table, ReadDbContext.MaxProjectionName),
                generation = table.Column<int>(),
                state = table.Column<int>(),
                version = table.Column<int>(),
                position = table.Column<long>(),
                time_us = table.Column<long>(),
                store_id = table.Column<Guid>(),
                state_us = table.Column<long>(),
                target = table.Column<long>(),
                holds_on_difference = table.Column<bool>(),
                note = Text(table, nullable: true),
                tables = Text(table),
                shape = Text(table, ReadDbContext.ShapeLength),
            },
            constraints: table => table.PrimaryKey("PK_projections", row => new { row.name, row.generation }));
        AddLeases(migrationBuilder);
        migrationBuilder.Sql($"INSERT INTO leases (name, holder, fence, beat) VALUES ('{Lease.Projector}', '', 0, 0);");
        AddParking(migrationBuilder);
        migrationBuilder.CreateTable(
            "operator_requests",
            table => new
            {
                id = Numbered(table, autoincrement: true),
                kind = Text(table, ColumnWidths.Kind),
                arguments = Text(table),
                user_name = Text(table, ColumnWidths.User),
                time_us = table.Column<long>(),
                state = table.Column<int>(),
                progress = Text(table, nullable: true),
                result = Text(table, nullable: true),
                done_us = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_operator_requests", row => row.id));
        AddNumbering(migrationBuilder, "operator_requests", "id");
        migrationBuilder.CreateIndex("ix_operator_requests_state", "operator_requests", ["state", "id"]);

        void AllowOnSqlServer(string column, string setting) => migrationBuilder.Sql(
            $"IF (SELECT {column} FROM sys.databases WHERE database_id = DB_ID()) = 0 ALTER DATABASE CURRENT SET {setting}", suppressTransaction: true);
    }
}

using GrpcCqrs.EventSourcing;
using GrpcCqrs.Storage.Databases;
using GrpcCqrs.Storage.EventStore;
using Microsoft.EntityFrameworkCore.Infrastructure;
using Microsoft.EntityFrameworkCore.Migrations;

namespace GrpcCqrs.Storage.Schema.Migrations;

/// <summary>The initial schema of a write database.</summary>
[DbContext(typeof(WriteSchemaContext))]
[Migration("20261130210000_Initial")]
internal sealed class WriteInitial : EngineMigration
{
    /// <inheritdoc/>
    protected override void Up(MigrationBuilder migrationBuilder)
    {
        AddLog(migrationBuilder);
        AddCommands(migrationBuilder);
        AddConsumerGroups(migrationBuilder);
        AddJobs(migrationBuilder);
    }

    private void AddLog(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable(
            "events",
            table => new
            {
                position = table.Column<long>(),
                stream = Text(table, StreamId.MaxLength),
                version = table.Column<long>(),
                event_id = table.Column<Guid>(),
                type = Text(table, ColumnWidths.TypeName),
                schema_version = table.Column<int>(),
                payload = table.Column<byte[]>(),
                command_id = table.Column<Guid>(),
                correlation_id = Text(table, ColumnWidths.CorrelationId),
                causation_id = Text(table, ColumnWidths.CorrelationId),
                user_name = Text(table, ColumnWidths.User),
                time_us = table.Column<long>(),
                hash = table.Column<byte[]>(maxLength: 32),
            },
            constraints: table => table.PrimaryKey("PK_events", row => row.position));
        migrationBuilder.CreateIndex("ux_events_stream_version", "events", ["stream", "version"], unique: true);
        migrationBuilder.CreateTable(
            "outbox",
            table => new { last_position = table.Column<long>(), first_position = table.Column<long>(), time_us = table.Column<long>() },
            constraints: table => table.PrimaryKey("PK_outbox", row => row.last_position));
        migrationBuilder.CreateTable(
            "sequencer",
            table => new
            {
                id = table.Column<int>(),
                position = table.Column<long>(),
                time_us = table.Column<long>(),
                hash = table.Column<byte[]>(maxLength: 32),
            },
            constraints: table => table.PrimaryKey("PK_sequencer", row => row.id));
        var genesis = Convert.ToHexString(HashChain.Genesis);
        migrationBuilder.Sql(
            $"INSERT INTO sequencer (id, position, time_us, hash) VALUES (1, 0, 0, {(IsSqlServer ? $"0x{genesis}" : IsPostgreSql ? $"'\\x{genesis}'" : $"x'{genesis}'")});");
        migrationBuilder.CreateTable(
            "store_identity",
            table => new
            {
                id = table.Column<int>(),
                store_id = table.Column<Guid>(),
                token_key = table.Column<byte[]>(maxLength: 32),
                time_us = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_store_identity", row => row.id));
        migrationBuilder.CreateTable(
            "snapshots",
            table => new
            {
                stream = Text(table, StreamId.MaxLength),
                version = table.Column<long>(),
                position = table.Column<long>(),
                schema_version = table.Column<int>(),
                payload = table.Column<byte[]>(),
                time_us = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_snapshots", row => row.stream));
    }

    private void AddCommands(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable(
            "commands",
            table => new
            {
                command_id = table.Column<Guid>(),
                request_hash = table.Column<byte[]>(maxLength: 32),
                stream = Text(table, StreamId.MaxLength),
                version = table.Column<long>(),
                position = table.Column<long>(),
                reply = Text(table, ColumnWidths.Reply, nullable: true),
                time_us = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_commands", row => row.command_id));
        migrationBuilder.CreateIndex("ix_commands_time", "commands", "time_us");
        migrationBuilder.CreateTable(
            "unique_keys",
            table => new
            {
                scope = Text(table, ColumnWidths.KeyScope),
                value = Text(table, ColumnWidths.KeyValue),
                stream = Text(table, StreamId.MaxLength),
            },
            constraints: table => table.PrimaryKey("PK_unique_keys", row => new { row.scope, row.value }));
        migrationBuilder.CreateTable(
            "audit",
            table => new
            {
                id = Numbered(table, autoincrement: false),
                time_us = table.Column<long>(),
                command_type = Text(table, ColumnWidths.TypeName),
                command_id = table.Column<Guid>(),
                user_name = Text(table, ColumnWidths.User),
                stream = Text(table, StreamId.MaxLength, nullable: true),
                outcome = table.Column<int>(),
                error_reason = Text(table, ColumnWidths.TypeName, nullable: true),
                duration_us = table.Column<long>(),
                position = table.Column<long>(nullable: true),
            },
            constraints: table => table.PrimaryKey("PK_audit", row => row.id));
        AddNumbering(migrationBuilder, "audit", "id");
        migrationBuilder.CreateIndex("ix_audit_time", "audit", ["time_us", "id"]);
        migrationBuilder.CreateIndex("ix_audit_position", "audit", "position");
        migrationBuilder.CreateIndex("ix_audit_stream", "audit", ["stream", "id"], filter: "position IS NULL");
    }

    private void AddConsumerGroups(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable(
            "consumer_groups",
            table => new
            {
                name = Text(table, ColumnWidths.ReaderName),
                filter = Text(table),
                start_position = table.Column<long>(),
                position = table.Column<long>(),
                in_process = table.Column<bool>(),
                writes = table.Column<long>(),
                members = table.Column<int>(),
                in_flight = table.Column<int>(),
                time_us = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_consumer_groups", row => row.name));
        migrationBuilder.CreateTable(
            "consumer_acks",
            table => new { group_name = Text(table, ColumnWidths.ReaderName), position = table.Column<long>() },
            constraints: table => table.PrimaryKey("PK_consumer_acks", row => new { row.group_name, row.position }));
        AddLeases(migrationBuilder);
        AddParking(migrationBuilder);
    }

    private void AddJobs(MigrationBuilder migrationBuilder)
    {
        migrationBuilder.CreateTable(
            "jobs",
            table => new
            {
                id = table.Column<Guid>(),
                kind = Text(table, ColumnWidths.Kind),
                arguments = Text(table),
                user_name = Text(table, ColumnWidths.User),
                created_us = table.Column<long>(),
                state = table.Column<int>(),
                attempts = table.Column<int>(),
                owner = Text(table, ColumnWidths.User),
                fence = table.Column<long>(),
                beat = table.Column<long>(),
                done = table.Column<long>(),
                total = table.Column<long>(),
                message = Text(table),
                resume_from = Text(table, nullable: true),
                cancelled_by = Text(table, ColumnWidths.User, nullable: true),
                updated_us = table.Column<long>(),
                ended_us = table.Column<long>(),
            },
            constraints: table => table.PrimaryKey("PK_jobs", row => row.id));
        migrationBuilder.CreateIndex("ix_jobs_created", "jobs", "created_us");
        migrationBuilder.CreateIndex("ix_jobs_state", "jobs", ["state", "created_us"]);
    }
}

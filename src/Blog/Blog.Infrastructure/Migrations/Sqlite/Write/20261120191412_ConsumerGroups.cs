using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Blog.Infrastructure.Migrations.Sqlite.Write
{
    /// <inheritdoc />
    public partial class ConsumerGroups : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "consumer_acks",
                columns: table => new
                {
                    group_name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    position = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_consumer_acks", x => new { x.group_name, x.position });
                });

            migrationBuilder.CreateTable(
                name: "consumer_groups",
                columns: table => new
                {
                    name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    filter = table.Column<string>(type: "TEXT", nullable: false),
                    start_position = table.Column<long>(type: "INTEGER", nullable: false),
                    position = table.Column<long>(type: "INTEGER", nullable: false),
                    holder = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    fence = table.Column<long>(type: "INTEGER", nullable: false),
                    beat = table.Column<long>(type: "INTEGER", nullable: false),
                    members = table.Column<int>(type: "INTEGER", nullable: false),
                    in_flight = table.Column<int>(type: "INTEGER", nullable: false),
                    time_us = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_consumer_groups", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "parked_events",
                columns: table => new
                {
                    group_name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    position = table.Column<long>(type: "INTEGER", nullable: false),
                    stream = table.Column<string>(type: "TEXT", maxLength: 151, nullable: false),
                    failures = table.Column<int>(type: "INTEGER", nullable: false),
                    reason = table.Column<string>(type: "TEXT", maxLength: 1000, nullable: true),
                    retrying = table.Column<int>(type: "INTEGER", nullable: false),
                    time_us = table.Column<long>(type: "INTEGER", nullable: false),
                    skipped_by = table.Column<string>(type: "TEXT", maxLength: 200, nullable: true),
                    skipped_us = table.Column<long>(type: "INTEGER", nullable: true)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_parked_events", x => new { x.group_name, x.position });
                });

            migrationBuilder.CreateIndex(
                name: "ix_parked_events_stream",
                table: "parked_events",
                columns: new[] { "group_name", "stream", "position" });
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropTable(
                name: "consumer_acks");

            migrationBuilder.DropTable(
                name: "consumer_groups");

            migrationBuilder.DropTable(
                name: "parked_events");
        }
    }
}

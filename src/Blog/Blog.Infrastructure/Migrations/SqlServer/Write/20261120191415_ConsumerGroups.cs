using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Blog.Infrastructure.Migrations.SqlServer.Write
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
                    group_name = table.Column<string>(type: "nvarchar(100)", maxLength: 100, nullable: false, collation: "Latin1_General_100_BIN2"),
                    position = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_consumer_acks", x => new { x.group_name, x.position });
                });

            migrationBuilder.CreateTable(
                name: "consumer_groups",
                columns: table => new
                {
                    name = table.Column<string>(type: "nvarchar(100)", maxLength: 100, nullable: false, collation: "Latin1_General_100_BIN2"),
                    filter = table.Column<string>(type: "nvarchar(max)", nullable: false, collation: "Latin1_General_100_BIN2"),
                    start_position = table.Column<long>(type: "bigint", nullable: false),
                    position = table.Column<long>(type: "bigint", nullable: false),
                    holder = table.Column<string>(type: "nvarchar(200)", maxLength: 200, nullable: false, collation: "Latin1_General_100_BIN2"),
                    fence = table.Column<long>(type: "bigint", nullable: false),
                    beat = table.Column<long>(type: "bigint", nullable: false),
                    members = table.Column<int>(type: "int", nullable: false),
                    in_flight = table.Column<int>(type: "int", nullable: false),
                    time_us = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_consumer_groups", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "parked_events",
                columns: table => new
                {
                    group_name = table.Column<string>(type: "nvarchar(100)", maxLength: 100, nullable: false, collation: "Latin1_General_100_BIN2"),
                    position = table.Column<long>(type: "bigint", nullable: false),
                    stream = table.Column<string>(type: "nvarchar(151)", maxLength: 151, nullable: false, collation: "Latin1_General_100_BIN2"),
                    failures = table.Column<int>(type: "int", nullable: false),
                    reason = table.Column<string>(type: "nvarchar(1000)", maxLength: 1000, nullable: true, collation: "Latin1_General_100_BIN2"),
                    retrying = table.Column<int>(type: "int", nullable: false),
                    time_us = table.Column<long>(type: "bigint", nullable: false),
                    skipped_by = table.Column<string>(type: "nvarchar(200)", maxLength: 200, nullable: true, collation: "Latin1_General_100_BIN2"),
                    skipped_us = table.Column<long>(type: "bigint", nullable: true)
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

using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Blog.Infrastructure.Migrations.Sqlite.Write
{
    /// <inheritdoc />
    public partial class AuditIndexes : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            // By hand, and so in one transaction: EF Core's way of changing a column commits in between, and a start that is killed
            // there could not be repeated.
            migrationBuilder.Sql(
                """
                DROP INDEX "ix_audit_stream";
                DROP INDEX "ix_audit_time";
                CREATE TABLE "new_audit" (
                    "id" INTEGER NOT NULL CONSTRAINT "PK_audit" PRIMARY KEY,
                    "time_us" INTEGER NOT NULL,
                    "command_type" TEXT NOT NULL,
                    "command_id" TEXT NOT NULL,
                    "user_name" TEXT NOT NULL,
                    "stream" TEXT NULL,
                    "outcome" INTEGER NOT NULL,
                    "error_reason" TEXT NULL,
                    "duration_us" INTEGER NOT NULL,
                    "position" INTEGER NULL
                );
                INSERT INTO "new_audit" ("id", "time_us", "command_type", "command_id", "user_name", "stream", "outcome", "error_reason", "duration_us", "position")
                SELECT "id", "time_us", "command_type", "command_id", "user_name", "stream", "outcome", "error_reason", "duration_us", "position" FROM "audit";
                DROP TABLE "audit";
                ALTER TABLE "new_audit" RENAME TO "audit";
                CREATE INDEX "ix_audit_position" ON "audit" ("position");
                CREATE INDEX "ix_audit_stream" ON "audit" ("stream", "id") WHERE position IS NULL;
                CREATE INDEX "ix_audit_time" ON "audit" ("time_us", "id");
                """);
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropIndex(
                name: "ix_audit_position",
                table: "audit");

            migrationBuilder.DropIndex(
                name: "ix_audit_stream",
                table: "audit");

            migrationBuilder.AlterColumn<long>(
                name: "id",
                table: "audit",
                type: "INTEGER",
                nullable: false,
                oldClrType: typeof(long),
                oldType: "INTEGER")
                .Annotation("Sqlite:Autoincrement", true);

            migrationBuilder.CreateIndex(
                name: "ix_audit_stream",
                table: "audit",
                columns: new[] { "stream", "id" });
        }
    }
}

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
                .OldAnnotation("Sqlite:Autoincrement", true);

            migrationBuilder.CreateIndex(
                name: "ix_audit_position",
                table: "audit",
                column: "position");

            migrationBuilder.CreateIndex(
                name: "ix_audit_stream",
                table: "audit",
                columns: new[] { "stream", "id" },
                filter: "position IS NULL");
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

using System;
using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Blog.Infrastructure.Migrations.Sqlite.Read
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "post_details",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false),
                    content = table.Column<string>(type: "TEXT", nullable: false),
                    slug = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    title = table.Column<string>(type: "TEXT", maxLength: 400, nullable: false),
                    status = table.Column<int>(type: "INTEGER", nullable: false),
                    author = table.Column<string>(type: "TEXT", maxLength: 400, nullable: false),
                    tags = table.Column<string>(type: "TEXT", nullable: false),
                    version = table.Column<long>(type: "INTEGER", nullable: false),
                    create_us = table.Column<long>(type: "INTEGER", nullable: false),
                    update_us = table.Column<long>(type: "INTEGER", nullable: false),
                    publish_us = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_details", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_list",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false),
                    slug = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    title = table.Column<string>(type: "TEXT", maxLength: 400, nullable: false),
                    status = table.Column<int>(type: "INTEGER", nullable: false),
                    author = table.Column<string>(type: "TEXT", maxLength: 400, nullable: false),
                    tags = table.Column<string>(type: "TEXT", nullable: false),
                    version = table.Column<long>(type: "INTEGER", nullable: false),
                    create_us = table.Column<long>(type: "INTEGER", nullable: false),
                    update_us = table.Column<long>(type: "INTEGER", nullable: false),
                    publish_us = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_list", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_list_tags",
                columns: table => new
                {
                    tag = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_list_tags", x => new { x.tag, x.post_id });
                });

            migrationBuilder.CreateTable(
                name: "post_search_rows",
                columns: table => new
                {
                    row_id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_search_rows", x => x.row_id);
                });

            migrationBuilder.CreateTable(
                name: "projections",
                columns: table => new
                {
                    name = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false),
                    position = table.Column<long>(type: "INTEGER", nullable: false),
                    time_us = table.Column<long>(type: "INTEGER", nullable: false),
                    store_id = table.Column<Guid>(type: "TEXT", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_projections", x => x.name);
                });

            migrationBuilder.CreateTable(
                name: "tag_counts",
                columns: table => new
                {
                    tag = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    post_count = table.Column<long>(type: "INTEGER", nullable: false),
                    published_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_counts", x => x.tag);
                });

            migrationBuilder.CreateTable(
                name: "tag_posts",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false),
                    tag = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_posts", x => new { x.post_id, x.tag });
                });

            migrationBuilder.CreateTable(
                name: "tag_published_posts",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_published_posts", x => x.post_id);
                });

            migrationBuilder.CreateIndex(
                name: "ix_post_details_slug",
                table: "post_details",
                column: "slug");

            migrationBuilder.CreateIndex(
                name: "ix_post_list_author",
                table: "post_list",
                columns: new[] { "author", "create_us", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_create",
                table: "post_list",
                columns: new[] { "create_us", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_publish",
                table: "post_list",
                columns: new[] { "publish_us", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_title",
                table: "post_list",
                columns: new[] { "title", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_update",
                table: "post_list",
                columns: new[] { "update_us", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_tags_post",
                table: "post_list_tags",
                column: "post_id");

            migrationBuilder.CreateIndex(
                name: "ux_post_search_rows_post",
                table: "post_search_rows",
                column: "post_id",
                unique: true);

            // EF Core has no model of full-text indexes.
            migrationBuilder.Sql("CREATE VIRTUAL TABLE post_search USING fts5(title, content, tokenize = 'unicode61 remove_diacritics 2')");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("DROP TABLE post_search");

            migrationBuilder.DropTable(
                name: "post_details");

            migrationBuilder.DropTable(
                name: "post_list");

            migrationBuilder.DropTable(
                name: "post_list_tags");

            migrationBuilder.DropTable(
                name: "post_search_rows");

            migrationBuilder.DropTable(
                name: "projections");

            migrationBuilder.DropTable(
                name: "tag_counts");

            migrationBuilder.DropTable(
                name: "tag_posts");

            migrationBuilder.DropTable(
                name: "tag_published_posts");
        }
    }
}

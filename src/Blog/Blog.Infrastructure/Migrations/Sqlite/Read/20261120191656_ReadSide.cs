using Microsoft.EntityFrameworkCore.Migrations;

#nullable disable

namespace Blog.Infrastructure.Migrations.Sqlite.Read
{
    /// <inheritdoc />
    public partial class ReadSide : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.DropPrimaryKey(
                name: "PK_projections",
                table: "projections");

            migrationBuilder.AddColumn<int>(
                name: "slot",
                table: "projections",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0);

            migrationBuilder.AddColumn<bool>(
                name: "holds_on_difference",
                table: "projections",
                type: "INTEGER",
                nullable: false,
                defaultValue: false);

            migrationBuilder.AddColumn<string>(
                name: "note",
                table: "projections",
                type: "TEXT",
                nullable: true);

            migrationBuilder.AddColumn<int>(
                name: "state",
                table: "projections",
                type: "INTEGER",
                nullable: false,
                defaultValue: 1);

            migrationBuilder.AddColumn<long>(
                name: "state_us",
                table: "projections",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddColumn<long>(
                name: "target",
                table: "projections",
                type: "INTEGER",
                nullable: false,
                defaultValue: 0L);

            migrationBuilder.AddPrimaryKey(
                name: "PK_projections",
                table: "projections",
                columns: new[] { "name", "slot" });

            migrationBuilder.CreateTable(
                name: "author_posts",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false),
                    author = table.Column<string>(type: "TEXT", maxLength: 400, nullable: false),
                    is_published = table.Column<int>(type: "INTEGER", nullable: false),
                    edit_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_author_posts", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "author_posts_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false),
                    author = table.Column<string>(type: "TEXT", maxLength: 400, nullable: false),
                    is_published = table.Column<int>(type: "INTEGER", nullable: false),
                    edit_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_author_posts_alt", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "author_statistics",
                columns: table => new
                {
                    author = table.Column<string>(type: "TEXT", maxLength: 400, nullable: false),
                    post_count = table.Column<long>(type: "INTEGER", nullable: false),
                    published_count = table.Column<long>(type: "INTEGER", nullable: false),
                    edit_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_author_statistics", x => x.author);
                });

            migrationBuilder.CreateTable(
                name: "author_statistics_alt",
                columns: table => new
                {
                    author = table.Column<string>(type: "TEXT", maxLength: 400, nullable: false),
                    post_count = table.Column<long>(type: "INTEGER", nullable: false),
                    published_count = table.Column<long>(type: "INTEGER", nullable: false),
                    edit_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_author_statistics_alt", x => x.author);
                });

            migrationBuilder.CreateTable(
                name: "daily_activity",
                columns: table => new
                {
                    day = table.Column<int>(type: "INTEGER", nullable: false),
                    created_count = table.Column<long>(type: "INTEGER", nullable: false),
                    edited_count = table.Column<long>(type: "INTEGER", nullable: false),
                    published_count = table.Column<long>(type: "INTEGER", nullable: false),
                    deleted_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_daily_activity", x => x.day);
                });

            migrationBuilder.CreateTable(
                name: "daily_activity_alt",
                columns: table => new
                {
                    day = table.Column<int>(type: "INTEGER", nullable: false),
                    created_count = table.Column<long>(type: "INTEGER", nullable: false),
                    edited_count = table.Column<long>(type: "INTEGER", nullable: false),
                    published_count = table.Column<long>(type: "INTEGER", nullable: false),
                    deleted_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_daily_activity_alt", x => x.day);
                });

            migrationBuilder.CreateTable(
                name: "daily_post_activity",
                columns: table => new
                {
                    day = table.Column<int>(type: "INTEGER", nullable: false),
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false),
                    created_count = table.Column<long>(type: "INTEGER", nullable: false),
                    edited_count = table.Column<long>(type: "INTEGER", nullable: false),
                    published_count = table.Column<long>(type: "INTEGER", nullable: false),
                    deleted_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_daily_post_activity", x => new { x.post_id, x.day });
                });

            migrationBuilder.CreateTable(
                name: "daily_post_activity_alt",
                columns: table => new
                {
                    day = table.Column<int>(type: "INTEGER", nullable: false),
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false),
                    created_count = table.Column<long>(type: "INTEGER", nullable: false),
                    edited_count = table.Column<long>(type: "INTEGER", nullable: false),
                    published_count = table.Column<long>(type: "INTEGER", nullable: false),
                    deleted_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_daily_post_activity_alt", x => new { x.post_id, x.day });
                });

            migrationBuilder.CreateTable(
                name: "operator_requests",
                columns: table => new
                {
                    id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    kind = table.Column<string>(type: "TEXT", maxLength: 50, nullable: false),
                    arguments = table.Column<string>(type: "TEXT", nullable: false),
                    user_name = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    time_us = table.Column<long>(type: "INTEGER", nullable: false),
                    state = table.Column<int>(type: "INTEGER", nullable: false),
                    progress = table.Column<string>(type: "TEXT", nullable: true),
                    result = table.Column<string>(type: "TEXT", nullable: true),
                    done_us = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_operator_requests", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "parked_events",
                columns: table => new
                {
                    projection = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    slot = table.Column<int>(type: "INTEGER", nullable: false),
                    position = table.Column<long>(type: "INTEGER", nullable: false),
                    stream = table.Column<string>(type: "TEXT", maxLength: 151, nullable: false),
                    event_type = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    error = table.Column<string>(type: "TEXT", nullable: true),
                    attempts = table.Column<int>(type: "INTEGER", nullable: false),
                    time_us = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_parked_events", x => new { x.projection, x.slot, x.position });
                });

            migrationBuilder.CreateTable(
                name: "post_details_alt",
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
                    table.PrimaryKey("PK_post_details_alt", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_list_alt",
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
                    table.PrimaryKey("PK_post_list_alt", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_list_tags_alt",
                columns: table => new
                {
                    tag = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_list_tags_alt", x => new { x.tag, x.post_id });
                });

            migrationBuilder.CreateTable(
                name: "post_search_rows_alt",
                columns: table => new
                {
                    row_id = table.Column<long>(type: "INTEGER", nullable: false)
                        .Annotation("Sqlite:Autoincrement", true),
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_search_rows_alt", x => x.row_id);
                });

            migrationBuilder.CreateTable(
                name: "projector_lease",
                columns: table => new
                {
                    id = table.Column<int>(type: "INTEGER", nullable: false),
                    holder = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    fencing_token = table.Column<long>(type: "INTEGER", nullable: false),
                    beat = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_projector_lease", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "skipped_events",
                columns: table => new
                {
                    projection = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    version = table.Column<int>(type: "INTEGER", nullable: false),
                    position = table.Column<long>(type: "INTEGER", nullable: false),
                    stream = table.Column<string>(type: "TEXT", maxLength: 151, nullable: false),
                    event_type = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    error = table.Column<string>(type: "TEXT", nullable: true),
                    user_name = table.Column<string>(type: "TEXT", maxLength: 200, nullable: false),
                    time_us = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_skipped_events", x => new { x.projection, x.version, x.position });
                });

            migrationBuilder.CreateTable(
                name: "tag_counts_alt",
                columns: table => new
                {
                    tag = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false),
                    post_count = table.Column<long>(type: "INTEGER", nullable: false),
                    published_count = table.Column<long>(type: "INTEGER", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_counts_alt", x => x.tag);
                });

            migrationBuilder.CreateTable(
                name: "tag_posts_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false),
                    tag = table.Column<string>(type: "TEXT", maxLength: 100, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_posts_alt", x => new { x.post_id, x.tag });
                });

            migrationBuilder.CreateTable(
                name: "tag_published_posts_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "TEXT", maxLength: 36, nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_published_posts_alt", x => x.post_id);
                });

            migrationBuilder.InsertData(
                table: "projector_lease",
                columns: new[] { "id", "beat", "fencing_token", "holder" },
                values: new object[] { 1, 0L, 0L, "" });

            migrationBuilder.CreateIndex(
                name: "ix_operator_requests_state",
                table: "operator_requests",
                columns: new[] { "state", "id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_details_slug_alt",
                table: "post_details_alt",
                column: "slug");

            migrationBuilder.CreateIndex(
                name: "ix_post_list_author_alt",
                table: "post_list_alt",
                columns: new[] { "author", "create_us", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_create_alt",
                table: "post_list_alt",
                columns: new[] { "create_us", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_publish_alt",
                table: "post_list_alt",
                columns: new[] { "publish_us", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_title_alt",
                table: "post_list_alt",
                columns: new[] { "title", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_update_alt",
                table: "post_list_alt",
                columns: new[] { "update_us", "post_id" });

            migrationBuilder.CreateIndex(
                name: "ix_post_list_tags_post_alt",
                table: "post_list_tags_alt",
                column: "post_id");

            migrationBuilder.CreateIndex(
                name: "ux_post_search_rows_post_alt",
                table: "post_search_rows_alt",
                column: "post_id",
                unique: true);

            migrationBuilder.Sql("CREATE VIRTUAL TABLE post_search_alt USING fts5(title, content, tokenize = 'unicode61 remove_diacritics 2')");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.Sql("DROP TABLE post_search_alt");

            migrationBuilder.DropTable(
                name: "author_posts");

            migrationBuilder.DropTable(
                name: "author_posts_alt");

            migrationBuilder.DropTable(
                name: "author_statistics");

            migrationBuilder.DropTable(
                name: "author_statistics_alt");

            migrationBuilder.DropTable(
                name: "daily_activity");

            migrationBuilder.DropTable(
                name: "daily_activity_alt");

            migrationBuilder.DropTable(
                name: "daily_post_activity");

            migrationBuilder.DropTable(
                name: "daily_post_activity_alt");

            migrationBuilder.DropTable(
                name: "operator_requests");

            migrationBuilder.DropTable(
                name: "parked_events");

            migrationBuilder.DropTable(
                name: "post_details_alt");

            migrationBuilder.DropTable(
                name: "post_list_alt");

            migrationBuilder.DropTable(
                name: "post_list_tags_alt");

            migrationBuilder.DropTable(
                name: "post_search_rows_alt");

            migrationBuilder.DropTable(
                name: "projector_lease");

            migrationBuilder.DropTable(
                name: "skipped_events");

            migrationBuilder.DropTable(
                name: "tag_counts_alt");

            migrationBuilder.DropTable(
                name: "tag_posts_alt");

            migrationBuilder.DropTable(
                name: "tag_published_posts_alt");

            migrationBuilder.DropPrimaryKey(
                name: "PK_projections",
                table: "projections");

            migrationBuilder.DropColumn(
                name: "slot",
                table: "projections");

            migrationBuilder.DropColumn(
                name: "holds_on_difference",
                table: "projections");

            migrationBuilder.DropColumn(
                name: "note",
                table: "projections");

            migrationBuilder.DropColumn(
                name: "state",
                table: "projections");

            migrationBuilder.DropColumn(
                name: "state_us",
                table: "projections");

            migrationBuilder.DropColumn(
                name: "target",
                table: "projections");

            migrationBuilder.AddPrimaryKey(
                name: "PK_projections",
                table: "projections",
                column: "name");
        }
    }
}

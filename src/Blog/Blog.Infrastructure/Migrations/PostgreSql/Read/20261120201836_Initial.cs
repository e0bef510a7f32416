using System;
using Microsoft.EntityFrameworkCore.Migrations;
using Npgsql.EntityFrameworkCore.PostgreSQL.Metadata;
using NpgsqlTypes;

#nullable disable

namespace Blog.Infrastructure.Migrations.PostgreSql.Read
{
    /// <inheritdoc />
    public partial class Initial : Migration
    {
        /// <inheritdoc />
        protected override void Up(MigrationBuilder migrationBuilder)
        {
            migrationBuilder.CreateTable(
                name: "author_posts",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    author = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    is_published = table.Column<int>(type: "integer", nullable: false),
                    edit_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_author_posts", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "author_posts_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    author = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    is_published = table.Column<int>(type: "integer", nullable: false),
                    edit_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_author_posts_alt", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "author_statistics",
                columns: table => new
                {
                    author = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    post_count = table.Column<long>(type: "bigint", nullable: false),
                    published_count = table.Column<long>(type: "bigint", nullable: false),
                    edit_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_author_statistics", x => x.author);
                });

            migrationBuilder.CreateTable(
                name: "author_statistics_alt",
                columns: table => new
                {
                    author = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    post_count = table.Column<long>(type: "bigint", nullable: false),
                    published_count = table.Column<long>(type: "bigint", nullable: false),
                    edit_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_author_statistics_alt", x => x.author);
                });

            migrationBuilder.CreateTable(
                name: "daily_activity",
                columns: table => new
                {
                    day = table.Column<int>(type: "integer", nullable: false),
                    created_count = table.Column<long>(type: "bigint", nullable: false),
                    edited_count = table.Column<long>(type: "bigint", nullable: false),
                    published_count = table.Column<long>(type: "bigint", nullable: false),
                    deleted_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_daily_activity", x => x.day);
                });

            migrationBuilder.CreateTable(
                name: "daily_activity_alt",
                columns: table => new
                {
                    day = table.Column<int>(type: "integer", nullable: false),
                    created_count = table.Column<long>(type: "bigint", nullable: false),
                    edited_count = table.Column<long>(type: "bigint", nullable: false),
                    published_count = table.Column<long>(type: "bigint", nullable: false),
                    deleted_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_daily_activity_alt", x => x.day);
                });

            migrationBuilder.CreateTable(
                name: "daily_post_activity",
                columns: table => new
                {
                    day = table.Column<int>(type: "integer", nullable: false),
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    created_count = table.Column<long>(type: "bigint", nullable: false),
                    edited_count = table.Column<long>(type: "bigint", nullable: false),
                    published_count = table.Column<long>(type: "bigint", nullable: false),
                    deleted_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_daily_post_activity", x => new { x.post_id, x.day });
                });

            migrationBuilder.CreateTable(
                name: "daily_post_activity_alt",
                columns: table => new
                {
                    day = table.Column<int>(type: "integer", nullable: false),
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    created_count = table.Column<long>(type: "bigint", nullable: false),
                    edited_count = table.Column<long>(type: "bigint", nullable: false),
                    published_count = table.Column<long>(type: "bigint", nullable: false),
                    deleted_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_daily_post_activity_alt", x => new { x.post_id, x.day });
                });

            migrationBuilder.CreateTable(
                name: "operator_requests",
                columns: table => new
                {
                    id = table.Column<long>(type: "bigint", nullable: false)
                        .Annotation("Npgsql:ValueGenerationStrategy", NpgsqlValueGenerationStrategy.IdentityByDefaultColumn),
                    kind = table.Column<string>(type: "character varying(50)", maxLength: 50, nullable: false, collation: "C"),
                    arguments = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    user_name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false, collation: "C"),
                    time_us = table.Column<long>(type: "bigint", nullable: false),
                    state = table.Column<int>(type: "integer", nullable: false),
                    progress = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    result = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    done_us = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_operator_requests", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "parked_events",
                columns: table => new
                {
                    projection = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    slot = table.Column<int>(type: "integer", nullable: false),
                    position = table.Column<long>(type: "bigint", nullable: false),
                    stream = table.Column<string>(type: "character varying(151)", maxLength: 151, nullable: false, collation: "C"),
                    event_type = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false, collation: "C"),
                    error = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    attempts = table.Column<int>(type: "integer", nullable: false),
                    time_us = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_parked_events", x => new { x.projection, x.slot, x.position });
                });

            migrationBuilder.CreateTable(
                name: "post_details",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    content = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    slug = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    title = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    status = table.Column<int>(type: "integer", nullable: false),
                    author = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    tags = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    version = table.Column<long>(type: "bigint", nullable: false),
                    create_us = table.Column<long>(type: "bigint", nullable: false),
                    update_us = table.Column<long>(type: "bigint", nullable: false),
                    publish_us = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_details", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_details_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    content = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    slug = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    title = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    status = table.Column<int>(type: "integer", nullable: false),
                    author = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    tags = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    version = table.Column<long>(type: "bigint", nullable: false),
                    create_us = table.Column<long>(type: "bigint", nullable: false),
                    update_us = table.Column<long>(type: "bigint", nullable: false),
                    publish_us = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_details_alt", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_list",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    slug = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    title = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    status = table.Column<int>(type: "integer", nullable: false),
                    author = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    tags = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    version = table.Column<long>(type: "bigint", nullable: false),
                    create_us = table.Column<long>(type: "bigint", nullable: false),
                    update_us = table.Column<long>(type: "bigint", nullable: false),
                    publish_us = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_list", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_list_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    slug = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    title = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    status = table.Column<int>(type: "integer", nullable: false),
                    author = table.Column<string>(type: "character varying(400)", maxLength: 400, nullable: false, collation: "C"),
                    tags = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    version = table.Column<long>(type: "bigint", nullable: false),
                    create_us = table.Column<long>(type: "bigint", nullable: false),
                    update_us = table.Column<long>(type: "bigint", nullable: false),
                    publish_us = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_list_alt", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_list_tags",
                columns: table => new
                {
                    tag = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_list_tags", x => new { x.tag, x.post_id });
                });

            migrationBuilder.CreateTable(
                name: "post_list_tags_alt",
                columns: table => new
                {
                    tag = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_list_tags_alt", x => new { x.tag, x.post_id });
                });

            migrationBuilder.CreateTable(
                name: "post_search",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    title_vector = table.Column<NpgsqlTsVector>(type: "tsvector", nullable: false),
                    content_vector = table.Column<NpgsqlTsVector>(type: "tsvector", nullable: false),
                    title = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    content = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    title_words = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    content_words = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_search", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "post_search_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    title_vector = table.Column<NpgsqlTsVector>(type: "tsvector", nullable: false),
                    content_vector = table.Column<NpgsqlTsVector>(type: "tsvector", nullable: false),
                    title = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    content = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    title_words = table.Column<string>(type: "text", nullable: false, collation: "C"),
                    content_words = table.Column<string>(type: "text", nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_post_search_alt", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "projections",
                columns: table => new
                {
                    name = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    slot = table.Column<int>(type: "integer", nullable: false),
                    state = table.Column<int>(type: "integer", nullable: false, defaultValue: 1),
                    version = table.Column<int>(type: "integer", nullable: false),
                    position = table.Column<long>(type: "bigint", nullable: false),
                    time_us = table.Column<long>(type: "bigint", nullable: false),
                    store_id = table.Column<Guid>(type: "uuid", nullable: false),
                    state_us = table.Column<long>(type: "bigint", nullable: false),
                    target = table.Column<long>(type: "bigint", nullable: false),
                    holds_on_difference = table.Column<bool>(type: "boolean", nullable: false),
                    note = table.Column<string>(type: "text", nullable: true, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_projections", x => new { x.name, x.slot });
                });

            migrationBuilder.CreateTable(
                name: "projector_lease",
                columns: table => new
                {
                    id = table.Column<int>(type: "integer", nullable: false),
                    holder = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false, collation: "C"),
                    fencing_token = table.Column<long>(type: "bigint", nullable: false),
                    beat = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_projector_lease", x => x.id);
                });

            migrationBuilder.CreateTable(
                name: "skipped_events",
                columns: table => new
                {
                    projection = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    version = table.Column<int>(type: "integer", nullable: false),
                    position = table.Column<long>(type: "bigint", nullable: false),
                    stream = table.Column<string>(type: "character varying(151)", maxLength: 151, nullable: false, collation: "C"),
                    event_type = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false, collation: "C"),
                    error = table.Column<string>(type: "text", nullable: true, collation: "C"),
                    user_name = table.Column<string>(type: "character varying(200)", maxLength: 200, nullable: false, collation: "C"),
                    time_us = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_skipped_events", x => new { x.projection, x.version, x.position });
                });

            migrationBuilder.CreateTable(
                name: "tag_counts",
                columns: table => new
                {
                    tag = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    post_count = table.Column<long>(type: "bigint", nullable: false),
                    published_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_counts", x => x.tag);
                });

            migrationBuilder.CreateTable(
                name: "tag_counts_alt",
                columns: table => new
                {
                    tag = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C"),
                    post_count = table.Column<long>(type: "bigint", nullable: false),
                    published_count = table.Column<long>(type: "bigint", nullable: false)
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_counts_alt", x => x.tag);
                });

            migrationBuilder.CreateTable(
                name: "tag_posts",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    tag = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_posts", x => new { x.post_id, x.tag });
                });

            migrationBuilder.CreateTable(
                name: "tag_posts_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C"),
                    tag = table.Column<string>(type: "character varying(100)", maxLength: 100, nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_posts_alt", x => new { x.post_id, x.tag });
                });

            migrationBuilder.CreateTable(
                name: "tag_published_posts",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C")
                },
                constraints: table =>
                {
                    table.PrimaryKey("PK_tag_published_posts", x => x.post_id);
                });

            migrationBuilder.CreateTable(
                name: "tag_published_posts_alt",
                columns: table => new
                {
                    post_id = table.Column<string>(type: "character varying(36)", maxLength: 36, nullable: false, collation: "C")
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
                name: "ix_post_details_slug",
                table: "post_details",
                column: "slug");

            migrationBuilder.CreateIndex(
                name: "ix_post_details_slug_alt",
                table: "post_details_alt",
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
                name: "ix_post_list_tags_post",
                table: "post_list_tags",
                column: "post_id");

            migrationBuilder.CreateIndex(
                name: "ix_post_list_tags_post_alt",
                table: "post_list_tags_alt",
                column: "post_id");

            migrationBuilder.Sql("CREATE INDEX ix_post_search_words ON post_search USING gin ((title_vector || content_vector))");
            migrationBuilder.Sql("CREATE INDEX ix_post_search_words_alt ON post_search_alt USING gin ((title_vector || content_vector))");
        }

        /// <inheritdoc />
        protected override void Down(MigrationBuilder migrationBuilder)
        {
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
                name: "post_details");

            migrationBuilder.DropTable(
                name: "post_details_alt");

            migrationBuilder.DropTable(
                name: "post_list");

            migrationBuilder.DropTable(
                name: "post_list_alt");

            migrationBuilder.DropTable(
                name: "post_list_tags");

            migrationBuilder.DropTable(
                name: "post_list_tags_alt");

            migrationBuilder.DropTable(
                name: "post_search");

            migrationBuilder.DropTable(
                name: "post_search_alt");

            migrationBuilder.DropTable(
                name: "projections");

            migrationBuilder.DropTable(
                name: "projector_lease");

            migrationBuilder.DropTable(
                name: "skipped_events");

            migrationBuilder.DropTable(
                name: "tag_counts");

            migrationBuilder.DropTable(
                name: "tag_counts_alt");

            migrationBuilder.DropTable(
                name: "tag_posts");

            migrationBuilder.DropTable(
                name: "tag_posts_alt");

            migrationBuilder.DropTable(
                name: "tag_published_posts");

            migrationBuilder.DropTable(
                name: "tag_published_posts_alt");
        }
    }
}

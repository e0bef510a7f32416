CREATE TABLE IF NOT EXISTS "__EFMigrationsHistory" (
    "MigrationId" TEXT NOT NULL CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY,
    "ProductVersion" TEXT NOT NULL
);

BEGIN TRANSACTION;
CREATE TABLE "post_details" (
    "post_id" TEXT NOT NULL CONSTRAINT "PK_post_details" PRIMARY KEY,
    "content" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "status" INTEGER NOT NULL,
    "author" TEXT NOT NULL,
    "tags" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "create_us" INTEGER NOT NULL,
    "update_us" INTEGER NOT NULL,
    "publish_us" INTEGER NOT NULL
);

CREATE TABLE "post_list" (
    "post_id" TEXT NOT NULL CONSTRAINT "PK_post_list" PRIMARY KEY,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "status" INTEGER NOT NULL,
    "author" TEXT NOT NULL,
    "tags" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "create_us" INTEGER NOT NULL,
    "update_us" INTEGER NOT NULL,
    "publish_us" INTEGER NOT NULL
);

CREATE TABLE "post_list_tags" (
    "tag" TEXT NOT NULL,
    "post_id" TEXT NOT NULL,
    CONSTRAINT "PK_post_list_tags" PRIMARY KEY ("tag", "post_id")
);

CREATE TABLE "post_search_rows" (
    "row_id" INTEGER NOT NULL CONSTRAINT "PK_post_search_rows" PRIMARY KEY AUTOINCREMENT,
    "post_id" TEXT NOT NULL
);

CREATE TABLE "projections" (
    "name" TEXT NOT NULL CONSTRAINT "PK_projections" PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "time_us" INTEGER NOT NULL,
    "store_id" TEXT NOT NULL
);

CREATE TABLE "tag_counts" (
    "tag" TEXT NOT NULL CONSTRAINT "PK_tag_counts" PRIMARY KEY,
    "post_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL
);

CREATE TABLE "tag_posts" (
    "post_id" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    CONSTRAINT "PK_tag_posts" PRIMARY KEY ("post_id", "tag")
);

CREATE TABLE "tag_published_posts" (
    "post_id" TEXT NOT NULL CONSTRAINT "PK_tag_published_posts" PRIMARY KEY
);

CREATE INDEX "ix_post_details_slug" ON "post_details" ("slug");

CREATE INDEX "ix_post_list_author" ON "post_list" ("author", "create_us", "post_id");

CREATE INDEX "ix_post_list_create" ON "post_list" ("create_us", "post_id");

CREATE INDEX "ix_post_list_publish" ON "post_list" ("publish_us", "post_id");

CREATE INDEX "ix_post_list_title" ON "post_list" ("title", "post_id");

CREATE INDEX "ix_post_list_update" ON "post_list" ("update_us", "post_id");

CREATE INDEX "ix_post_list_tags_post" ON "post_list_tags" ("post_id");

CREATE UNIQUE INDEX "ux_post_search_rows_post" ON "post_search_rows" ("post_id");

CREATE VIRTUAL TABLE post_search USING fts5(title, content, tokenize = 'unicode61 remove_diacritics 2')

INSERT INTO "__EFMigrationsHistory" ("MigrationId", "ProductVersion")
VALUES ('20261120162410_Initial', '10.0.15');

COMMIT;

BEGIN TRANSACTION;
ALTER TABLE "projections" ADD "slot" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "projections" ADD "holds_on_difference" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "projections" ADD "note" TEXT NULL;

ALTER TABLE "projections" ADD "state" INTEGER NOT NULL DEFAULT 1;

ALTER TABLE "projections" ADD "state_us" INTEGER NOT NULL DEFAULT 0;

ALTER TABLE "projections" ADD "target" INTEGER NOT NULL DEFAULT 0;

CREATE TABLE "author_posts" (
    "post_id" TEXT NOT NULL CONSTRAINT "PK_author_posts" PRIMARY KEY,
    "author" TEXT NOT NULL,
    "is_published" INTEGER NOT NULL,
    "edit_count" INTEGER NOT NULL
);

CREATE TABLE "author_posts_alt" (
    "post_id" TEXT NOT NULL CONSTRAINT "PK_author_posts_alt" PRIMARY KEY,
    "author" TEXT NOT NULL,
    "is_published" INTEGER NOT NULL,
    "edit_count" INTEGER NOT NULL
);

CREATE TABLE "author_statistics" (
    "author" TEXT NOT NULL CONSTRAINT "PK_author_statistics" PRIMARY KEY,
    "post_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "edit_count" INTEGER NOT NULL
);

CREATE TABLE "author_statistics_alt" (
    "author" TEXT NOT NULL CONSTRAINT "PK_author_statistics_alt" PRIMARY KEY,
    "post_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "edit_count" INTEGER NOT NULL
);

CREATE TABLE "daily_activity" (
    "day" INTEGER NOT NULL CONSTRAINT "PK_daily_activity" PRIMARY KEY,
    "created_count" INTEGER NOT NULL,
    "edited_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "deleted_count" INTEGER NOT NULL
);

CREATE TABLE "daily_activity_alt" (
    "day" INTEGER NOT NULL CONSTRAINT "PK_daily_activity_alt" PRIMARY KEY,
    "created_count" INTEGER NOT NULL,
    "edited_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "deleted_count" INTEGER NOT NULL
);

CREATE TABLE "daily_post_activity" (
    "day" INTEGER NOT NULL,
    "post_id" TEXT NOT NULL,
    "created_count" INTEGER NOT NULL,
    "edited_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "deleted_count" INTEGER NOT NULL,
    CONSTRAINT "PK_daily_post_activity" PRIMARY KEY ("post_id", "day")
);

CREATE TABLE "daily_post_activity_alt" (
    "day" INTEGER NOT NULL,
    "post_id" TEXT NOT NULL,
    "created_count" INTEGER NOT NULL,
    "edited_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "deleted_count" INTEGER NOT NULL,
    CONSTRAINT "PK_daily_post_activity_alt" PRIMARY KEY ("post_id", "day")
);

CREATE TABLE "operator_requests" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_operator_requests" PRIMARY KEY AUTOINCREMENT,
    "kind" TEXT NOT NULL,
    "arguments" TEXT NOT NULL,
    "user_name" TEXT NOT NULL,
    "time_us" INTEGER NOT NULL,
    "state" INTEGER NOT NULL,
    "progress" TEXT NULL,
    "result" TEXT NULL,
    "done_us" INTEGER NOT NULL
);

CREATE TABLE "parked_events" (
    "projection" TEXT NOT NULL,
    "slot" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "stream" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "error" TEXT NULL,
    "attempts" INTEGER NOT NULL,
    "time_us" INTEGER NOT NULL,
    CONSTRAINT "PK_parked_events" PRIMARY KEY ("projection", "slot", "position")
);

CREATE TABLE "post_details_alt" (
    "post_id" TEXT NOT NULL CONSTRAINT "PK_post_details_alt" PRIMARY KEY,
    "content" TEXT NOT NULL,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "status" INTEGER NOT NULL,
    "author" TEXT NOT NULL,
    "tags" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "create_us" INTEGER NOT NULL,
    "update_us" INTEGER NOT NULL,
    "publish_us" INTEGER NOT NULL
);

CREATE TABLE "post_list_alt" (
    "post_id" TEXT NOT NULL CONSTRAINT "PK_post_list_alt" PRIMARY KEY,
    "slug" TEXT NOT NULL,
    "title" TEXT NOT NULL,
    "status" INTEGER NOT NULL,
    "author" TEXT NOT NULL,
    "tags" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "create_us" INTEGER NOT NULL,
    "update_us" INTEGER NOT NULL,
    "publish_us" INTEGER NOT NULL
);

CREATE TABLE "post_list_tags_alt" (
    "tag" TEXT NOT NULL,
    "post_id" TEXT NOT NULL,
    CONSTRAINT "PK_post_list_tags_alt" PRIMARY KEY ("tag", "post_id")
);

CREATE TABLE "post_search_rows_alt" (
    "row_id" INTEGER NOT NULL CONSTRAINT "PK_post_search_rows_alt" PRIMARY KEY AUTOINCREMENT,
    "post_id" TEXT NOT NULL
);

CREATE TABLE "projector_lease" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_projector_lease" PRIMARY KEY,
    "holder" TEXT NOT NULL,
    "fencing_token" INTEGER NOT NULL,
    "beat" INTEGER NOT NULL
);

CREATE TABLE "skipped_events" (
    "projection" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "stream" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "error" TEXT NULL,
    "user_name" TEXT NOT NULL,
    "time_us" INTEGER NOT NULL,
    CONSTRAINT "PK_skipped_events" PRIMARY KEY ("projection", "version", "position")
);

CREATE TABLE "tag_counts_alt" (
    "tag" TEXT NOT NULL CONSTRAINT "PK_tag_counts_alt" PRIMARY KEY,
    "post_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL
);

CREATE TABLE "tag_posts_alt" (
    "post_id" TEXT NOT NULL,
    "tag" TEXT NOT NULL,
    CONSTRAINT "PK_tag_posts_alt" PRIMARY KEY ("post_id", "tag")
);

CREATE TABLE "tag_published_posts_alt" (
    "post_id" TEXT NOT NULL CONSTRAINT "PK_tag_published_posts_alt" PRIMARY KEY
);

INSERT INTO "projector_lease" ("id", "beat", "fencing_token", "holder")
VALUES (1, 0, 0, '');
SELECT changes();


CREATE INDEX "ix_operator_requests_state" ON "operator_requests" ("state", "id");

CREATE INDEX "ix_post_details_slug_alt" ON "post_details_alt" ("slug");

CREATE INDEX "ix_post_list_author_alt" ON "post_list_alt" ("author", "create_us", "post_id");

CREATE INDEX "ix_post_list_create_alt" ON "post_list_alt" ("create_us", "post_id");

CREATE INDEX "ix_post_list_publish_alt" ON "post_list_alt" ("publish_us", "post_id");

CREATE INDEX "ix_post_list_title_alt" ON "post_list_alt" ("title", "post_id");

CREATE INDEX "ix_post_list_update_alt" ON "post_list_alt" ("update_us", "post_id");

CREATE INDEX "ix_post_list_tags_post_alt" ON "post_list_tags_alt" ("post_id");

CREATE UNIQUE INDEX "ux_post_search_rows_post_alt" ON "post_search_rows_alt" ("post_id");

CREATE VIRTUAL TABLE post_search_alt USING fts5(title, content, tokenize = 'unicode61 remove_diacritics 2')

CREATE TABLE "ef_temp_projections" (
    "name" TEXT NOT NULL,
    "slot" INTEGER NOT NULL,
    "holds_on_difference" INTEGER NOT NULL,
    "note" TEXT NULL,
    "position" INTEGER NOT NULL,
    "state" INTEGER NOT NULL DEFAULT 1,
    "state_us" INTEGER NOT NULL,
    "store_id" TEXT NOT NULL,
    "target" INTEGER NOT NULL,
    "time_us" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    CONSTRAINT "PK_projections" PRIMARY KEY ("name", "slot")
);

INSERT INTO "ef_temp_projections" ("name", "slot", "holds_on_difference", "note", "position", "state", "state_us", "store_id", "target", "time_us", "version")
SELECT "name", "slot", "holds_on_difference", "note", "position", "state", "state_us", "store_id", "target", "time_us", "version"
FROM "projections";

COMMIT;

PRAGMA foreign_keys = 0;

BEGIN TRANSACTION;
DROP TABLE "projections";

ALTER TABLE "ef_temp_projections" RENAME TO "projections";

COMMIT;

PRAGMA foreign_keys = 1;

INSERT INTO "__EFMigrationsHistory" ("MigrationId", "ProductVersion")
VALUES ('20261120191656_ReadSide', '10.0.15');

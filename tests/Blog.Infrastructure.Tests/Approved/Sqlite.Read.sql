CREATE TABLE IF NOT EXISTS "__EFMigrationsHistory" (
    "MigrationId" TEXT NOT NULL CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY,
    "ProductVersion" TEXT NOT NULL
);

BEGIN TRANSACTION;
CREATE TABLE "projections" (
    "name" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "state" INTEGER NOT NULL,
    "version" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "time_us" INTEGER NOT NULL,
    "store_id" TEXT NOT NULL,
    "state_us" INTEGER NOT NULL,
    "target" INTEGER NOT NULL,
    "holds_on_difference" INTEGER NOT NULL,
    "note" TEXT NULL,
    "tables" TEXT NOT NULL,
    "shape" TEXT NOT NULL,
    CONSTRAINT "PK_projections" PRIMARY KEY ("name", "generation")
);

CREATE TABLE "leases" (
    "name" TEXT NOT NULL CONSTRAINT "PK_leases" PRIMARY KEY,
    "holder" TEXT NOT NULL,
    "fence" INTEGER NOT NULL,
    "beat" INTEGER NOT NULL
);

INSERT INTO leases (name, holder, fence, beat) VALUES ('projector', '', 0, 0);

CREATE TABLE "parked_events" (
    "reader" TEXT NOT NULL,
    "generation" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "stream" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "error" TEXT NULL,
    "attempts" INTEGER NOT NULL,
    "retrying" INTEGER NOT NULL,
    "time_us" INTEGER NOT NULL,
    CONSTRAINT "PK_parked_events" PRIMARY KEY ("reader", "generation", "position")
);

CREATE INDEX "ix_parked_events_stream" ON "parked_events" ("reader", "generation", "stream", "position");

CREATE TABLE "skipped_events" (
    "reader" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "stream" TEXT NOT NULL,
    "event_type" TEXT NOT NULL,
    "error" TEXT NULL,
    "user_name" TEXT NOT NULL,
    "time_us" INTEGER NOT NULL,
    CONSTRAINT "PK_skipped_events" PRIMARY KEY ("reader", "version", "position")
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

CREATE INDEX "ix_operator_requests_state" ON "operator_requests" ("state", "id");

INSERT INTO "__EFMigrationsHistory" ("MigrationId", "ProductVersion")
VALUES ('20261130210000_Initial', '10.0.15');

COMMIT;

CREATE TABLE "post_details_g1" (
    "post_id" TEXT NOT NULL CONSTRAINT "pk_post_details_g1" PRIMARY KEY,
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
CREATE INDEX "ix_post_details_slug_g1" ON "post_details_g1" ("slug");

CREATE TABLE "post_list_g1" (
    "post_id" TEXT NOT NULL CONSTRAINT "pk_post_list_g1" PRIMARY KEY,
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
CREATE INDEX "ix_post_list_author_create_us_post_id_g1" ON "post_list_g1" ("author", "create_us", "post_id");
CREATE INDEX "ix_post_list_create_us_post_id_g1" ON "post_list_g1" ("create_us", "post_id");
CREATE INDEX "ix_post_list_publish_us_post_id_g1" ON "post_list_g1" ("publish_us", "post_id");
CREATE INDEX "ix_post_list_title_post_id_g1" ON "post_list_g1" ("title", "post_id");
CREATE INDEX "ix_post_list_update_us_post_id_g1" ON "post_list_g1" ("update_us", "post_id");
CREATE TABLE "post_list_tags_g1" (
    "tag" TEXT NOT NULL,
    "post_id" TEXT NOT NULL,
    CONSTRAINT "pk_post_list_tags_g1" PRIMARY KEY ("tag", "post_id")
);
CREATE INDEX "ix_post_list_tags_post_id_g1" ON "post_list_tags_g1" ("post_id");

CREATE TABLE "tag_posts_g1" (
    "post_id" TEXT NOT NULL CONSTRAINT "pk_tag_posts_g1" PRIMARY KEY,
    "tags" TEXT NOT NULL,
    "is_published" INTEGER NOT NULL
);
CREATE TABLE "tag_counts_g1" (
    "tag" TEXT NOT NULL CONSTRAINT "pk_tag_counts_g1" PRIMARY KEY,
    "post_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL
);

CREATE VIRTUAL TABLE post_search_g1 USING fts5(title, content, tokenize = 'unicode61 remove_diacritics 2');
CREATE TABLE "post_search_rows_g1" (
    "row_id" INTEGER NOT NULL CONSTRAINT "pk_post_search_rows_g1" PRIMARY KEY,
    "post_id" TEXT NOT NULL
);
CREATE UNIQUE INDEX "ix_post_search_rows_post_id_g1" ON "post_search_rows_g1" ("post_id");

CREATE TABLE "author_posts_g1" (
    "post_id" TEXT NOT NULL CONSTRAINT "pk_author_posts_g1" PRIMARY KEY,
    "author" TEXT NOT NULL,
    "is_published" INTEGER NOT NULL,
    "edit_count" INTEGER NOT NULL
);
CREATE TABLE "author_statistics_g1" (
    "author" TEXT NOT NULL CONSTRAINT "pk_author_statistics_g1" PRIMARY KEY,
    "post_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "edit_count" INTEGER NOT NULL
);

CREATE TABLE "daily_post_activity_g1" (
    "day" INTEGER NOT NULL,
    "post_id" TEXT NOT NULL,
    "created_count" INTEGER NOT NULL,
    "edited_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "deleted_count" INTEGER NOT NULL,
    CONSTRAINT "pk_daily_post_activity_g1" PRIMARY KEY ("post_id", "day")
);
CREATE TABLE "daily_activity_g1" (
    "day" INTEGER NOT NULL CONSTRAINT "pk_daily_activity_g1" PRIMARY KEY,
    "created_count" INTEGER NOT NULL,
    "edited_count" INTEGER NOT NULL,
    "published_count" INTEGER NOT NULL,
    "deleted_count" INTEGER NOT NULL
);

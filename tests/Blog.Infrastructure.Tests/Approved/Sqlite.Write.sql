CREATE TABLE IF NOT EXISTS "__EFMigrationsHistory" (
    "MigrationId" TEXT NOT NULL CONSTRAINT "PK___EFMigrationsHistory" PRIMARY KEY,
    "ProductVersion" TEXT NOT NULL
);

BEGIN TRANSACTION;
CREATE TABLE "events" (
    "position" INTEGER NOT NULL CONSTRAINT "PK_events" PRIMARY KEY,
    "stream" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "event_id" TEXT NOT NULL,
    "type" TEXT NOT NULL,
    "schema_version" INTEGER NOT NULL,
    "payload" BLOB NOT NULL,
    "command_id" TEXT NOT NULL,
    "correlation_id" TEXT NOT NULL,
    "causation_id" TEXT NOT NULL,
    "user_name" TEXT NOT NULL,
    "time_us" INTEGER NOT NULL,
    "hash" BLOB NOT NULL
);

CREATE UNIQUE INDEX "ux_events_stream_version" ON "events" ("stream", "version");

CREATE TABLE "outbox" (
    "last_position" INTEGER NOT NULL CONSTRAINT "PK_outbox" PRIMARY KEY,
    "first_position" INTEGER NOT NULL,
    "time_us" INTEGER NOT NULL
);

CREATE TABLE "sequencer" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_sequencer" PRIMARY KEY,
    "position" INTEGER NOT NULL,
    "time_us" INTEGER NOT NULL,
    "hash" BLOB NOT NULL
);

INSERT INTO sequencer (id, position, time_us, hash) VALUES (1, 0, 0, x'0000000000000000000000000000000000000000000000000000000000000000');

CREATE TABLE "store_identity" (
    "id" INTEGER NOT NULL CONSTRAINT "PK_store_identity" PRIMARY KEY,
    "store_id" TEXT NOT NULL,
    "token_key" BLOB NOT NULL,
    "time_us" INTEGER NOT NULL
);

CREATE TABLE "snapshots" (
    "stream" TEXT NOT NULL CONSTRAINT "PK_snapshots" PRIMARY KEY,
    "version" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "schema_version" INTEGER NOT NULL,
    "payload" BLOB NOT NULL,
    "time_us" INTEGER NOT NULL
);

CREATE TABLE "commands" (
    "command_id" TEXT NOT NULL CONSTRAINT "PK_commands" PRIMARY KEY,
    "request_hash" BLOB NOT NULL,
    "stream" TEXT NOT NULL,
    "version" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "reply" TEXT NULL,
    "time_us" INTEGER NOT NULL
);

CREATE INDEX "ix_commands_time" ON "commands" ("time_us");

CREATE TABLE "unique_keys" (
    "scope" TEXT NOT NULL,
    "value" TEXT NOT NULL,
    "stream" TEXT NOT NULL,
    CONSTRAINT "PK_unique_keys" PRIMARY KEY ("scope", "value")
);

CREATE TABLE "audit" (
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

CREATE INDEX "ix_audit_time" ON "audit" ("time_us", "id");

CREATE INDEX "ix_audit_position" ON "audit" ("position");

CREATE INDEX "ix_audit_stream" ON "audit" ("stream", "id") WHERE position IS NULL;

CREATE TABLE "consumer_groups" (
    "name" TEXT NOT NULL CONSTRAINT "PK_consumer_groups" PRIMARY KEY,
    "filter" TEXT NOT NULL,
    "start_position" INTEGER NOT NULL,
    "position" INTEGER NOT NULL,
    "in_process" INTEGER NOT NULL,
    "writes" INTEGER NOT NULL,
    "members" INTEGER NOT NULL,
    "in_flight" INTEGER NOT NULL,
    "time_us" INTEGER NOT NULL
);

CREATE TABLE "consumer_acks" (
    "group_name" TEXT NOT NULL,
    "position" INTEGER NOT NULL,
    CONSTRAINT "PK_consumer_acks" PRIMARY KEY ("group_name", "position")
);

CREATE TABLE "leases" (
    "name" TEXT NOT NULL CONSTRAINT "PK_leases" PRIMARY KEY,
    "holder" TEXT NOT NULL,
    "fence" INTEGER NOT NULL,
    "beat" INTEGER NOT NULL
);

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

CREATE TABLE "jobs" (
    "id" TEXT NOT NULL CONSTRAINT "PK_jobs" PRIMARY KEY,
    "kind" TEXT NOT NULL,
    "arguments" TEXT NOT NULL,
    "user_name" TEXT NOT NULL,
    "created_us" INTEGER NOT NULL,
    "state" INTEGER NOT NULL,
    "attempts" INTEGER NOT NULL,
    "owner" TEXT NOT NULL,
    "fence" INTEGER NOT NULL,
    "beat" INTEGER NOT NULL,
    "done" INTEGER NOT NULL,
    "total" INTEGER NOT NULL,
    "message" TEXT NOT NULL,
    "resume_from" TEXT NULL,
    "cancelled_by" TEXT NULL,
    "updated_us" INTEGER NOT NULL,
    "ended_us" INTEGER NOT NULL
);

CREATE INDEX "ix_jobs_created" ON "jobs" ("created_us");

CREATE INDEX "ix_jobs_state" ON "jobs" ("state", "created_us");

INSERT INTO "__EFMigrationsHistory" ("MigrationId", "ProductVersion")
VALUES ('20261130210000_Initial', '10.0.15');

COMMIT;

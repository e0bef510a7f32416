IF OBJECT_ID(N'[__EFMigrationsHistory]') IS NULL
BEGIN
    CREATE TABLE [__EFMigrationsHistory] (
        [MigrationId] nvarchar(150) NOT NULL,
        [ProductVersion] nvarchar(32) NOT NULL,
        CONSTRAINT [PK___EFMigrationsHistory] PRIMARY KEY ([MigrationId])
    );
END;
GO

IF (SELECT snapshot_isolation_state FROM sys.databases WHERE database_id = DB_ID()) = 0 ALTER DATABASE CURRENT SET ALLOW_SNAPSHOT_ISOLATION ON
GO

IF (SELECT is_read_committed_snapshot_on FROM sys.databases WHERE database_id = DB_ID()) = 0 ALTER DATABASE CURRENT SET READ_COMMITTED_SNAPSHOT ON WITH ROLLBACK IMMEDIATE
GO

BEGIN TRANSACTION;
CREATE TABLE [projections] (
    [name] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [generation] int NOT NULL,
    [state] int NOT NULL,
    [version] int NOT NULL,
    [position] bigint NOT NULL,
    [time_us] bigint NOT NULL,
    [store_id] uniqueidentifier NOT NULL,
    [state_us] bigint NOT NULL,
    [target] bigint NOT NULL,
    [holds_on_difference] bit NOT NULL,
    [note] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    [tables] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [shape] nvarchar(64) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_projections] PRIMARY KEY ([name], [generation])
);

CREATE TABLE [leases] (
    [name] nvarchar(120) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [holder] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [fence] bigint NOT NULL,
    [beat] bigint NOT NULL,
    CONSTRAINT [PK_leases] PRIMARY KEY ([name])
);

INSERT INTO leases (name, holder, fence, beat) VALUES ('projector', '', 0, 0);

CREATE TABLE [parked_events] (
    [reader] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [generation] int NOT NULL,
    [position] bigint NOT NULL,
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [event_type] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [error] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    [attempts] int NOT NULL,
    [retrying] int NOT NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_parked_events] PRIMARY KEY ([reader], [generation], [position])
);

CREATE INDEX [ix_parked_events_stream] ON [parked_events] ([reader], [generation], [stream], [position]);

CREATE TABLE [skipped_events] (
    [reader] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [version] int NOT NULL,
    [position] bigint NOT NULL,
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [event_type] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [error] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    [user_name] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_skipped_events] PRIMARY KEY ([reader], [version], [position])
);

CREATE TABLE [operator_requests] (
    [id] bigint NOT NULL IDENTITY,
    [kind] nvarchar(50) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [arguments] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [user_name] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [time_us] bigint NOT NULL,
    [state] int NOT NULL,
    [progress] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    [result] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    [done_us] bigint NOT NULL,
    CONSTRAINT [PK_operator_requests] PRIMARY KEY ([id])
);

CREATE INDEX [ix_operator_requests_state] ON [operator_requests] ([state], [id]);

COMMIT;
GO

INSERT INTO [__EFMigrationsHistory] ([MigrationId], [ProductVersion])
VALUES (N'20261130210000_Initial', N'10.0.15');
GO

CREATE TABLE [post_details_g1] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [content] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [slug] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [title] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [status] int NOT NULL,
    [author] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [tags] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [version] bigint NOT NULL,
    [create_us] bigint NOT NULL,
    [update_us] bigint NOT NULL,
    [publish_us] bigint NOT NULL,
    CONSTRAINT [pk_post_details_g1] PRIMARY KEY ([post_id])
);
CREATE INDEX [ix_post_details_slug_g1] ON [post_details_g1] ([slug]);

CREATE TABLE [post_list_g1] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [slug] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [title] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [status] int NOT NULL,
    [author] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [tags] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [version] bigint NOT NULL,
    [create_us] bigint NOT NULL,
    [update_us] bigint NOT NULL,
    [publish_us] bigint NOT NULL,
    CONSTRAINT [pk_post_list_g1] PRIMARY KEY ([post_id])
);
CREATE INDEX [ix_post_list_author_create_us_post_id_g1] ON [post_list_g1] ([author], [create_us], [post_id]);
CREATE INDEX [ix_post_list_create_us_post_id_g1] ON [post_list_g1] ([create_us], [post_id]);
CREATE INDEX [ix_post_list_publish_us_post_id_g1] ON [post_list_g1] ([publish_us], [post_id]);
CREATE INDEX [ix_post_list_title_post_id_g1] ON [post_list_g1] ([title], [post_id]);
CREATE INDEX [ix_post_list_update_us_post_id_g1] ON [post_list_g1] ([update_us], [post_id]);
CREATE TABLE [post_list_tags_g1] (
    [tag] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [pk_post_list_tags_g1] PRIMARY KEY ([tag], [post_id])
);
CREATE INDEX [ix_post_list_tags_post_id_g1] ON [post_list_tags_g1] ([post_id]);

CREATE TABLE [tag_posts_g1] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [tags] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [is_published] int NOT NULL,
    CONSTRAINT [pk_tag_posts_g1] PRIMARY KEY ([post_id])
);
CREATE TABLE [tag_counts_g1] (
    [tag] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    CONSTRAINT [pk_tag_counts_g1] PRIMARY KEY ([tag])
);

CREATE TABLE [post_search_g1] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [title] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [content] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [title_words] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [content_words] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [pk_post_search_g1] PRIMARY KEY ([post_id])
);

CREATE TABLE [author_posts_g1] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [author] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [is_published] int NOT NULL,
    [edit_count] bigint NOT NULL,
    CONSTRAINT [pk_author_posts_g1] PRIMARY KEY ([post_id])
);
CREATE TABLE [author_statistics_g1] (
    [author] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [edit_count] bigint NOT NULL,
    CONSTRAINT [pk_author_statistics_g1] PRIMARY KEY ([author])
);

CREATE TABLE [daily_post_activity_g1] (
    [day] int NOT NULL,
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [created_count] bigint NOT NULL,
    [edited_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [deleted_count] bigint NOT NULL,
    CONSTRAINT [pk_daily_post_activity_g1] PRIMARY KEY ([post_id], [day])
);
CREATE TABLE [daily_activity_g1] (
    [day] int NOT NULL,
    [created_count] bigint NOT NULL,
    [edited_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [deleted_count] bigint NOT NULL,
    CONSTRAINT [pk_daily_activity_g1] PRIMARY KEY ([day])
);

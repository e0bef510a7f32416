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
CREATE TABLE [author_posts] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [author] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [is_published] int NOT NULL,
    [edit_count] bigint NOT NULL,
    CONSTRAINT [PK_author_posts] PRIMARY KEY ([post_id])
);

CREATE TABLE [author_posts_alt] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [author] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [is_published] int NOT NULL,
    [edit_count] bigint NOT NULL,
    CONSTRAINT [PK_author_posts_alt] PRIMARY KEY ([post_id])
);

CREATE TABLE [author_statistics] (
    [author] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [edit_count] bigint NOT NULL,
    CONSTRAINT [PK_author_statistics] PRIMARY KEY ([author])
);

CREATE TABLE [author_statistics_alt] (
    [author] nvarchar(400) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [edit_count] bigint NOT NULL,
    CONSTRAINT [PK_author_statistics_alt] PRIMARY KEY ([author])
);

CREATE TABLE [daily_activity] (
    [day] int NOT NULL,
    [created_count] bigint NOT NULL,
    [edited_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [deleted_count] bigint NOT NULL,
    CONSTRAINT [PK_daily_activity] PRIMARY KEY ([day])
);

CREATE TABLE [daily_activity_alt] (
    [day] int NOT NULL,
    [created_count] bigint NOT NULL,
    [edited_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [deleted_count] bigint NOT NULL,
    CONSTRAINT [PK_daily_activity_alt] PRIMARY KEY ([day])
);

CREATE TABLE [daily_post_activity] (
    [day] int NOT NULL,
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [created_count] bigint NOT NULL,
    [edited_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [deleted_count] bigint NOT NULL,
    CONSTRAINT [PK_daily_post_activity] PRIMARY KEY ([post_id], [day])
);

CREATE TABLE [daily_post_activity_alt] (
    [day] int NOT NULL,
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [created_count] bigint NOT NULL,
    [edited_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    [deleted_count] bigint NOT NULL,
    CONSTRAINT [PK_daily_post_activity_alt] PRIMARY KEY ([post_id], [day])
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

CREATE TABLE [parked_events] (
    [projection] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [slot] int NOT NULL,
    [position] bigint NOT NULL,
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [event_type] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [error] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    [attempts] int NOT NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_parked_events] PRIMARY KEY ([projection], [slot], [position])
);

CREATE TABLE [post_details] (
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
    CONSTRAINT [PK_post_details] PRIMARY KEY ([post_id])
);

CREATE TABLE [post_details_alt] (
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
    CONSTRAINT [PK_post_details_alt] PRIMARY KEY ([post_id])
);

CREATE TABLE [post_list] (
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
    CONSTRAINT [PK_post_list] PRIMARY KEY ([post_id])
);

CREATE TABLE [post_list_alt] (
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
    CONSTRAINT [PK_post_list_alt] PRIMARY KEY ([post_id])
);

CREATE TABLE [post_list_tags] (
    [tag] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_post_list_tags] PRIMARY KEY ([tag], [post_id])
);

CREATE TABLE [post_list_tags_alt] (
    [tag] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_post_list_tags_alt] PRIMARY KEY ([tag], [post_id])
);

CREATE TABLE [post_search] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [title] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [content] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [title_words] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [content_words] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_post_search] PRIMARY KEY ([post_id])
);

CREATE TABLE [post_search_alt] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [title] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [content] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [title_words] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [content_words] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_post_search_alt] PRIMARY KEY ([post_id])
);

CREATE TABLE [projections] (
    [name] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [slot] int NOT NULL,
    [state] int NOT NULL DEFAULT 1,
    [version] int NOT NULL,
    [position] bigint NOT NULL,
    [time_us] bigint NOT NULL,
    [store_id] uniqueidentifier NOT NULL,
    [state_us] bigint NOT NULL,
    [target] bigint NOT NULL,
    [holds_on_difference] bit NOT NULL,
    [note] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    CONSTRAINT [PK_projections] PRIMARY KEY ([name], [slot])
);

CREATE TABLE [projector_lease] (
    [id] int NOT NULL,
    [holder] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [fencing_token] bigint NOT NULL,
    [beat] bigint NOT NULL,
    CONSTRAINT [PK_projector_lease] PRIMARY KEY ([id])
);

CREATE TABLE [skipped_events] (
    [projection] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [version] int NOT NULL,
    [position] bigint NOT NULL,
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [event_type] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [error] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    [user_name] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_skipped_events] PRIMARY KEY ([projection], [version], [position])
);

CREATE TABLE [tag_counts] (
    [tag] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    CONSTRAINT [PK_tag_counts] PRIMARY KEY ([tag])
);

CREATE TABLE [tag_counts_alt] (
    [tag] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [post_count] bigint NOT NULL,
    [published_count] bigint NOT NULL,
    CONSTRAINT [PK_tag_counts_alt] PRIMARY KEY ([tag])
);

CREATE TABLE [tag_posts] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [tag] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_tag_posts] PRIMARY KEY ([post_id], [tag])
);

CREATE TABLE [tag_posts_alt] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [tag] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_tag_posts_alt] PRIMARY KEY ([post_id], [tag])
);

CREATE TABLE [tag_published_posts] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_tag_published_posts] PRIMARY KEY ([post_id])
);

CREATE TABLE [tag_published_posts_alt] (
    [post_id] nvarchar(36) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_tag_published_posts_alt] PRIMARY KEY ([post_id])
);

IF EXISTS (SELECT * FROM [sys].[identity_columns] WHERE [name] IN (N'id', N'beat', N'fencing_token', N'holder') AND [object_id] = OBJECT_ID(N'[projector_lease]'))
    SET IDENTITY_INSERT [projector_lease] ON;
INSERT INTO [projector_lease] ([id], [beat], [fencing_token], [holder])
VALUES (1, CAST(0 AS bigint), CAST(0 AS bigint), N'');
IF EXISTS (SELECT * FROM [sys].[identity_columns] WHERE [name] IN (N'id', N'beat', N'fencing_token', N'holder') AND [object_id] = OBJECT_ID(N'[projector_lease]'))
    SET IDENTITY_INSERT [projector_lease] OFF;

CREATE INDEX [ix_operator_requests_state] ON [operator_requests] ([state], [id]);

CREATE INDEX [ix_post_details_slug] ON [post_details] ([slug]);

CREATE INDEX [ix_post_details_slug_alt] ON [post_details_alt] ([slug]);

CREATE INDEX [ix_post_list_author] ON [post_list] ([author], [create_us], [post_id]);

CREATE INDEX [ix_post_list_create] ON [post_list] ([create_us], [post_id]);

CREATE INDEX [ix_post_list_publish] ON [post_list] ([publish_us], [post_id]);

CREATE INDEX [ix_post_list_title] ON [post_list] ([title], [post_id]);

CREATE INDEX [ix_post_list_update] ON [post_list] ([update_us], [post_id]);

CREATE INDEX [ix_post_list_author_alt] ON [post_list_alt] ([author], [create_us], [post_id]);

CREATE INDEX [ix_post_list_create_alt] ON [post_list_alt] ([create_us], [post_id]);

CREATE INDEX [ix_post_list_publish_alt] ON [post_list_alt] ([publish_us], [post_id]);

CREATE INDEX [ix_post_list_title_alt] ON [post_list_alt] ([title], [post_id]);

CREATE INDEX [ix_post_list_update_alt] ON [post_list_alt] ([update_us], [post_id]);

CREATE INDEX [ix_post_list_tags_post] ON [post_list_tags] ([post_id]);

CREATE INDEX [ix_post_list_tags_post_alt] ON [post_list_tags_alt] ([post_id]);

COMMIT;
GO

INSERT INTO [__EFMigrationsHistory] ([MigrationId], [ProductVersion])
VALUES (N'20261120195614_Initial', N'10.0.15');
GO

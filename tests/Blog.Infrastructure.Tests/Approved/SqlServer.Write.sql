IF OBJECT_ID(N'[__EFMigrationsHistory]') IS NULL
BEGIN
    CREATE TABLE [__EFMigrationsHistory] (
        [MigrationId] nvarchar(150) NOT NULL,
        [ProductVersion] nvarchar(32) NOT NULL,
        CONSTRAINT [PK___EFMigrationsHistory] PRIMARY KEY ([MigrationId])
    );
END;
GO

BEGIN TRANSACTION;
CREATE TABLE [events] (
    [position] bigint NOT NULL,
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [version] bigint NOT NULL,
    [event_id] uniqueidentifier NOT NULL,
    [type] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [schema_version] int NOT NULL,
    [payload] varbinary(max) NOT NULL,
    [command_id] uniqueidentifier NOT NULL,
    [correlation_id] nvarchar(128) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [causation_id] nvarchar(128) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [user_name] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [time_us] bigint NOT NULL,
    [hash] varbinary(32) NOT NULL,
    CONSTRAINT [PK_events] PRIMARY KEY ([position])
);

CREATE UNIQUE INDEX [ux_events_stream_version] ON [events] ([stream], [version]);

CREATE TABLE [outbox] (
    [last_position] bigint NOT NULL,
    [first_position] bigint NOT NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_outbox] PRIMARY KEY ([last_position])
);

CREATE TABLE [sequencer] (
    [id] int NOT NULL,
    [position] bigint NOT NULL,
    [time_us] bigint NOT NULL,
    [hash] varbinary(32) NOT NULL,
    CONSTRAINT [PK_sequencer] PRIMARY KEY ([id])
);

INSERT INTO sequencer (id, position, time_us, hash) VALUES (1, 0, 0, 0x0000000000000000000000000000000000000000000000000000000000000000);

CREATE TABLE [store_identity] (
    [id] int NOT NULL,
    [store_id] uniqueidentifier NOT NULL,
    [token_key] varbinary(32) NOT NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_store_identity] PRIMARY KEY ([id])
);

CREATE TABLE [snapshots] (
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [version] bigint NOT NULL,
    [position] bigint NOT NULL,
    [schema_version] int NOT NULL,
    [payload] varbinary(max) NOT NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_snapshots] PRIMARY KEY ([stream])
);

CREATE TABLE [commands] (
    [command_id] uniqueidentifier NOT NULL,
    [request_hash] varbinary(32) NOT NULL,
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [version] bigint NOT NULL,
    [position] bigint NOT NULL,
    [reply] nvarchar(1000) COLLATE Latin1_General_100_BIN2 NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_commands] PRIMARY KEY ([command_id])
);

CREATE INDEX [ix_commands_time] ON [commands] ([time_us]);

CREATE TABLE [unique_keys] (
    [scope] nvarchar(50) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [value] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NOT NULL,
    CONSTRAINT [PK_unique_keys] PRIMARY KEY ([scope], [value])
);

CREATE TABLE [audit] (
    [id] bigint NOT NULL IDENTITY,
    [time_us] bigint NOT NULL,
    [command_type] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [command_id] uniqueidentifier NOT NULL,
    [user_name] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [stream] nvarchar(151) COLLATE Latin1_General_100_BIN2 NULL,
    [outcome] int NOT NULL,
    [error_reason] nvarchar(200) COLLATE Latin1_General_100_BIN2 NULL,
    [duration_us] bigint NOT NULL,
    [position] bigint NULL,
    CONSTRAINT [PK_audit] PRIMARY KEY ([id])
);

CREATE INDEX [ix_audit_time] ON [audit] ([time_us], [id]);

CREATE INDEX [ix_audit_position] ON [audit] ([position]);

CREATE INDEX [ix_audit_stream] ON [audit] ([stream], [id]) WHERE position IS NULL;

CREATE TABLE [consumer_groups] (
    [name] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [filter] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [start_position] bigint NOT NULL,
    [position] bigint NOT NULL,
    [in_process] bit NOT NULL,
    [writes] bigint NOT NULL,
    [members] int NOT NULL,
    [in_flight] int NOT NULL,
    [time_us] bigint NOT NULL,
    CONSTRAINT [PK_consumer_groups] PRIMARY KEY ([name])
);

CREATE TABLE [consumer_acks] (
    [group_name] nvarchar(100) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [position] bigint NOT NULL,
    CONSTRAINT [PK_consumer_acks] PRIMARY KEY ([group_name], [position])
);

CREATE TABLE [leases] (
    [name] nvarchar(120) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [holder] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [fence] bigint NOT NULL,
    [beat] bigint NOT NULL,
    CONSTRAINT [PK_leases] PRIMARY KEY ([name])
);

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

CREATE TABLE [jobs] (
    [id] uniqueidentifier NOT NULL,
    [kind] nvarchar(50) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [arguments] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [user_name] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [created_us] bigint NOT NULL,
    [state] int NOT NULL,
    [attempts] int NOT NULL,
    [owner] nvarchar(200) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [fence] bigint NOT NULL,
    [beat] bigint NOT NULL,
    [done] bigint NOT NULL,
    [total] bigint NOT NULL,
    [message] nvarchar(max) COLLATE Latin1_General_100_BIN2 NOT NULL,
    [resume_from] nvarchar(max) COLLATE Latin1_General_100_BIN2 NULL,
    [cancelled_by] nvarchar(200) COLLATE Latin1_General_100_BIN2 NULL,
    [updated_us] bigint NOT NULL,
    [ended_us] bigint NOT NULL,
    CONSTRAINT [PK_jobs] PRIMARY KEY ([id])
);

CREATE INDEX [ix_jobs_created] ON [jobs] ([created_us]);

CREATE INDEX [ix_jobs_state] ON [jobs] ([state], [created_us]);

INSERT INTO [__EFMigrationsHistory] ([MigrationId], [ProductVersion])
VALUES (N'20261130210000_Initial', N'10.0.15');

COMMIT;
GO

-- Writer settings
SET NOCOUNT ON; SET XACT_ABORT ON; IF EXISTS (SELECT 1 FROM sys.databases WHERE database_id = DB_ID() AND delayed_durability = 2) THROW 50000, 'DELAYED_DURABILITY is FORCED in this database: commits would be answered before they are durable.', 1;

-- AdvanceCheckpoint
UPDATE projections SET position = @position, time_us = @time_us WHERE name = @name AND generation = @generation AND position = @expected;

-- AdvanceSequencer
UPDATE sequencer SET position = @position, time_us = @time_us, hash = @hash WHERE id = 1;

-- DeleteAllParked
DELETE FROM parked_events WHERE projection = @projection AND generation = @generation;

-- DeleteCheckpoint
DELETE FROM projections WHERE name = @name AND generation = @generation;

-- DeleteCommands
DELETE FROM commands WHERE command_id IN (SELECT command_id FROM commands WHERE time_us < @before ORDER BY time_us OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY);

-- DeleteGroup
DELETE FROM consumer_groups WHERE name = @name;

-- DeleteGroupAcks
DELETE FROM consumer_acks WHERE group_name = @name;

-- DeleteGroupParked
DELETE FROM parked_events WHERE group_name = @name;

-- DeleteGroupParkedEvent
DELETE FROM parked_events WHERE group_name = @name AND position = @position;

-- DeleteKey
DELETE FROM unique_keys WHERE scope = @scope AND value = @value AND stream = @stream;

-- DeleteParked
DELETE FROM parked_events WHERE projection = @projection AND generation = @generation AND position = @position;

-- DeleteSnapshot
DELETE FROM snapshots WHERE stream = @stream;

-- FinishRequest
UPDATE operator_requests SET state = @state, result = @result, done_us = @time_us WHERE id = @id;

-- FirstRows(select)
SELECT id FROM audit ORDER BY id DESC OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- FreeLease
UPDATE projector_lease SET holder = '' WHERE id = 1 AND fencing_token = @fencing_token;

-- InsertAudit
INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position) VALUES (@time_us, @command_type, @command_id, @user_name, @stream, @outcome, @error_reason, @duration_us, @position);

-- InsertCheckpoint
INSERT INTO projections (name, generation, state, version, position, time_us, store_id, state_us, target, holds_on_difference, tables, shape) VALUES (@name, @generation, @state, @version, 0, @time_us, @store_id, @time_us, @target, @holds_on_difference, @tables, @shape);

-- InsertCommand
INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us) VALUES (@command_id, @request_hash, @stream, @version, @position, @reply, @time_us);

-- InsertEvent
INSERT INTO events (position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash) VALUES (@position, @stream, @version, @event_id, @type, @schema_version, @payload, @command_id, @correlation_id, @causation_id, @user_name, @time_us, @hash);

-- InsertGroup
INSERT INTO consumer_groups (name, filter, start_position, position, holder, fence, beat, members, in_flight, time_us) VALUES (@name, @filter, @start_position, @position, '', @fence, 0, 0, 0, @time_us);

-- InsertGroupAck
INSERT INTO consumer_acks (group_name, position) VALUES (@name, @position);

-- InsertGroupParked
INSERT INTO parked_events (group_name, position, stream, failures, reason, retrying, time_us) VALUES (@name, @position, @stream, @failures, @reason, @retrying, @time_us);

-- InsertKey
INSERT INTO unique_keys (scope, value, stream) VALUES (@scope, @value, @stream);

-- InsertOutbox
INSERT INTO outbox (last_position, first_position, time_us) VALUES (@last_position, @first_position, @time_us);

-- InsertParked
INSERT INTO parked_events (projection, generation, position, stream, event_type, error, attempts, time_us) VALUES (@projection, @generation, @position, @stream, @event_type, @error, @attempts, @time_us);

-- InsertRequest
INSERT INTO operator_requests (kind, arguments, user_name, time_us, state, done_us) OUTPUT inserted.id VALUES (@kind, @arguments, @user_name, @time_us, 0, 0);

-- InsertSkipped
INSERT INTO skipped_events (projection, version, position, stream, event_type, error, user_name, time_us) VALUES (@projection, @version, @position, @stream, @event_type, @error, @user_name, @time_us);

-- InsertSnapshot
INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us) VALUES (@stream, @version, @position, @schema_version, @payload, @time_us);

-- IsSameText(stream)
SELECT position FROM events WHERE stream = @stream AND DATALENGTH(stream) = DATALENGTH(@stream);

-- KeepLease
UPDATE projector_lease SET beat = beat + 1 WHERE id = 1 AND fencing_token = @fencing_token;

-- LockLease
UPDATE projector_lease SET beat = beat WHERE id = 1;

-- LockSequencer
UPDATE sequencer SET position = position OUTPUT inserted.position, inserted.time_us, inserted.hash WHERE id = 1;

-- MarkParkedStream
UPDATE parked_events SET retrying = @retrying WHERE group_name = @name AND stream = @stream AND skipped_us IS NULL;

-- MoveGroup
UPDATE consumer_groups SET position = @position, beat = beat + 1, members = @members, in_flight = @in_flight WHERE name = @name AND fence = @fence;

-- ReleaseGroup
UPDATE consumer_groups SET holder = '', beat = beat + 1, members = 0, in_flight = 0 WHERE name = @name AND fence = @fence;

-- SelectAll
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE position > @after ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectChain
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash FROM events WHERE position > @after ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectCheckpoints
SELECT name, generation, state, version, position, store_id, state_us, target, holds_on_difference, note, tables, shape FROM projections;

-- SelectCommand
SELECT command_id, request_hash, stream, version, position, reply FROM commands WHERE command_id = @command_id;

-- SelectGroup
SELECT name, filter, start_position, position, holder, fence, beat, members, in_flight, time_us FROM consumer_groups WHERE name = @name;

-- SelectGroupAcks
SELECT position FROM consumer_acks WHERE group_name = @name ORDER BY position;

-- SelectGroupParked
SELECT position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us FROM parked_events WHERE group_name = @name AND position > @after AND skipped_us IS NULL ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectGroupParkedOfStream
SELECT position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us FROM parked_events WHERE group_name = @name AND stream = @stream AND position > @after AND skipped_us IS NULL ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectGroupParkedStreams
SELECT stream, COUNT(*), MAX(retrying) FROM parked_events WHERE group_name = @name AND skipped_us IS NULL GROUP BY stream;

-- SelectGroups
SELECT name, filter, start_position, position, holder, fence, beat, members, in_flight, time_us FROM consumer_groups ORDER BY name;

-- SelectHash
SELECT hash FROM events WHERE position = @position;

-- SelectHead
SELECT position FROM sequencer WHERE id = 1;

-- SelectKeyHolder
SELECT stream FROM unique_keys WHERE scope = @scope AND value = @value;

-- SelectLease
SELECT holder, fencing_token, beat FROM projector_lease WHERE id = 1;

-- SelectOpenRequests
SELECT id, kind, arguments, user_name, progress FROM operator_requests WHERE state = 0 ORDER BY id;

-- SelectOutbox
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE position > @after AND EXISTS (SELECT 1 FROM outbox WHERE last_position > @after AND first_position <= @after + 1) ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectParked
SELECT e.projection, e.position, e.stream, e.event_type, e.error, e.attempts, e.time_us FROM parked_events e JOIN projections p ON p.name = e.projection AND p.generation = e.generation WHERE p.state = 1 AND (@projection = '' OR e.projection = @projection) AND (e.position > @after OR (e.position = @after AND e.projection > @after_projection)) ORDER BY e.position, e.projection OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectParkedAndSkipped
SELECT position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us FROM parked_events WHERE group_name = @name AND position > @after ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectParkedByError
SELECT DISTINCT projection, stream FROM parked_events WHERE error LIKE @pattern;

-- SelectParkedCounts
SELECT group_name, COUNT(*), COUNT(DISTINCT stream) FROM parked_events WHERE skipped_us IS NULL GROUP BY group_name;

-- SelectParkedEvent
SELECT position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us FROM parked_events WHERE group_name = @name AND position = @position;

-- SelectParkedOfStream
SELECT position, event_type, error FROM parked_events WHERE projection = @projection AND generation = @generation AND stream = @stream ORDER BY position;

-- SelectParkedPositions
SELECT position FROM parked_events WHERE group_name = @name AND position > @after ORDER BY position;

-- SelectParkedStreams
SELECT projection, generation, stream, MIN(position), CAST(COUNT(*) AS BIGINT) FROM parked_events GROUP BY projection, generation, stream;

-- SelectRequest
SELECT id, kind, arguments, user_name, time_us, state, progress, result, done_us FROM operator_requests WHERE id = @id;

-- SelectRequests
SELECT id, kind, arguments, user_name, time_us, state, progress, result, done_us FROM operator_requests WHERE id < @before ORDER BY id DESC OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectSequencer
SELECT position, time_us, hash FROM sequencer WHERE id = 1;

-- SelectSkipped
SELECT projection, version, position, stream, event_type, error, user_name, time_us FROM skipped_events ORDER BY position, projection;

-- SelectSnapshot
SELECT version, position, payload FROM snapshots WHERE stream = @stream AND schema_version = @schema_version;

-- SelectStream
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE stream = @stream AND DATALENGTH(stream) = DATALENGTH(@stream) AND version >= @from ORDER BY version OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectStreamAfter
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE stream = @stream AND position > @after ORDER BY version OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectStreamVersion
SELECT MAX(version) FROM events WHERE stream = @stream;

-- SelectStreams
SELECT DISTINCT stream FROM events WHERE stream > @after AND (@last = '' OR stream <= @last) ORDER BY stream OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- SelectTable
SELECT 1 FROM information_schema.tables WHERE table_schema = SCHEMA_NAME() AND table_name = @name;

-- SetGenerationState
UPDATE projections SET state = @state, state_us = @time_us, note = @note WHERE name = @name AND generation = @generation;

-- SkipParked
UPDATE parked_events SET skipped_by = @user_name, skipped_us = @time_us, retrying = 0 WHERE group_name = @name AND position = @position AND skipped_us IS NULL;

-- TakeGroup
UPDATE consumer_groups SET holder = @holder, fence = fence + 1, beat = beat + 1 WHERE name = @name AND fence = @fence AND beat = @beat;

-- TakeLease
UPDATE projector_lease SET holder = @holder, fencing_token = fencing_token + 1, beat = beat + 1 WHERE id = 1 AND fencing_token = @fencing_token AND beat = @beat;

-- TrimGroupAcks
DELETE FROM consumer_acks WHERE group_name = @name AND position <= @position;

-- TrimOutbox
DELETE FROM outbox WHERE last_position <= @position;

-- UpdateGroupParked
UPDATE parked_events SET failures = failures + @failures, reason = @reason, time_us = @time_us WHERE group_name = @name AND position = @position;

-- UpdateParked
UPDATE parked_events SET error = @error, attempts = attempts + 1, time_us = @time_us WHERE projection = @projection AND generation = @generation AND position = @position;

-- UpdateRequest
UPDATE operator_requests SET progress = @progress WHERE id = @id;

-- Set: SelectStreamVersions
SELECT s.stream, v.version FROM OPENJSON(@streams) WITH (stream nvarchar(151) '$') s CROSS APPLY (SELECT TOP (1) e.version FROM events e WHERE e.stream = s.stream COLLATE Latin1_General_100_BIN2 ORDER BY e.version DESC) v;

-- Set: SelectCommands
SELECT c.command_id, c.request_hash, c.stream, c.version, c.position, c.reply FROM OPENJSON(@command_ids) WITH (command_id uniqueidentifier '$') i CROSS APPLY (SELECT TOP (1) * FROM commands k WHERE k.command_id = i.command_id) c;

-- Set: SelectKeyHolders
SELECT i.scope, i.value, k.stream FROM OPENJSON(@keys) WITH (scope nvarchar(50), value nvarchar(200)) i CROSS APPLY (SELECT TOP (1) u.stream FROM unique_keys u WHERE u.scope = i.scope COLLATE Latin1_General_100_BIN2 AND u.value = i.value COLLATE Latin1_General_100_BIN2) k;

-- Set: InsertEvents
INSERT INTO events (position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash) SELECT position, stream, version, event_id, type, schema_version, SUBSTRING(@bytes, payload_at, payload_length), command_id, correlation_id, causation_id, user_name, time_us, SUBSTRING(@bytes, hash_at, 32) FROM OPENJSON(@events) WITH (position bigint, stream nvarchar(151), version bigint, event_id uniqueidentifier, type nvarchar(200), schema_version int, payload_at bigint, payload_length bigint, command_id uniqueidentifier, correlation_id nvarchar(128), causation_id nvarchar(128), user_name nvarchar(200), time_us bigint, hash_at bigint);

-- Set: InsertOutbox
INSERT INTO outbox (last_position, first_position, time_us) VALUES (@last_position, @first_position, @outbox_us);

-- Set: DeleteKeys
DELETE u FROM unique_keys u JOIN OPENJSON(@freed_keys) WITH (scope nvarchar(50), value nvarchar(200), stream nvarchar(151)) i ON u.scope = i.scope COLLATE Latin1_General_100_BIN2 AND u.value = i.value COLLATE Latin1_General_100_BIN2 AND u.stream = i.stream COLLATE Latin1_General_100_BIN2;

-- Set: InsertKeys
INSERT INTO unique_keys (scope, value, stream) SELECT scope, value, stream FROM OPENJSON(@claimed_keys) WITH (scope nvarchar(50), value nvarchar(200), stream nvarchar(151));

-- Set: InsertCommands
INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us) SELECT command_id, SUBSTRING(@bytes, request_hash_at, 32), stream, version, position, reply, time_us FROM OPENJSON(@commands) WITH (command_id uniqueidentifier, request_hash_at bigint, stream nvarchar(151), version bigint, position bigint, reply nvarchar(1000), time_us bigint);

-- Set: InsertAudit
INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position) SELECT time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position FROM OPENJSON(@audit) WITH (time_us bigint, command_type nvarchar(200), command_id uniqueidentifier, user_name nvarchar(200), stream nvarchar(151), outcome int, error_reason nvarchar(200), duration_us bigint, position bigint);

-- Set: DeleteSnapshots
DELETE s FROM snapshots s JOIN OPENJSON(@snapshots) WITH (stream nvarchar(151)) i ON s.stream = i.stream COLLATE Latin1_General_100_BIN2;

-- Set: InsertSnapshots
INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us) SELECT stream, version, position, schema_version, SUBSTRING(@bytes, payload_at, payload_length), time_us FROM OPENJSON(@snapshots) WITH (stream nvarchar(151), version bigint, position bigint, schema_version int, payload_at bigint, payload_length bigint, time_us bigint);

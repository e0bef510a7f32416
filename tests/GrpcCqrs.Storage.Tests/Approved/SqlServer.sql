-- Writer settings
SET NOCOUNT ON; SET XACT_ABORT ON; IF EXISTS (SELECT 1 FROM sys.databases WHERE database_id = DB_ID() AND delayed_durability = 2) THROW 50000, 'DELAYED_DURABILITY is FORCED in this database: commits would be answered before they are durable.', 1;

-- AppendSql.AdvanceSequencer
UPDATE sequencer SET position = @position, time_us = @time_us, hash = @hash WHERE id = 1;

-- AppendSql.DeleteCommands
DELETE FROM commands WHERE command_id IN (SELECT command_id FROM commands WHERE time_us < @before ORDER BY time_us OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY);

-- AppendSql.DeleteKey
DELETE FROM unique_keys WHERE scope = @scope AND value = @value AND stream = @stream;

-- AppendSql.DeleteSnapshot
DELETE FROM snapshots WHERE stream = @stream;

-- AppendSql.InsertAudit
INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position) VALUES (@time_us, @command_type, @command_id, @user_name, @stream, @outcome, @error_reason, @duration_us, @position);

-- AppendSql.InsertCommand
INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us) VALUES (@command_id, @request_hash, @stream, @version, @position, @reply, @time_us);

-- AppendSql.InsertEvent
INSERT INTO events (position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash) VALUES (@position, @stream, @version, @event_id, @type, @schema_version, @payload, @command_id, @correlation_id, @causation_id, @user_name, @time_us, @hash);

-- AppendSql.InsertKey
INSERT INTO unique_keys (scope, value, stream) VALUES (@scope, @value, @stream);

-- AppendSql.InsertOutbox
INSERT INTO outbox (last_position, first_position, time_us) VALUES (@last_position, @first_position, @time_us);

-- AppendSql.InsertSnapshot
INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us) VALUES (@stream, @version, @position, @schema_version, @payload, @time_us);

-- AppendSql.SelectCommand
SELECT command_id, request_hash, stream, version, position, reply FROM commands WHERE command_id = @command_id;

-- AppendSql.SelectHash
SELECT hash FROM events WHERE position = @position;

-- AppendSql.SelectKeyHolder
SELECT stream FROM unique_keys WHERE scope = @scope AND value = @value;

-- AppendSql.SelectSequencer
SELECT position, time_us, hash FROM sequencer WHERE id = 1;

-- AppendSql.SelectStreamVersion
SELECT MAX(version) FROM events WHERE stream = @stream;

-- AppendSql.TrimOutbox
DELETE FROM outbox WHERE last_position <= @position;

-- ConsumerGroupSql.CountParked
SELECT reader, CAST(COUNT(*) AS BIGINT), CAST(COUNT(DISTINCT stream) AS BIGINT) FROM parked_events GROUP BY reader;

-- ConsumerGroupSql.Delete
DELETE FROM consumer_groups WHERE name = @name;

-- ConsumerGroupSql.DeleteAcks
DELETE FROM consumer_acks WHERE group_name = @name;

-- ConsumerGroupSql.Insert
INSERT INTO consumer_groups (name, filter, start_position, position, in_process, writes, members, in_flight, time_us) VALUES (@name, @filter, @start_position, @position, @in_process, 0, 0, 0, @time_us);

-- ConsumerGroupSql.InsertAck
INSERT INTO consumer_acks (group_name, position) SELECT @name, @position WHERE NOT EXISTS (SELECT 1 FROM consumer_acks WHERE group_name = @name AND position = @position);

-- ConsumerGroupSql.SelectAck
SELECT position FROM consumer_acks WHERE group_name = @name AND position = @position;

-- ConsumerGroupSql.SelectAcks
SELECT position FROM consumer_acks WHERE group_name = @name ORDER BY position;

-- ConsumerGroupSql.SelectAll
SELECT g.name, g.filter, g.start_position, g.position, g.in_process, g.writes, g.members, g.in_flight, g.time_us, COALESCE(l.holder, '') FROM consumer_groups g LEFT JOIN leases l ON l.name = g.name ORDER BY g.name;

-- ConsumerGroupSql.SelectOne
SELECT g.name, g.filter, g.start_position, g.position, g.in_process, g.writes, g.members, g.in_flight, g.time_us, COALESCE(l.holder, '') FROM consumer_groups g LEFT JOIN leases l ON l.name = g.name WHERE g.name = @name;

-- ConsumerGroupSql.TrimAcks
DELETE FROM consumer_acks WHERE group_name = @name AND position <= @position;

-- ConsumerGroupSql.Update
UPDATE consumer_groups SET position = @position, members = @members, in_flight = @in_flight, writes = @writes WHERE name = @name;

-- ConsumerGroupSql.UpdateEnded
UPDATE consumer_groups SET members = 0, in_flight = 0 WHERE name = @name;

-- ConsumerGroupSql.UpdateFilter
UPDATE consumer_groups SET filter = @filter WHERE name = @name;

-- EventSql.SelectAll
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE position > @after ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- EventSql.SelectChain
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash FROM events WHERE position > @after ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- EventSql.SelectHead
SELECT position FROM sequencer WHERE id = 1;

-- EventSql.SelectOutbox
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE position > @after AND EXISTS (SELECT 1 FROM outbox WHERE last_position > @after AND first_position <= @after + 1) ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- EventSql.SelectSnapshot
SELECT version, position, payload FROM snapshots WHERE stream = @stream AND schema_version = @schema_version;

-- EventSql.SelectStream
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE stream = @stream AND DATALENGTH(stream) = DATALENGTH(@stream) AND version >= @from ORDER BY version OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- EventSql.SelectStreamAfter
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE stream = @stream AND position > @after ORDER BY version OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- EventSql.SelectStreams
SELECT DISTINCT stream FROM events WHERE stream > @after AND (@last = '' OR stream <= @last) ORDER BY stream OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- FirstRows(select)
SELECT id FROM audit ORDER BY id DESC OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- IsSameText(stream)
SELECT position FROM events WHERE stream = @stream AND DATALENGTH(stream) = DATALENGTH(@stream);

-- LeaseSql.Delete
DELETE FROM leases WHERE name = @name;

-- LeaseSql.Insert
INSERT INTO leases (name, holder, fence, beat) VALUES (@name, '', @fence, 0);

-- LeaseSql.Keep
UPDATE leases SET beat = beat + 1 WHERE name = @name AND fence = @fence;

-- LeaseSql.Lock
UPDATE leases SET beat = beat WHERE name = @name;

-- LeaseSql.Release
UPDATE leases SET holder = '', beat = beat + 1 WHERE name = @name AND fence = @fence;

-- LeaseSql.Select
SELECT holder, fence, beat FROM leases WHERE name = @name;

-- LeaseSql.Take
UPDATE leases SET holder = @holder, fence = fence + 1, beat = beat + 1 WHERE name = @name AND fence = @fence AND beat = @beat;

-- LockSequencer
UPDATE sequencer SET position = position OUTPUT inserted.position, inserted.time_us, inserted.hash WHERE id = 1;

-- ParkedEventSql.Delete
DELETE FROM parked_events WHERE reader = @reader AND generation = @generation AND position = @position;

-- ParkedEventSql.DeleteAll
DELETE FROM parked_events WHERE reader = @reader AND generation = @generation;

-- ParkedEventSql.DeleteSkipped
DELETE FROM skipped_events WHERE reader = @reader;

-- ParkedEventSql.Insert
INSERT INTO parked_events (generation, reader, position, stream, event_type, error, attempts, retrying, time_us) VALUES (@generation, @reader, @position, @stream, @event_type, @error, @attempts, @retrying, @time_us);

-- ParkedEventSql.InsertSkipped
INSERT INTO skipped_events (reader, version, position, stream, event_type, error, user_name, time_us) VALUES (@reader, @version, @position, @stream, @event_type, @error, @user_name, @time_us);

-- ParkedEventSql.Mark
UPDATE parked_events SET retrying = @retrying WHERE reader = @reader AND generation = @generation AND stream = @stream;

-- ParkedEventSql.SelectByError
SELECT DISTINCT reader, stream FROM parked_events WHERE error LIKE @pattern;

-- ParkedEventSql.SelectOfGroups
SELECT reader, position, stream, event_type, error, attempts, retrying, time_us FROM parked_events e WHERE (@reader = '' OR reader = @reader) AND (position > @after OR (position = @after AND reader > @after_reader)) ORDER BY position, reader OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- ParkedEventSql.SelectOfLiveGenerations
SELECT reader, position, stream, event_type, error, attempts, retrying, time_us FROM parked_events e WHERE (@reader = '' OR reader = @reader) AND (position > @after OR (position = @after AND reader > @after_reader)) AND EXISTS (SELECT 1 FROM projections p WHERE p.name = e.reader AND p.generation = e.generation AND p.state = 1) ORDER BY position, reader OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- ParkedEventSql.SelectOfStream
SELECT reader, position, stream, event_type, error, attempts, retrying, time_us FROM parked_events WHERE reader = @reader AND generation = @generation AND stream = @stream AND position > @after ORDER BY position OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- ParkedEventSql.SelectOne
SELECT reader, position, stream, event_type, error, attempts, retrying, time_us FROM parked_events WHERE reader = @reader AND generation = @generation AND position = @position;

-- ParkedEventSql.SelectPosition
SELECT position FROM parked_events WHERE reader = @name AND generation = 0 AND position = @position;

-- ParkedEventSql.SelectPositions
SELECT position FROM parked_events WHERE reader = @reader AND generation = 0 AND position > @after UNION ALL SELECT position FROM skipped_events WHERE reader = @reader AND version = 0 AND position > @after;

-- ParkedEventSql.SelectSkipped
SELECT reader, version, position, stream, event_type, error, user_name, time_us FROM skipped_events ORDER BY position, reader;

-- ParkedEventSql.SelectSkippedOne
SELECT reader, version, position, stream, event_type, error, user_name, time_us FROM skipped_events WHERE reader = @reader AND version = 0 AND position = @position;

-- ParkedEventSql.SelectStreams
SELECT reader, generation, stream, MIN(position), CAST(COUNT(*) AS BIGINT), MAX(retrying), MAX(attempts) FROM parked_events WHERE @reader = '' OR reader = @reader GROUP BY reader, generation, stream;

-- ParkedEventSql.Update
UPDATE parked_events SET error = @error, attempts = attempts + @attempts, time_us = @time_us WHERE reader = @reader AND generation = @generation AND position = @position;

-- ProjectionSql.AdvanceCheckpoint
UPDATE projections SET position = @position, time_us = @time_us WHERE name = @name AND generation = @generation AND position = @expected;

-- ProjectionSql.DeleteCheckpoint
DELETE FROM projections WHERE name = @name AND generation = @generation;

-- ProjectionSql.FinishRequest
UPDATE operator_requests SET state = @state, result = @result, done_us = @time_us WHERE id = @id;

-- ProjectionSql.InsertCheckpoint
INSERT INTO projections (name, generation, state, version, position, time_us, store_id, state_us, target, holds_on_difference, tables, shape) VALUES (@name, @generation, @state, @version, 0, @time_us, @store_id, @time_us, @target, @holds_on_difference, @tables, @shape);

-- ProjectionSql.InsertRequest
INSERT INTO operator_requests (kind, arguments, user_name, time_us, state, done_us) OUTPUT inserted.id VALUES (@kind, @arguments, @user_name, @time_us, 0, 0);

-- ProjectionSql.SelectCheckpoints
SELECT name, generation, state, version, position, store_id, state_us, target, holds_on_difference, note, tables, shape FROM projections;

-- ProjectionSql.SelectOpenRequests
SELECT id, kind, arguments, user_name, progress FROM operator_requests WHERE state = 0 ORDER BY id;

-- ProjectionSql.SelectRequest
SELECT id, kind, arguments, user_name, time_us, state, progress, result, done_us FROM operator_requests WHERE id = @id;

-- ProjectionSql.SelectRequests
SELECT id, kind, arguments, user_name, time_us, state, progress, result, done_us FROM operator_requests WHERE id < @before ORDER BY id DESC OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY;

-- ProjectionSql.SetGenerationState
UPDATE projections SET state = @state, state_us = @time_us, note = @note WHERE name = @name AND generation = @generation;

-- ProjectionSql.UpdateRequest
UPDATE operator_requests SET progress = @progress WHERE id = @id;

-- SelectTable
SELECT 1 FROM information_schema.tables WHERE table_schema = SCHEMA_NAME() AND table_name = @name;

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

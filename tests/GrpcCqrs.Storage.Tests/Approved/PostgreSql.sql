-- Writer settings
SELECT set_config('synchronous_commit', 'on', false) WHERE current_setting('synchronous_commit') = 'off'; SET enable_seqscan = off; SET enable_hashjoin = off; SET enable_mergejoin = off;

-- AdvanceCheckpoint
UPDATE projections SET position = @position, time_us = @time_us WHERE name = @name AND position = @expected;

-- AdvanceSequencer
UPDATE sequencer SET position = @position, time_us = @time_us, hash = @hash WHERE id = 1;

-- DeleteCheckpoint
DELETE FROM projections WHERE name = @name;

-- DeleteGroup
DELETE FROM consumer_groups WHERE name = @name;

-- DeleteGroupAcks
DELETE FROM consumer_acks WHERE group_name = @name;

-- DeleteGroupParked
DELETE FROM parked_events WHERE group_name = @name;

-- DeleteKey
DELETE FROM unique_keys WHERE scope = @scope AND value = @value AND stream = @stream;

-- DeleteParked
DELETE FROM parked_events WHERE group_name = @name AND position = @position;

-- DeleteSnapshot
DELETE FROM snapshots WHERE stream = @stream;

-- EmptyTable(table)
DELETE FROM table;

-- FirstRows(select)
SELECT id FROM audit ORDER BY id DESC LIMIT @count;

-- ForgetCommands
DELETE FROM commands WHERE command_id IN (SELECT command_id FROM commands WHERE time_us < @before ORDER BY time_us LIMIT @count);

-- InsertAudit
INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position) VALUES (@time_us, @command_type, @command_id, @user_name, @stream, @outcome, @error_reason, @duration_us, @position);

-- InsertCheckpoint
INSERT INTO projections (name, version, position, time_us, store_id) VALUES (@name, @version, @position, @time_us, @store_id);

-- InsertCommand
INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us) VALUES (@command_id, @request_hash, @stream, @version, @position, @reply, @time_us);

-- InsertEvent
INSERT INTO events (position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash) VALUES (@position, @stream, @version, @event_id, @type, @schema_version, @payload, @command_id, @correlation_id, @causation_id, @user_name, @time_us, @hash);

-- InsertGroup
INSERT INTO consumer_groups (name, filter, start_position, position, holder, fence, beat, members, in_flight, time_us) VALUES (@name, @filter, @start_position, @position, '', @fence, 0, 0, 0, @time_us);

-- InsertGroupAck
INSERT INTO consumer_acks (group_name, position) VALUES (@name, @position);

-- InsertKey
INSERT INTO unique_keys (scope, value, stream) VALUES (@scope, @value, @stream);

-- InsertOutbox
INSERT INTO outbox (position) VALUES (@position);

-- InsertParked
INSERT INTO parked_events (group_name, position, stream, failures, reason, retrying, time_us) VALUES (@name, @position, @stream, @failures, @reason, @retrying, @time_us);

-- InsertSnapshot
INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us) VALUES (@stream, @version, @position, @schema_version, @payload, @time_us);

-- LockSequencer
UPDATE sequencer SET position = position WHERE id = 1 RETURNING position, time_us, hash;

-- MarkParkedStream
UPDATE parked_events SET retrying = @retrying WHERE group_name = @name AND stream = @stream AND skipped_us IS NULL;

-- MoveGroup
UPDATE consumer_groups SET position = @position, beat = beat + 1, members = @members, in_flight = @in_flight WHERE name = @name AND fence = @fence;

-- ReleaseGroup
UPDATE consumer_groups SET holder = '', beat = beat + 1, members = 0, in_flight = 0 WHERE name = @name AND fence = @fence;

-- SelectAll
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE position > @after ORDER BY position LIMIT @count;

-- SelectChain
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash FROM events WHERE position > @after ORDER BY position LIMIT @count;

-- SelectCheckpoints
SELECT name, version, position, store_id FROM projections;

-- SelectCommand
SELECT command_id, request_hash, stream, version, position, reply FROM commands WHERE command_id = @command_id;

-- SelectGroup
SELECT name, filter, start_position, position, holder, fence, beat, members, in_flight, time_us FROM consumer_groups WHERE name = @name;

-- SelectGroupAcks
SELECT position FROM consumer_acks WHERE group_name = @name ORDER BY position;

-- SelectGroups
SELECT name, filter, start_position, position, holder, fence, beat, members, in_flight, time_us FROM consumer_groups ORDER BY name;

-- SelectHash
SELECT hash FROM events WHERE position = @position;

-- SelectHead
SELECT position FROM sequencer WHERE id = 1;

-- SelectKeyHolder
SELECT stream FROM unique_keys WHERE scope = @scope AND value = @value;

-- SelectOutbox
SELECT e.position, e.stream, e.version, e.event_id, e.type, e.schema_version, e.payload, e.command_id, e.correlation_id, e.causation_id, e.user_name, e.time_us FROM outbox o JOIN events e ON e.position = o.position WHERE o.position > @after ORDER BY o.position LIMIT @count;

-- SelectParked
SELECT position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us FROM parked_events WHERE group_name = @name AND position > @after AND skipped_us IS NULL ORDER BY position LIMIT @count;

-- SelectParkedAndSkipped
SELECT position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us FROM parked_events WHERE group_name = @name AND position > @after ORDER BY position LIMIT @count;

-- SelectParkedCounts
SELECT group_name, COUNT(*), COUNT(DISTINCT stream) FROM parked_events WHERE skipped_us IS NULL GROUP BY group_name;

-- SelectParkedEvent
SELECT position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us FROM parked_events WHERE group_name = @name AND position = @position;

-- SelectParkedOfStream
SELECT position, stream, failures, reason, retrying, time_us, skipped_by, skipped_us FROM parked_events WHERE group_name = @name AND stream = @stream AND position > @after AND skipped_us IS NULL ORDER BY position LIMIT @count;

-- SelectParkedPositions
SELECT position FROM parked_events WHERE group_name = @name AND position > @after ORDER BY position;

-- SelectParkedStreams
SELECT stream, COUNT(*), MAX(retrying) FROM parked_events WHERE group_name = @name AND skipped_us IS NULL GROUP BY stream;

-- SelectSequencer
SELECT position, time_us, hash FROM sequencer WHERE id = 1;

-- SelectSnapshot
SELECT version, position, payload FROM snapshots WHERE stream = @stream AND schema_version = @schema_version;

-- SelectStream
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE stream = @stream AND version >= @from ORDER BY version LIMIT @count;

-- SelectStreamAfter
SELECT position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us FROM events WHERE stream = @stream AND position > @after ORDER BY version LIMIT @count;

-- SelectStreamVersion
SELECT MAX(version) FROM events WHERE stream = @stream;

-- SkipParked
UPDATE parked_events SET skipped_by = @user_name, skipped_us = @time_us, retrying = 0 WHERE group_name = @name AND position = @position AND skipped_us IS NULL;

-- TakeGroup
UPDATE consumer_groups SET holder = @holder, fence = fence + 1, beat = beat + 1 WHERE name = @name AND fence = @fence AND beat = @beat;

-- TrimGroupAcks
DELETE FROM consumer_acks WHERE group_name = @name AND position <= @position;

-- TrimOutbox
DELETE FROM outbox WHERE position <= @position;

-- UpdateParked
UPDATE parked_events SET failures = failures + @failures, reason = @reason, time_us = @time_us WHERE group_name = @name AND position = @position;

-- Set: SelectStreamVersions
SELECT s.stream, v.version FROM unnest($1::text[]) AS s(stream) CROSS JOIN LATERAL (SELECT e.version FROM events e WHERE e.stream = s.stream ORDER BY e.version DESC LIMIT 1) v;

-- Set: SelectCommands
SELECT c.command_id, c.request_hash, c.stream, c.version, c.position, c.reply FROM unnest($1::uuid[]) AS i(command_id) CROSS JOIN LATERAL (SELECT * FROM commands k WHERE k.command_id = i.command_id LIMIT 1) c;

-- Set: SelectKeyHolders
SELECT i.scope, i.value, k.stream FROM unnest($1::text[], $2::text[]) AS i(scope, value) CROSS JOIN LATERAL (SELECT u.stream FROM unique_keys u WHERE u.scope = i.scope AND u.value = i.value LIMIT 1) k;

-- Set: InsertEvents
INSERT INTO events (position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash) SELECT * FROM unnest($1::bigint[], $2::text[], $3::bigint[], $4::uuid[], $5::text[], $6::integer[], $7::bytea[], $8::uuid[], $9::text[], $10::text[], $11::text[], $12::bigint[], $13::bytea[]);

-- Set: InsertOutbox
INSERT INTO outbox (position) SELECT unnest($1::bigint[]);

-- Set: DeleteKeys
DELETE FROM unique_keys u USING unnest($1::text[], $2::text[], $3::text[]) AS i(scope, value, stream) WHERE u.scope = i.scope AND u.value = i.value AND u.stream = i.stream;

-- Set: InsertKeys
INSERT INTO unique_keys (scope, value, stream) SELECT * FROM unnest($1::text[], $2::text[], $3::text[]);

-- Set: InsertCommands
INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us) SELECT * FROM unnest($1::uuid[], $2::bytea[], $3::text[], $4::bigint[], $5::bigint[], $6::text[], $7::bigint[]);

-- Set: InsertAudit
INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position) SELECT * FROM unnest($1::bigint[], $2::text[], $3::uuid[], $4::text[], $5::text[], $6::integer[], $7::text[], $8::bigint[], $9::bigint[]);

-- Set: PutSnapshots
INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us) SELECT * FROM unnest($1::text[], $2::bigint[], $3::bigint[], $4::integer[], $5::bytea[], $6::bigint[]) ON CONFLICT (stream) DO UPDATE SET version = excluded.version, position = excluded.position, schema_version = excluded.schema_version, payload = excluded.payload, time_us = excluded.time_us;

-- Set: TrimOutbox
DELETE FROM outbox WHERE position <= $1;

-- Set: ForgetCommands
DELETE FROM commands WHERE command_id IN (SELECT command_id FROM commands WHERE time_us < $1 ORDER BY time_us LIMIT $2);

-- Set: AdvanceSequencer
UPDATE sequencer SET position = $1, time_us = $2, hash = $3 WHERE id = 1;

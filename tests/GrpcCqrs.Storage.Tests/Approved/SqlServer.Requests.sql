-- Look-ups of a batch
SELECT s.stream, v.version FROM OPENJSON(@streams) WITH (stream nvarchar(151) '$') s CROSS APPLY (SELECT TOP (1) e.version FROM events e WHERE e.stream = s.stream COLLATE Latin1_General_100_BIN2 ORDER BY e.version DESC) v;
SELECT c.command_id, c.request_hash, c.stream, c.version, c.position, c.reply FROM OPENJSON(@command_ids) WITH (command_id uniqueidentifier '$') i CROSS APPLY (SELECT TOP (1) * FROM commands k WHERE k.command_id = i.command_id) c;
SELECT i.scope, i.value, k.stream FROM OPENJSON(@keys) WITH (scope nvarchar(50), value nvarchar(200)) i CROSS APPLY (SELECT TOP (1) u.stream FROM unique_keys u WHERE u.scope = i.scope COLLATE Latin1_General_100_BIN2 AND u.value = i.value COLLATE Latin1_General_100_BIN2) k;
-- @streams NVarChar(max) = ["post-1","post-\u00E4\u20AC"]
-- @command_ids NVarChar(max) = ["0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11"]
-- @keys NVarChar(max) = [{"scope":"slug","value":"a \u0022quoted\u0022 slug"}]

-- Writes of a batch
INSERT INTO events (position, stream, version, event_id, type, schema_version, payload, command_id, correlation_id, causation_id, user_name, time_us, hash) SELECT position, stream, version, event_id, type, schema_version, SUBSTRING(@bytes, payload_at, payload_length), command_id, correlation_id, causation_id, user_name, time_us, SUBSTRING(@bytes, hash_at, 32) FROM OPENJSON(@events) WITH (position bigint, stream nvarchar(151), version bigint, event_id uniqueidentifier, type nvarchar(200), schema_version int, payload_at bigint, payload_length bigint, command_id uniqueidentifier, correlation_id nvarchar(128), causation_id nvarchar(128), user_name nvarchar(200), time_us bigint, hash_at bigint);
INSERT INTO outbox (last_position, first_position, time_us) VALUES (@last_position, @first_position, @outbox_us);
DELETE u FROM unique_keys u JOIN OPENJSON(@freed_keys) WITH (scope nvarchar(50), value nvarchar(200), stream nvarchar(151)) i ON u.scope = i.scope COLLATE Latin1_General_100_BIN2 AND u.value = i.value COLLATE Latin1_General_100_BIN2 AND u.stream = i.stream COLLATE Latin1_General_100_BIN2;
INSERT INTO unique_keys (scope, value, stream) SELECT scope, value, stream FROM OPENJSON(@claimed_keys) WITH (scope nvarchar(50), value nvarchar(200), stream nvarchar(151));
INSERT INTO commands (command_id, request_hash, stream, version, position, reply, time_us) SELECT command_id, SUBSTRING(@bytes, request_hash_at, 32), stream, version, position, reply, time_us FROM OPENJSON(@commands) WITH (command_id uniqueidentifier, request_hash_at bigint, stream nvarchar(151), version bigint, position bigint, reply nvarchar(1000), time_us bigint);
INSERT INTO audit (time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position) SELECT time_us, command_type, command_id, user_name, stream, outcome, error_reason, duration_us, position FROM OPENJSON(@audit) WITH (time_us bigint, command_type nvarchar(200), command_id uniqueidentifier, user_name nvarchar(200), stream nvarchar(151), outcome int, error_reason nvarchar(200), duration_us bigint, position bigint);
DELETE s FROM snapshots s JOIN OPENJSON(@snapshots) WITH (stream nvarchar(151)) i ON s.stream = i.stream COLLATE Latin1_General_100_BIN2;
INSERT INTO snapshots (stream, version, position, schema_version, payload, time_us) SELECT stream, version, position, schema_version, SUBSTRING(@bytes, payload_at, payload_length), time_us FROM OPENJSON(@snapshots) WITH (stream nvarchar(151), version bigint, position bigint, schema_version int, payload_at bigint, payload_length bigint, time_us bigint);
DELETE FROM outbox WHERE last_position <= @trim_to;
DELETE FROM commands WHERE command_id IN (SELECT command_id FROM commands WHERE time_us < @before ORDER BY time_us OFFSET 0 ROWS FETCH NEXT @count ROWS ONLY);
UPDATE sequencer SET position = @position, time_us = @time_us, hash = @hash WHERE id = 1;
-- @events NVarChar(max) = [{"position":7,"stream":"post-1","version":7,"event_id":"0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11","type":"blog.post-created","schema_version":1,"payload_at":1,"payload_length":2,"command_id":"0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11","correlation_id":"correlation","causation_id":"causation","user_name":"ada","time_us":9000000,"hash_at":3},{"position":8,"stream":"post-1","version":8,"event_id":"0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11","type":"blog.post-created","schema_version":1,"payload_at":35,"payload_length":0,"command_id":"0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11","correlation_id":"correlation","causation_id":"causation","user_name":"ada","time_us":9000000,"hash_at":35}]
-- @last_position BigInt = 8
-- @first_position BigInt = 7
-- @outbox_us BigInt = 9000000
-- @freed_keys NVarChar(max) = [{"scope":"slug","value":"old","stream":"post-1"}]
-- @claimed_keys NVarChar(max) = [{"scope":"slug","value":"new","stream":"post-1"}]
-- @commands NVarChar(max) = [{"command_id":"0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11","request_hash_at":67,"stream":"post-1","version":8,"position":8,"reply":null,"time_us":9000000}]
-- @audit NVarChar(max) = [{"time_us":9000000,"command_type":"CreatePost","command_id":"0199b6f0-5f5e-7cc1-8f6e-1f0f3f0c2d11","user_name":"ada","stream":null,"outcome":1,"error_reason":null,"duration_us":10}]
-- @snapshots NVarChar(max) = [{"stream":"post-1","version":8,"position":8,"schema_version":1,"payload_at":99,"payload_length":1,"time_us":9000000}]
-- @trim_to BigInt = 5
-- @before BigInt = 1000000
-- @count Int = 500
-- @position BigInt = 8
-- @time_us BigInt = 9000000
-- @hash VarBinary(32) = 0x0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F20
-- @bytes VarBinary(max) = 0x7B7D0102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F200102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F200102030405060708090A0B0C0D0E0F101112131415161718191A1B1C1D1E1F2001

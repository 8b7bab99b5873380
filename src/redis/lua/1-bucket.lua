-- A bucket: its log, its position in the log (generation, offset), its leases. Helpers of all functions.
--
-- meta (hash): replid  last replication id          g, n     generation and offset of the last event
--              at      time of the last event       fence    highest token of a leader that acted here
--              beat    time of the last beat        grace    no lease ends before this time
--              lease   length of a lease
--              lineage "g: g-n g-n": for generation g, the last positions of the generations before it,
--                      oldest first, the newest 32; begins with 0-0 if none was left out
--              mark_g, mark_n, mark_at              a position, and when it was the head
--              ids, ids_at  which of the two hashes of message ids is the present one (0 or 1), and since when
--              beat_ids     last beat of a gateway that keeps ids there, written as `beat` is, which other releases write
--                           in another way: if they differ, another release has beaten since
--              mixed        when another release was seen here last; gone when none is here any more
--              batch:<incarnation>  number, time (48 bits each), whether it was in mixed mode (8) and answers of a node's
--                           last batch of messages
--
-- Every function first reads, and checks the types of its keys; then does the only write that Redis can
-- still refuse; then the other writes; and publishes last. Lua has no rollback. (`append` does so for each message and
-- each conversation of a batch: what Redis refuses of one does not end the function.)

local KIND_MESSAGE, KIND_PRESENCE, KIND_LEADER = 1, 2, 3
-- Several events in one entry of the log, and in one publish: its position is that of the last one, its record is each of
-- them behind its length (32 bits). Releases before 0.3 do not know it.
local KIND_BATCH = 4
-- Kinds from 16 on are ephemeral: published on the log's channel, and not in the log.
local KIND_READ = 17

-- A node keeps its names for so much longer than its lease: by then it writes nothing more.
local TAKEOVER_MARGIN_MS = 100

-- Redis keeps a small hash as a list, and looks for a field from its start, unless a value is longer than 64 bytes. As a
-- field `table`, this makes a hash that each message reads and writes a table from the beginning.
local AS_TABLE = 'longer than 64 bytes, so that Redis keeps this hash as a table, not a list'

-- Whoever can write to Redis can put anything into a key. A damaged value must hurt its own user or conversation only, and
-- must not end a function between its writes. So numbers are read with this: whole times, positions and counts are below
-- 2^47; nil if it is none. What cannot be read otherwise is refused with the error DAMAGED.
local BEYOND_NUMBERS = 2 ^ 47

local function number_in(value)
  local number = tonumber(value)
  if number and number >= 0 and number < BEYOND_NUMBERS then return number end
end

-- The number in a field that somebody must have written as one, or nil if there is no such field.
local function written_number(value, of)
  if not value then return nil end
  return number_in(value) or error({ err = 'DAMAGED ' .. of })
end

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- How a whole number is written. '%d' costs a tenth of '%.0f', but not on a Redis of 32 bits. Libraries are there only
-- when a function runs: see ask_server.
local whole = '%.0f'

-- Fails if a key has another type than expected. Asks for its length, which costs half of TYPE: appends spend
-- most of their time on such calls. A key that a function reads before it writes needs no check.
local LENGTH_OF = { hash = 'HLEN', stream = 'XLEN', zset = 'ZCARD', set = 'SCARD' }

local function expect(kind, ...)
  for _, key in ipairs({ ... }) do redis.call(LENGTH_OF[kind], key) end
end

-- The newest position that this Redis process gave in each bucket, by the key of its meta. Data may be replaced by
-- older data while the process lives (keys restored from a backup); this is not data.
local given = {}
-- The newest position of the bucket that the caller has seen. Set in each call (1-register.lua).
local seen = { generation = 0, offset = 0 }

local function is_before(a, b)
  return a.generation < b.generation or (a.generation == b.generation and a.offset < b.offset)
end

-- Begins a generation: higher than any that is stored, that this process gave or that the caller has seen. Two servers
-- with the same past get different generations from the clock or, where the clock is behind, from three digits of
-- their replication ids. Writes nothing: announce and keep_position do.
local function begin_generation(bucket)
  local last = given[bucket.meta] or bucket
  bucket.is_new, bucket.is_older = true, false
  bucket.came_from = { generation = bucket.generation, offset = bucket.offset }
  local least = math.max(bucket.generation, last.generation, seen.generation) + 1
  if least > bucket.now then least = least + tonumber(string.sub(bucket.replid, 1, 3), 16) end
  bucket.generation = math.max(least, bucket.now)
  bucket.offset = 0
  bucket.written_generation = string.format(whole, bucket.generation)
end

-- What INFO said last of this server, and when. It costs as much as three other commands, so `append` takes what it said
-- up to 5 ms ago. A server that restarts, or copies the data of another one, loses these variables with its functions.
-- One that was made a replica and promoted again within that time has lost nothing that it had, and what another one
-- announced meanwhile it does not have, or shows its replication id.
local server = { replid = '', replicas = 0, asked_at = 0 }
local SERVER_KNOWN_FOR_MS = 5

local function ask_server(now)
  local replication = redis.call('INFO', 'replication')
  -- a search for what is there in all likelihood costs a fifth of a pattern
  if server.replid == '' or not string.find(replication, 'master_replid:' .. server.replid, 1, true) then
    server.replid = string.match(replication, 'master_replid:(%x+)')
  end
  server.replicas = tonumber(string.match(replication, 'connected_slaves:(%d+)')) or 0
  server.asked_at = now
  if string.format('%d', 2 ^ 48) == '281474976710656' then whole = '%d' end
end

-- Opens the bucket as it is now. A generation begins if the replication id has changed (a restart, a promotion), or
-- if the position is below the last one that this process gave (its data was replaced). If only the caller has seen
-- a newer position, this may be the older one of two servers, and about to be replaced: it takes no writes (error
-- OLDER) until the beats decide (4-duties.lua). A position that is none is damaged: a generation begins, behind the last
-- position that this process gave. More fields of meta are read with it: more.ids and so on.
-- Ways: 'to write', 'to decide' (also on older data), 'for messages' (the number of replicas does not matter)
local function open(meta, way, ...)
  local now = now_ms()
  local age = now - server.asked_at
  local kept = redis.call('HMGET', meta, 'replid', 'g', 'n', 'at', ...)
  if way ~= 'for messages' or age < 0 or age >= SERVER_KNOWN_FOR_MS or kept[1] ~= server.replid then ask_server(now) end
  local replid = server.replid
  local generation, offset = number_in(kept[2]), number_in(kept[3])
  local is_damaged = kept[2] and (not generation or not offset or string.find(kept[2], '%D'))
  local bucket = {
    meta = meta, now = now, replid = replid, replicas = server.replicas, more = {},
    generation = generation or 0, offset = offset or 0, at = number_in(kept[4]) or 0,
    written_generation = kept[2], is_new = false, is_older = false, came_from = false,
  }
  for i = 1, select('#', ...) do bucket.more[select(i, ...)] = kept[4 + i] end
  if is_damaged then
    local last = given[meta]
    if last then bucket.generation, bucket.offset = last.generation, last.offset end
    begin_generation(bucket)
    kept[1] = replid -- one is enough
  end
  if kept[1] ~= replid or (given[meta] and is_before(bucket, given[meta])) then
    begin_generation(bucket)
  elseif is_before(bucket, seen) then
    bucket.is_older = true
    if way ~= 'to decide' then error({ err = 'OLDER data than the caller has seen' }) end
  end
  if bucket.at < now then bucket.at = now end
  return bucket
end

-- The bucket with what its leases depend on.
local function with_leases(bucket)
  if bucket.grace then return bucket end
  local kept = redis.call('HMGET', bucket.meta, 'beat', 'grace', 'lease')
  bucket.beat, bucket.grace, bucket.lease = number_in(kept[1]), number_in(kept[2]) or 0, number_in(kept[3]) or 0
  return bucket
end

-- Last positions of earlier generations that are kept.
local LINEAGE_KEPT = 32

local function lineage_of(bucket)
  local came_from = bucket.came_from
  local kept = redis.call('HGET', bucket.meta, 'lineage') or ''
  local of, ends = string.match(kept, '^(%d+):(.*)$')
  -- an earlier version of these functions began the generation: what came before it is not known
  if tonumber(of) ~= came_from.generation or string.find(ends, '[^ %d-]') then ends = '' end
  -- a generation without events has nothing to lose; 0-0: there was nothing before
  if came_from.offset > 0 or came_from.generation == 0 then
    ends = ends .. string.format(' %.0f-%.0f', came_from.generation, came_from.offset)
  end
  local _, count = string.gsub(ends, ' ', '')
  if count > LINEAGE_KEPT then ends = string.gsub(ends, '^ %S+', '') end
  return string.format('%.0f:', bucket.generation) .. ends
end

-- Stores the position, and more fields of meta with it.
local function keep_position(bucket, ...)
  redis.call('HSET', bucket.meta, 'n', string.format(whole, bucket.offset), 'at', string.format(whole, bucket.at), ...)
  if bucket.came_from then
    with_leases(bucket)
    bucket.grace = math.max(bucket.grace, bucket.now + bucket.lease)
    redis.call('HSET', bucket.meta, 'replid', bucket.replid, 'g', bucket.generation, 'grace', bucket.grace,
      'lineage', lineage_of(bucket))
    bucket.came_from = false
  end
  local last = given[bucket.meta]
  if last then
    last.generation, last.offset = bucket.generation, bucket.offset
  else
    given[bucket.meta] = { generation = bucket.generation, offset = bucket.offset }
  end
end

-- Whether a stream refuses an id because it has come further.
local function is_ahead(why)
  return string.find(why, 'equal or smaller', 1, true) or string.find(why, 'exhausted', 1, true)
end

-- Appends to the log. Returns the error of Redis, or nil. If the log is ahead of meta, somebody else has written there,
-- and it would take nothing any more: it begins anew. A gateway that has not read its end announces a hole.
local function add_entry(bucket, log, offset, bytes)
  local id = bucket.written_generation .. '-' .. string.format(whole, offset)
  local added = redis.pcall('XADD', log, id, 'e', bytes)
  if added.err and is_ahead(added.err) then
    redis.log(redis.LOG_WARNING, 'tertulia: ' .. log .. ' was ahead of its bucket, and begins anew')
    redis.call('DEL', log)
    added = redis.pcall('XADD', log, id, 'e', bytes)
  end
  if added.err then return added.err end
  bucket.offset = offset
end

-- Gives an event its position and appends it to the log. Returns what is to be published on the channel that has the
-- name of the log's key: kind, generation, offset, record. Or nil and the error of Redis.
local function log_event(bucket, log, kind, record)
  local offset = bucket.offset + 1
  local event = struct.pack('>BI6I6', kind, bucket.generation, offset) .. record
  local why = add_entry(bucket, log, offset, event)
  if why then return nil, why end
  return event
end

-- Appends an event to the log and publishes it.
local function announce(bucket, log, kind, record)
  local event, why = log_event(bucket, log, kind, record)
  if not event then error({ err = why }) end
  keep_position(bucket)
  redis.call('PUBLISH', log, event)
end

-- Of the messages in one entry of the log, at most: readers ask for so many entries at a time, and deliver them in one go.
local ENTRY_BYTES, ENTRY_MESSAGES = 16 * 1024, 16

-- Appends some messages to the log as one entry. Returns what is to be published, or nil and the error of Redis.
local function log_together(bucket, log, records, first, last)
  local generation, offset = bucket.generation, bucket.offset
  local end_offset = offset + last - first + 1
  local parts = { struct.pack('>BI6I6', KIND_BATCH, generation, end_offset) }
  for i = first, last do
    offset = offset + 1
    local record, place = records[i], 2 * (i - first) + 2
    parts[place] = struct.pack('>I4BI6I6', 13 + #record, KIND_MESSAGE, generation, offset)
    parts[place + 1] = record
  end
  local entry = table.concat(parts)
  local why = add_entry(bucket, log, end_offset, entry)
  if why then return nil, why end
  return entry
end

-- Appends messages to the log: as few entries, unless a gateway of an earlier release may read them. Returns how many are
-- there, what is to be published, and the error of Redis if it refuses the others.
local function log_messages(bucket, log, records, is_mixed)
  local count, first, events = #records, 1, {}
  local most = is_mixed and 1 or ENTRY_MESSAGES
  while first <= count do
    local last, size = first, #records[first]
    local end_at = math.min(count, first + most - 1)
    while last < end_at and size + #records[last + 1] <= ENTRY_BYTES do
      last = last + 1
      size = size + #records[last]
    end
    local event, why
    if first == last then
      event, why = log_event(bucket, log, KIND_MESSAGE, records[first])
    else
      event, why = log_together(bucket, log, records, first, last)
    end
    if not event then return first - 1, events, why end
    events[#events + 1] = event
    first = last + 1
  end
  return count, events
end

-- Whether a node counts as dead. Not while no node could reach the bucket, and not for one lease after that: nobody
-- could renew.
local function has_ended(bucket, nodes, incarnation, stall_ms)
  local ends = number_in(redis.call('HGET', nodes, incarnation))
  if not ends then return true end
  if bucket.is_new or bucket.now < with_leases(bucket).grace then return false end
  if not bucket.beat or bucket.now - bucket.beat > stall_ms then return false end
  return bucket.now > ends + TAKEOVER_MARGIN_MS
end

-- The fence of nodes: fails unless the node is a member. A node that was frozen must not write in its users' names.
local function require_member(bucket, nodes, incarnation)
  local ends = number_in(redis.call('HGET', nodes, incarnation))
  if not ends or ends < bucket.now then
    error({ err = 'FENCED the lease of node ' .. incarnation .. ' has ended' })
  end
end

-- The fence of leaders: fails if a leader with a higher token has acted here; else keeps this token. A fence of another
-- form is damaged: no token would ever be above it.
local function require_leader(bucket, token)
  local fence = redis.call('HGET', bucket.meta, 'fence')
  if fence and (#fence ~= #token or not string.find(fence, '^%d+%-%d+$')) then fence = nil end
  if fence and token < fence then
    error({ err = 'STALE token ' .. token .. ' is below ' .. fence })
  end
  if fence ~= token then redis.call('HSET', bucket.meta, 'fence', token) end
end

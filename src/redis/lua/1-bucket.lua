-- A bucket: its position (g, n), its log, its leases. Helpers of all functions.
--
-- meta (hash): replid  replication id seen last     g, n     position of the last event
--              at      time of the last event       fence    highest leader token that acted here
--              beat    time of the last beat        grace    until then no lease ends
--              lease   how long a lease is
--              lineage "g: g-n g-n": of generation g, the ends of those that it came from, oldest first;
--                      begins with 0-0 if that is all, for the newest are kept
--              mark_g, mark_n, mark_at              a position and when it was the head
--
-- Rule for every function: read and check types first, then the only write that can still be
-- refused, then the others, publish last. Lua has no rollback.

local KIND_MESSAGE, KIND_PRESENCE, KIND_LEADER = 1, 2, 3
-- From here on: told to whom is there, on the same channel, but not an event of the log.
local KIND_READ = 17

-- How much longer than its lease a node keeps its names: by then it has stopped to write in them.
local TAKEOVER_MARGIN_MS = 100

local function now_ms()
  local time = redis.call('TIME')
  return time[1] * 1000 + math.floor(time[2] / 1000)
end

-- Fails if a key holds another type than expected, by asking for its length: half as dear as TYPE, and an
-- append spends most of its time on such. What a function reads before it writes needs no check.
local LENGTH_OF = { hash = 'HLEN', stream = 'XLEN', zset = 'ZCARD', set = 'SCARD' }

local function expect(kind, ...)
  for _, key in ipairs({ ... }) do redis.call(LENGTH_OF[kind], key) end
end

-- The newest position that this process gave in each bucket, by its meta. Its data may be replaced by older data
-- while it lives (keys restored from a backup), with the same replication id; this is not.
local given = {}
-- The newest position that the caller has seen in the bucket. Set for each call (5-register.lua).
local seen = { g = 0, n = 0 }

local function is_before(a, b)
  return a.g < b.g or (a.g == b.g and a.n < b.n)
end

-- Begins a generation: above all that are here, that this process has given and that the caller has seen. Two servers
-- that go on from one past take different ones, by the clock; where that is behind, by three digits of their
-- replication ids. Nothing is written here; announce and keep_position do.
local function begin_generation(bucket)
  local last = given[bucket.meta] or bucket
  bucket.is_new, bucket.is_older = true, false
  bucket.came_from = { g = bucket.g, n = bucket.n }
  local least = math.max(bucket.g, last.g, seen.g) + 1
  if least > bucket.now then least = least + tonumber(string.sub(bucket.replid, 1, 3), 16) end
  bucket.g = math.max(least, bucket.now)
  bucket.n = 0
end

-- The bucket as it is now. After a restart or a promotion the replication id differs from the one
-- seen last, and after a change behind the back of this process its position is below the last one given: a
-- generation begins. If only the caller has seen more, this is the older one of two servers: perhaps it
-- will not be asked any more in a moment. It takes no writes (OLDER) until the beats end that (4-duties.lua).
local function open(meta, may_be_older)
  local replication = redis.call('INFO', 'replication')
  local replid = string.match(replication, 'master_replid:(%x+)')
  local kept = redis.call('HMGET', meta, 'replid', 'g', 'n', 'at', 'beat', 'grace', 'lease')
  local bucket = {
    meta = meta, now = now_ms(), replid = replid,
    replicas = tonumber(string.match(replication, 'connected_slaves:(%d+)')) or 0,
    g = tonumber(kept[2]) or 0, n = tonumber(kept[3]) or 0, at = tonumber(kept[4]) or 0,
    beat = tonumber(kept[5]), grace = tonumber(kept[6]) or 0, lease = tonumber(kept[7]) or 0,
  }
  if kept[1] ~= replid or (given[meta] and is_before(bucket, given[meta])) then
    begin_generation(bucket)
  elseif is_before(bucket, seen) then
    bucket.is_older = true
    if not may_be_older then error({ err = 'OLDER data than the caller has seen' }) end
  end
  bucket.at = math.max(bucket.at, bucket.now)
  return bucket
end

-- Generations whose ends are kept.
local LINEAGE_KEPT = 32

local function lineage_of(bucket)
  local came_from = bucket.came_from
  local kept = redis.call('HGET', bucket.meta, 'lineage') or ''
  local of, ends = string.match(kept, '^(%d+):(.*)$')
  -- an earlier version of these functions began a generation: what came before that is not known
  if tonumber(of) ~= came_from.g then ends = '' end
  -- one without events is nothing that can be lost; 0-0: there was nothing at all
  if came_from.n > 0 or came_from.g == 0 then
    ends = ends .. string.format(' %.0f-%.0f', came_from.g, came_from.n)
  end
  local _, count = string.gsub(ends, ' ', '')
  if count > LINEAGE_KEPT then ends = string.gsub(ends, '^ %S+', '') end
  return string.format('%.0f:', bucket.g) .. ends
end

local function keep_position(bucket)
  redis.call('HSET', bucket.meta, 'replid', bucket.replid, 'g', bucket.g, 'n', bucket.n, 'at', bucket.at)
  if bucket.came_from then
    bucket.grace = math.max(bucket.grace, bucket.now + bucket.lease)
    redis.call('HSET', bucket.meta, 'grace', bucket.grace, 'lineage', lineage_of(bucket))
    bucket.came_from = nil
  end
  given[bucket.meta] = { g = bucket.g, n = bucket.n }
end

-- Appends the event to the log and publishes the same bytes: kind, g, n, record. The log's key names
-- the channel.
local function announce(bucket, log, kind, record)
  bucket.n = bucket.n + 1
  local event = struct.pack('>BI6I6', kind, bucket.g, bucket.n) .. record
  redis.call('XADD', log, string.format('%.0f-%.0f', bucket.g, bucket.n), 'e', event)
  keep_position(bucket)
  redis.call('PUBLISH', log, event)
end

-- Whether a node may be treated as dead. Not while the whole bucket was out of reach, nor for one
-- lease after that: nobody could renew then.
local function has_ended(bucket, nodes, incarnation, stall_ms)
  local ends = tonumber(redis.call('HGET', nodes, incarnation))
  if not ends then return true end
  if bucket.is_new or bucket.now < bucket.grace then return false end
  if not bucket.beat or bucket.now - bucket.beat > stall_ms then return false end
  return bucket.now > ends + TAKEOVER_MARGIN_MS
end

-- Fails unless the node is a member: a node that slept must not write in anybody's name.
local function require_member(bucket, nodes, incarnation)
  local ends = tonumber(redis.call('HGET', nodes, incarnation))
  if not ends or ends < bucket.now then
    error({ err = 'FENCED the lease of node ' .. incarnation .. ' has ended' })
  end
end

-- Fails if a leader with a higher token has acted here; else remembers this one's.
local function require_leader(bucket, token)
  local fence = redis.call('HGET', bucket.meta, 'fence')
  if fence and token < fence then
    error({ err = 'STALE token ' .. token .. ' is below ' .. fence })
  end
  if fence ~= token then redis.call('HSET', bucket.meta, 'fence', token) end
end

-- A bucket: its position (g, n), its log, its leases. Helpers of all functions of the ledger.
--
-- meta (hash): replid  replication id seen last     g, n     position of the last event
--              at      time of the last event       fence    highest leader token that acted here
--              beat    time of the last beat        grace    until then no lease ends
--              lease   how long a lease is
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

-- The bucket as it is now. After a restart or a promotion the replication id differs from the one
-- seen last: the generation rises (by the clock, so that two promotions of one past differ too) and
-- n starts anew. Nothing is written here; announce and keep_position do.
local function open(meta)
  local replication = redis.call('INFO', 'replication')
  local replid = string.match(replication, 'master_replid:(%x+)')
  local seen = redis.call('HMGET', meta, 'replid', 'g', 'n', 'at', 'beat', 'grace', 'lease')
  local bucket = {
    meta = meta, now = now_ms(), replid = replid,
    replicas = tonumber(string.match(replication, 'connected_slaves:(%d+)')) or 0,
    g = tonumber(seen[2]) or 0, n = tonumber(seen[3]) or 0, at = tonumber(seen[4]) or 0,
    beat = tonumber(seen[5]), grace = tonumber(seen[6]) or 0, lease = tonumber(seen[7]) or 0,
  }
  if seen[1] ~= replid then
    bucket.is_new = true
    bucket.g = math.max(bucket.g + 1, bucket.now)
    bucket.n = 0
  end
  bucket.at = math.max(bucket.at, bucket.now)
  return bucket
end

local function keep_position(bucket)
  redis.call('HSET', bucket.meta, 'replid', bucket.replid, 'g', bucket.g, 'n', bucket.n, 'at', bucket.at)
  if bucket.is_new then
    bucket.grace = math.max(bucket.grace, bucket.now + bucket.lease)
    redis.call('HSET', bucket.meta, 'grace', bucket.grace)
  end
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

-- Duties: the leases of nodes, leader election, and what the leader does for all.

do -- Lua has room for 200 locals outside of blocks

-- Trims events that are older than a minute, and events beyond the cap. The mark is a position and the time when it
-- was the head: once the mark is a minute old, everything before it is older. A mark in the future (the clock was set
-- back) tells nothing: a new one is set.
local LOG_KEPT_MS = 60 * 1000
local LOG_KEPT_EVENTS = 100000

local function trim_log(bucket, log)
  local mark = redis.call('HMGET', bucket.meta, 'mark_g', 'mark_n', 'mark_at')
  local generation, offset, marked_at = number_in(mark[1]), number_in(mark[2]), number_in(mark[3])
  if not generation or not offset then marked_at = nil end
  local is_future = marked_at and marked_at > bucket.now
  if marked_at and not is_future and bucket.now - marked_at < LOG_KEPT_MS then return end
  if marked_at and not is_future then
    -- no older entry stays: a gateway of 0.2 that was away for longer must find a hole, not what it cannot read
    redis.call('XTRIM', log, 'MINID', '=', string.format('%.0f-%.0f', generation, offset))
    redis.call('XTRIM', log, 'MAXLEN', '~', LOG_KEPT_EVENTS)
    -- an entry may have several events
    local least = bucket.offset - LOG_KEPT_EVENTS
    if least > 0 then redis.call('XTRIM', log, 'MINID', '~', string.format('%.0f-%.0f', bucket.generation, least)) end
  end
  redis.call('HSET', bucket.meta, 'mark_g', bucket.generation, 'mark_n', bucket.offset, 'mark_at', bucket.now)
end

-- The clock was set back, or another server's clock is behind. No lease may run longer than one that is given now:
-- they do not wait until this clock reaches the time of the other.
local function set_back(bucket, nodes, lease_ms)
  local latest = bucket.now + lease_ms
  for _, incarnation in ipairs(redis.call('HKEYS', nodes)) do
    local ends = number_in(redis.call('HGET', nodes, incarnation))
    if not ends or ends > latest then redis.call('HSET', nodes, incarnation, latest) end
  end
  bucket.grace = latest
  redis.call('HSET', bucket.meta, 'grace', bucket.grace)
end

-- Notes whether a gateway of another release is here: it has beaten since this one has, or had the bucket before this one
-- came. It may come back, too: time in which nobody beat does not count, and data that is gone told of it perhaps.
local function note_mixed(bucket, has_beaten, mixed_at, was_apart)
  local is_lost = not bucket.beat and seen.generation > 0
  if has_beaten or is_lost or (mixed_at and was_apart) then
    redis.call('HSET', bucket.meta, 'mixed', bucket.now)
  elseif mixed_at and bucket.now - mixed_at >= MIXED_FOR_MS then
    redis.call('HDEL', bucket.meta, 'mixed')
  end
end

-- Renews a node's lease, or begins it.
-- KEYS: meta, log, nodes, ids:0, ids:1       ARGV: incarnation, lease ms, stall ms, 'join' | 'renew', 'anew' or ''
-- Returns { 1 | 0, generation, offset, now, 1 | 0 }: whether the node is a member, the head, the time, and whether
-- the node has seen a newer head. If that lasts, it asks for a new generation ('anew'). A lease that has ended is
-- never renewed: others may already have acted on its end.
local function beat(keys, args)
  local meta, log, nodes, ids, other_ids = unpack(keys)
  local incarnation, lease_ms, stall_ms, mode = args[1], tonumber(args[2]), tonumber(args[3]), args[4]
  expect('stream', log)
  expect('hash', nodes)
  local bucket = with_leases(open(meta, 'to decide', 'beat', 'beat_ids', 'mixed', 'ids', 'ids_at'))
  local more = bucket.more
  if bucket.is_older and args[5] == 'anew' then begin_generation(bucket) end
  local gap = bucket.beat and bucket.now - bucket.beat
  local was_apart = bucket.is_new or not gap or gap > stall_ms
  if gap and gap < 0 then
    set_back(bucket, nodes, lease_ms)
  elseif was_apart then
    -- leases ran while nobody could renew: they run on for as long
    local extra = (bucket.is_new or not gap) and lease_ms or math.min(lease_ms, gap + stall_ms)
    bucket.grace = math.max(bucket.grace, bucket.now + extra)
    redis.call('HSET', meta, 'grace', bucket.grace)
  end
  note_mixed(bucket, more.beat ~= more.beat_ids, number_in(more.mixed), was_apart)
  local written = string.format('%.1f', bucket.now)
  redis.call('HSET', meta, 'beat', written, 'beat_ids', written, 'lease', lease_ms)
  if bucket.is_new then keep_position(bucket) end
  trim_log(bucket, log)
  rotate_ids(bucket, nodes, present_ids(more.ids), number_in(more.ids_at), { ids, other_ids })
  local ends = number_in(redis.call('HGET', nodes, incarnation))
  local is_member = mode == 'join' or (ends and (ends >= bucket.now or bucket.now < bucket.grace))
  if is_member then redis.call('HSET', nodes, incarnation, bucket.now + lease_ms) end
  return { is_member and 1 or 0, bucket.generation, bucket.offset, bucket.now, bucket.is_older and 1 or 0 }
end

-- Ends a node's lease, if the node holds no name here any more.
-- KEYS: nodes, owned       ARGV: incarnation
local function retire(keys, args)
  if redis.call('SCARD', keys[2]) == 0 then redis.call('HDEL', keys[1], args[1]) end
  return 1
end

-- Takes one node's sessions off a name, except those in `but`. Returns whether there were any.
local function release(bucket, name, incarnation, but)
  local user = read_user(bucket, name)
  local is_kept = false
  local dropped = user and drop_holders(user, function(holder)
    if holder.node ~= incarnation then return false end
    if not but[holder.session] then return true end
    is_kept = true
  end) or 0
  if not is_kept then redis.call('SREM', bucket.owned, name) end
  if dropped > 0 then settle(bucket, name, user, 'lost') end
  return dropped > 0
end

-- Takes off a name the sessions of this node, except those that it still has.
-- ARGV: incarnation, name, session ...       Returns 1 or 0.
local function disown(keys, args)
  local sessions = {}
  for i = 3, #args do sessions[args[i]] = true end
  return release(open_users(keys), args[2], args[1], sessions) and 1 or 0
end

-- Active users without activity for the idle time become inactive. Finds dead nodes.
-- KEYS: as for users; owned is not used       ARGV: token, idle ms, stall ms, limit
-- Returns { idled, incarnation, ... }.
local function sweep(keys, args)
  local token, idle_ms, stall_ms, limit = args[1], tonumber(args[2]), tonumber(args[3]), args[4]
  local bucket = open_users(keys)
  expect('hash', bucket.users)
  require_leader(bucket, token)
  local found = { 0 }
  if bucket.is_new or bucket.now < with_leases(bucket).grace then return found end
  local quiet = redis.call('ZRANGE', bucket.active, '-inf', bucket.now - idle_ms, 'BYSCORE', 'LIMIT', 0, limit)
  for _, name in ipairs(quiet) do
    local user = read_user(bucket, name)
    if user and user.status == ACTIVE then
      change_status(bucket, name, user, INACTIVE, 'idle')
    else
      redis.call('ZREM', bucket.active, name)
    end
  end
  found[1] = #quiet
  for _, incarnation in ipairs(redis.call('HKEYS', bucket.nodes)) do
    if has_ended(bucket, bucket.nodes, incarnation, stall_ms) then table.insert(found, incarnation) end
  end
  return found
end

-- Signs out users of a dead node. After the last one, the node is forgotten.
-- ARGV: token, incarnation, stall ms, limit       Returns { signed out, left over }.
local function reap(keys, args)
  local token, incarnation, stall_ms, limit = args[1], args[2], tonumber(args[3]), args[4]
  local bucket = open_users(keys)
  expect('hash', bucket.users)
  require_leader(bucket, token)
  if not has_ended(bucket, bucket.nodes, incarnation, stall_ms) then return { 0, 0 } end
  local reaped = 0
  for _, name in ipairs(redis.call('SRANDMEMBER', bucket.owned, limit)) do
    if release(bucket, name, incarnation, {}) then reaped = reaped + 1 end
  end
  local left_over = redis.call('SCARD', bucket.owned)
  if left_over == 0 then redis.call('HDEL', bucket.nodes, incarnation) end
  return { reaped, left_over }
end

-- Elects the node, or renews its leadership. The token is the position of the announcement: like positions, it rises
-- with every election, and across failovers. Each generation begins a new term: an older token may be left over from
-- a term that later ones followed, which are lost.
-- KEYS: meta, log, leader       ARGV: incarnation, lease ms       Returns the token or ''.
local function elect(keys, args)
  local meta, log, leader = unpack(keys)
  local incarnation, lease_ms = args[1], tonumber(args[2])
  expect('stream', log)
  local bucket = open(meta, 'to write')
  local held = redis.call('HMGET', leader, 'incarnation', 'token', 'ends')
  -- a lease that ends later than one given now was given by a clock that was ahead
  local ends = number_in(held[3]) or 0
  local is_held = ends > bucket.now and ends <= bucket.now + lease_ms
  if is_held and held[1] ~= incarnation then return '' end
  if is_held and tonumber(string.match(held[2] or '', '^(%d+)%-%d+$')) == bucket.generation then
    redis.call('HSET', leader, 'ends', bucket.now + lease_ms)
    return held[2]
  end
  announce(bucket, log, KIND_LEADER, struct.pack('>I6', bucket.at) .. incarnation)
  local token = string.format('%015.0f-%015.0f', bucket.generation, bucket.offset)
  redis.call('HSET', leader, 'incarnation', incarnation, 'token', token, 'ends', bucket.now + lease_ms)
  return token
end

-- Ends the node's leadership at once.       KEYS: leader       ARGV: incarnation       Returns 1 or 0.
local function resign(keys, args)
  if redis.call('HGET', keys[1], 'incarnation') ~= args[1] then return 0 end
  return redis.call('DEL', keys[1])
end

register('beat', announcing(beat), 'allow-oom')
register('retire', retire, 'allow-oom')
register('disown', announcing(disown), 'allow-oom')
register('sweep', announcing(sweep), 'allow-oom')
register('reap', announcing(reap), 'allow-oom')
register('elect', announcing(elect), 'allow-oom')
register('resign', resign, 'allow-oom')
end

-- Duties: leases of nodes and of the leader, and what the leader does for all.

-- Trims from the log what is older than a minute, and all beyond the cap. The mark is a position and
-- the time when it was the head: once the mark is a minute old, so is everything before it. A mark from
-- the future (the clock was set back) is no measure: a new one is set.
local LOG_KEPT_MS = 60 * 1000
local LOG_KEPT_EVENTS = 100000

local function trim_log(bucket, log)
  local mark = redis.call('HMGET', bucket.meta, 'mark_g', 'mark_n', 'mark_at')
  local marked_at = tonumber(mark[3])
  local is_future = marked_at and marked_at > bucket.now
  if marked_at and not is_future and bucket.now - marked_at < LOG_KEPT_MS then return end
  if marked_at and not is_future then
    redis.call('XTRIM', log, 'MINID', '~', mark[1] .. '-' .. mark[2])
    redis.call('XTRIM', log, 'MAXLEN', '~', LOG_KEPT_EVENTS)
  end
  redis.call('HSET', bucket.meta, 'mark_g', bucket.g, 'mark_n', bucket.n, 'mark_at', bucket.now)
end

-- The clock was set back, or it is that of another server, which is behind: leases end when they would
-- have if they had been given now, rather than when this clock gets to where the other one was.
local function set_back(bucket, nodes, lease_ms)
  local latest = bucket.now + lease_ms
  for _, incarnation in ipairs(redis.call('HKEYS', nodes)) do
    local ends = tonumber(redis.call('HGET', nodes, incarnation))
    if ends > latest then redis.call('HSET', nodes, incarnation, latest) end
  end
  bucket.grace = latest
  redis.call('HSET', bucket.meta, 'grace', bucket.grace)
end

-- Renews a node's lease, or begins one.
-- KEYS: meta, log, nodes       ARGV: incarnation, lease ms, stall ms, 'join' | 'renew', 'anew' or ''
-- Returns { 1 | 0, g, n, now, 1 | 0 }: whether the node is a member, the head, the time, and whether the node has
-- seen more than there is. If that lasts, it asks for a generation ('anew'). A lease that has ended is
-- never revived, so whoever has seen it ended may act on that.
local function beat(keys, args)
  local meta, log, nodes = unpack(keys)
  local incarnation, lease_ms, stall_ms, mode = args[1], tonumber(args[2]), tonumber(args[3]), args[4]
  expect('stream', log)
  expect('hash', nodes)
  local bucket = open(meta, true)
  if bucket.is_older and args[5] == 'anew' then begin_generation(bucket) end
  local gap = bucket.beat and bucket.now - bucket.beat
  if gap and gap < 0 then
    set_back(bucket, nodes, lease_ms)
  elseif bucket.is_new or not gap or gap > stall_ms then
    -- a lease that ran while nobody could renew runs on for that long
    local extra = (bucket.is_new or not gap) and lease_ms or math.min(lease_ms, gap + stall_ms)
    bucket.grace = math.max(bucket.grace, bucket.now + extra)
    redis.call('HSET', meta, 'grace', bucket.grace)
  end
  redis.call('HSET', meta, 'beat', bucket.now, 'lease', lease_ms)
  if bucket.is_new then keep_position(bucket) end
  trim_log(bucket, log)
  local ends = tonumber(redis.call('HGET', nodes, incarnation))
  local is_member = mode == 'join' or (ends and (ends >= bucket.now or bucket.now < bucket.grace))
  if is_member then redis.call('HSET', nodes, incarnation, bucket.now + lease_ms) end
  return { is_member and 1 or 0, bucket.g, bucket.n, bucket.now, bucket.is_older and 1 or 0 }
end

-- Ends a node's lease for good, once it owns no name here.
-- KEYS: nodes, owned       ARGV: incarnation
local function retire(keys, args)
  if redis.call('SCARD', keys[2]) == 0 then redis.call('HDEL', keys[1], args[1]) end
  return 1
end

-- Takes the holds of one node off a name, but those of these sessions. Returns whether it had any.
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

-- Signs out a name of this node that none of its sessions has; or takes off it what others than these hold.
-- ARGV: incarnation, name, session ...       Returns 1 or 0.
local function disown(keys, args)
  local sessions = {}
  for i = 3, #args do sessions[args[i]] = true end
  return release(open_users(keys), args[2], args[1], sessions) and 1 or 0
end

-- Active users who were quiet for the idle time become inactive; finds the nodes that are dead.
-- KEYS: of users, owned unused       ARGV: token, idle ms, stall ms, limit
-- Returns { idled, incarnation, ... }.
local function sweep(keys, args)
  local token, idle_ms, stall_ms, limit = args[1], tonumber(args[2]), tonumber(args[3]), args[4]
  local bucket = open_users(keys)
  require_leader(bucket, token)
  local found = { 0 }
  if bucket.is_new or bucket.now < bucket.grace then return found end
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

-- Signs out users of a dead node, and forgets the node after the last one.
-- ARGV: token, incarnation, stall ms, limit       Returns { signed out, left over }.
local function reap(keys, args)
  local token, incarnation, stall_ms, limit = args[1], args[2], tonumber(args[3]), args[4]
  local bucket = open_users(keys)
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

-- Leads, or goes on leading. The token is the position of the announcement: it rises with every
-- election, and across failovers, because positions do. Each generation has terms of its own: an older token may
-- be what is left of a term that was followed by others, which are lost.
-- KEYS: meta, log, leader       ARGV: incarnation, lease ms       Returns the token or ''.
local function elect(keys, args)
  local meta, log, leader = unpack(keys)
  local incarnation, lease_ms = args[1], tonumber(args[2])
  expect('stream', log)
  local bucket = open(meta)
  local held = redis.call('HMGET', leader, 'incarnation', 'token', 'ends')
  -- one that ends later than any given now was given by a clock that was ahead
  local ends = tonumber(held[3]) or 0
  local is_held = ends > bucket.now and ends <= bucket.now + lease_ms
  if is_held and held[1] ~= incarnation then return '' end
  if is_held and tonumber(string.match(held[2], '^%d+')) == bucket.g then
    redis.call('HSET', leader, 'ends', bucket.now + lease_ms)
    return held[2]
  end
  announce(bucket, log, KIND_LEADER, struct.pack('>I6', bucket.at) .. incarnation)
  local token = string.format('%015.0f-%015.0f', bucket.g, bucket.n)
  redis.call('HSET', leader, 'incarnation', incarnation, 'token', token, 'ends', bucket.now + lease_ms)
  return token
end

-- Stops leading at once.       KEYS: leader       ARGV: incarnation       Returns 1 or 0.
local function resign(keys, args)
  if redis.call('HGET', keys[1], 'incarnation') ~= args[1] then return 0 end
  return redis.call('DEL', keys[1])
end

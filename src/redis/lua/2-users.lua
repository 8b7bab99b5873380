-- Users: who holds which name, with which status.
--
-- users (hash): name -> "status session node since"; "0 - - since" when disconnected
-- online, left, active (zsets): name -> connected since, left at, last active at (status 1 only)
-- nodes (hash): incarnation -> end of its lease     owned (set): names held by one incarnation

local DISCONNECTED, ACTIVE, BUSY, INACTIVE = 0, 1, 2, 3
local CAUSE = { new = 1, back = 2, asked = 3, idle = 4, awake = 5, left = 6, lost = 7 }

-- Opens the bucket with the keys that all functions on users take, in this order.
local function open_users(keys)
  local meta, log, users, online, left, active, nodes, owned = unpack(keys)
  expect({
    [meta] = 'hash', [log] = 'stream', [users] = 'hash', [online] = 'zset', [left] = 'zset',
    [active] = 'zset', [nodes] = 'hash', [owned] = 'set',
  })
  local bucket = open(meta)
  bucket.log, bucket.users, bucket.online, bucket.left = log, users, online, left
  bucket.active, bucket.nodes, bucket.owned = active, nodes, owned
  return bucket
end

local function read_user(bucket, name)
  local kept = redis.call('HGET', bucket.users, name)
  if not kept then return nil end
  local status, session, node, since = string.match(kept, '^(%d) (%S+) (%S+) (%d+)$')
  return { status = tonumber(status), session = session, node = node, since = since }
end

local function write_user(bucket, name, user)
  redis.call('HSET', bucket.users, name,
    string.format('%d %s %s %s', user.status, user.session, user.node, user.since))
end

-- Sets a status and tells everybody. The only place where a status changes.
local function change_status(bucket, name, user, status, cause)
  local was = user.status
  user.status = status
  if status == DISCONNECTED then
    redis.call('SREM', bucket.owned, name)
    redis.call('ZREM', bucket.online, name)
    redis.call('ZADD', bucket.left, bucket.now, name)
    user.session, user.node, user.since = '-', '-', string.format('%.0f', bucket.now)
  elseif was == DISCONNECTED then
    redis.call('ZREM', bucket.left, name)
    redis.call('ZADD', bucket.online, bucket.now, name)
  end
  if status == ACTIVE then
    redis.call('ZADD', bucket.active, bucket.now, name)
  else
    redis.call('ZREM', bucket.active, name)
  end
  write_user(bucket, name, user)
  announce(bucket, bucket.log, KIND_PRESENCE,
    struct.pack('>I6BB', bucket.at, status, CAUSE[cause]) .. name)
end

-- Takes a name for a session.
-- ARGV: name, session, incarnation, stall ms
-- Returns { 'new' | 'back' | 'held' | 'taken', g, n }: the position of the announcement or, if the
-- session held the name before, the head.
local function claim(keys, args)
  local name, session, incarnation, stall_ms = args[1], args[2], args[3], tonumber(args[4])
  local bucket = open_users(keys)
  require_member(bucket, bucket.nodes, incarnation)
  local user = read_user(bucket, name)
  local is_connected = user and user.status ~= DISCONNECTED
  if is_connected and user.session == session then
    if user.node ~= incarnation then
      user.node = incarnation
      redis.call('SADD', bucket.owned, name)
      write_user(bucket, name, user)
    end
    return { 'held', bucket.g, bucket.n }
  end
  if is_connected and not has_ended(bucket, bucket.nodes, user.node, stall_ms) then
    return { 'taken' }
  end
  local cause = user and 'back' or 'new'
  redis.call('SADD', bucket.owned, name)
  change_status(bucket, name, {
    status = user and user.status or DISCONNECTED,
    session = session, node = incarnation, since = string.format('%.0f', bucket.now),
  }, ACTIVE, cause)
  return { cause, bucket.g, bucket.n }
end

-- Signs a user out, if the session still has the name.
-- ARGV: name, session, cause ('asked' | 'left')       Returns 1 or 0.
local function leave(keys, args)
  local name, session, cause = args[1], args[2], args[3]
  local bucket = open_users(keys)
  local user = read_user(bucket, name)
  if not user or user.session ~= session then return 0 end
  change_status(bucket, name, user, DISCONNECTED, cause)
  return 1
end

-- Sets a status as asked, if the session still has the name.
-- ARGV: name, session, status       Returns 'changed', 'same' or 'gone'.
local function set_status(keys, args)
  local name, session, status = args[1], args[2], tonumber(args[3])
  local bucket = open_users(keys)
  local user = read_user(bucket, name)
  if not user or user.session ~= session then return 'gone' end
  if user.status == status then
    if status == ACTIVE then redis.call('ZADD', bucket.active, bucket.now, name) end
    return 'same'
  end
  change_status(bucket, name, user, status, 'asked')
  return 'changed'
end

-- Notes activity: who is inactive becomes active.
-- ARGV: name, session, name, session ...       Returns how many woke up.
local function touch(keys, args)
  local bucket = open_users(keys)
  local woken = 0
  for i = 1, #args, 2 do
    local name, session = args[i], args[i + 1]
    local user = read_user(bucket, name)
    if user and user.session == session then
      if user.status == ACTIVE then
        redis.call('ZADD', bucket.active, bucket.now, name)
      elseif user.status == INACTIVE then
        change_status(bucket, name, user, ACTIVE, 'awake')
        woken = woken + 1
      end
    end
  end
  return woken
end

-- The status of users.       KEYS: users       ARGV: names       Returns a status or -1 for each.
local function lookup(keys, args)
  local found = {}
  for i, name in ipairs(args) do
    local user = read_user({ users = keys[1] }, name)
    found[i] = user and user.status or -1
  end
  return found
end

-- The connected, longest first, then those who left, latest first.
-- KEYS: users, online, left       ARGV: limit       Returns { name, status, since, ... }.
local function roster(keys, args)
  local bucket = { users = keys[1] }
  local limit = tonumber(args[1])
  local found = {}
  local function add(names)
    for _, name in ipairs(names) do
      local user = read_user(bucket, name)
      if user then
        table.insert(found, name)
        table.insert(found, user.status)
        table.insert(found, tonumber(user.since))
      end
    end
  end
  local online = redis.call('ZRANGE', keys[2], 0, limit - 1)
  add(online)
  if #online < limit then add(redis.call('ZRANGE', keys[3], 0, limit - #online - 1, 'REV')) end
  return found
end

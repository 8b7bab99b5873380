-- Users: who holds which name, with which status.
--
-- users (hash): name -> "status since key session node session node ...", or "0 since -" while disconnected.
--   There is a pair of session and node for each device; devices share the key. A last word may follow the pairs:
--   it begins with "!" if the user has asked to be inactive, and ends in "@" and the address of the device that
--   connected last, where addresses are kept. Other versions of these functions read pairs, and skip that word.
-- online, left, active (zsets): name -> connected since, left at, last active at (only with status active)
-- nodes (hash): incarnation -> end of its lease     owned (set): names that one incarnation holds

local DISCONNECTED, ACTIVE, BUSY, INACTIVE = 0, 1, 2, 3
local CAUSE = { new = 1, back = 2, asked = 3, idle = 4, awake = 5, left = 6, lost = 7 }

-- Opens the bucket with the keys of all functions on users, in this order. More fields of meta are read with it. Users are
-- not checked: who writes something before it reads a user has to.
local function open_users(keys, ...)
  local meta, log, users, online, left, active, nodes, owned, owners = unpack(keys)
  expect('stream', log)
  expect('hash', nodes)
  expect('zset', online, left, active)
  expect('set', owned)
  local bucket = open(meta, 'to write', ...)
  bucket.log, bucket.users, bucket.online, bucket.left = log, users, online, left
  bucket.active, bucket.nodes, bucket.owned, bucket.owners = active, nodes, owned, owners
  return bucket
end

-- A user's record. Or nil: there is none, or (true with it) it is damaged. Who must not take that for a user who is not
-- there asks `require_user`.
local function read_user(bucket, name)
  local kept = redis.call('HGET', bucket.users, name)
  if not kept then return nil end
  local status, since, key, holders = string.match(kept, '^([0-3]) (%d+) (%S+)(.*)$')
  if not status or not number_in(since) then return nil, true end
  local user = { status = tonumber(status), since = since, key = key, holders = {} }
  local last = string.match(holders, ' ([!@]%S*)$')
  if last then
    user.is_chosen = string.sub(last, 1, 1) == '!'
    user.address = string.match(last, '@(.+)$')
  end
  for session, node in string.gmatch(holders, '(%S+) (%S+)') do
    table.insert(user.holders, { session = session, node = node })
  end
  return user
end

-- The same, but fails if the record is damaged: who holds the name is not known then, so nobody gets it.
local function require_user(bucket, name)
  local user, is_damaged = read_user(bucket, name)
  if is_damaged then error({ err = 'DAMAGED record of a user' }) end
  return user
end

local function write_user(bucket, name, user)
  local words = { user.status, user.since, user.key }
  for _, holder in ipairs(user.holders) do
    table.insert(words, holder.session)
    table.insert(words, holder.node)
  end
  local last = (user.is_chosen and '!' or '') .. (user.address and '@' .. user.address or '')
  if last ~= '' then table.insert(words, last) end
  redis.call('HSET', bucket.users, name, table.concat(words, ' '))
end

local function holder_of(user, session)
  for _, holder in ipairs(user and user.holders or {}) do
    if holder.session == session then return holder end
  end
end

-- Drops the holders for which is_gone is true. Returns how many.
local function drop_holders(user, is_gone)
  local kept = {}
  for _, holder in ipairs(user.holders) do
    if not is_gone(holder) then table.insert(kept, holder) end
  end
  local dropped = #user.holders - #kept
  user.holders = kept
  return dropped
end

-- Sets a status and announces it. No status changes elsewhere.
local function change_status(bucket, name, user, status, cause)
  local was = user.status
  user.status = status
  user.is_chosen = status == INACTIVE and cause == 'asked'
  if status == DISCONNECTED then
    redis.call('SREM', bucket.owned, name)
    redis.call('ZREM', bucket.online, name)
    redis.call('ZADD', bucket.left, bucket.now, name)
    user.key, user.holders, user.since = '-', {}, string.format('%.0f', bucket.now)
    user.address = nil
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

-- Signs the user out if no holder is left; else stores who is left.
local function settle(bucket, name, user, cause)
  if #user.holders == 0 then
    change_status(bucket, name, user, DISCONNECTED, cause)
  else
    write_user(bucket, name, user)
  end
end

-- Takes a session off its name, if it holds it. Signs the user out if it was the last one.
-- ARGV: name, session, cause ('asked' | 'left')       Returns 1 or 0.
local function leave(keys, args)
  local name, session, cause = args[1], args[2], args[3]
  local bucket = open_users(keys)
  local user = read_user(bucket, name)
  local own = holder_of(user, session)
  if not own then return 0 end
  drop_holders(user, function(holder) return holder == own end)
  local is_here = false
  for _, holder in ipairs(user.holders) do is_here = is_here or holder.node == own.node end
  if not is_here then redis.call('SREM', bucket.owned, name) end
  settle(bucket, name, user, cause)
  return 1
end

-- Sets the status that a user asks for, if the session still holds the name.
-- ARGV: name, session, status       Returns { 'changed' | 'same', generation, offset } or { 'gone' }.
local function set_status(keys, args)
  local name, session, status = args[1], args[2], tonumber(args[3])
  local bucket = open_users(keys)
  local user = require_user(bucket, name)
  if not holder_of(user, session) then return { 'gone' } end
  if user.status == status then
    if status == ACTIVE then redis.call('ZADD', bucket.active, bucket.now, name) end
    if status == INACTIVE and not user.is_chosen then
      user.is_chosen = true
      write_user(bucket, name, user)
    end
    return { 'same', bucket.generation, bucket.offset }
  end
  change_status(bucket, name, user, status, 'asked')
  return { 'changed', bucket.generation, bucket.offset }
end

-- Notes activity. Inactive users become active; those who asked to be inactive, only by a message.
-- ARGV: name, session, 'message' | 'typing', name ...       Returns how many woke up.
local function touch(keys, args)
  local bucket = open_users(keys)
  local woken = 0
  for i = 1, #args, 3 do
    local name, session, kind = args[i], args[i + 1], args[i + 2]
    local user = read_user(bucket, name)
    if holder_of(user, session) then
      if user.status == ACTIVE then
        redis.call('ZADD', bucket.active, bucket.now, name)
      elseif user.status == INACTIVE and (kind == 'message' or not user.is_chosen) then
        change_status(bucket, name, user, ACTIVE, 'awake')
        woken = woken + 1
      end
    end
  end
  return woken
end

-- A user's status, whose the name is, and the address if one is stored.
-- KEYS: users, owners       ARGV: name, kept ms       Returns { status or -1, 2 if the name is kept for its owner |
--   1 if its owner is known by a key | 0, address or nothing }.
local function lookup(keys, args)
  local user, owner = require_user({ users = keys[1] }, args[1]), read_owner(keys[2], args[1])
  if not user then return { -1, 0 } end
  local is_kept = is_kept_for(owner, user.since, now_ms(), tonumber(args[2]))
  return { user.status, is_kept and 2 or owner and 1 or 0, user.address }
end

-- Connected users, longest first; then users who left, latest first. And the position of the log.
-- KEYS: meta, users, online, left       ARGV: limit       Returns { generation, offset, name, status or -1 (a damaged
--   record), since, ... }.
local function roster(keys, args)
  local meta, users, online, left = unpack(keys)
  local limit = tonumber(args[1])
  local position = redis.call('HMGET', meta, 'g', 'n')
  local found = { number_in(position[1]) or 0, number_in(position[2]) or 0 }
  local names = redis.call('ZRANGE', online, 0, limit - 1)
  if #names < limit then
    for _, name in ipairs(redis.call('ZRANGE', left, 0, limit - #names - 1, 'REV')) do
      names[#names + 1] = name
    end
  end
  if #names == 0 then return found end
  local size = #found
  for i, kept in ipairs(redis.call('HMGET', users, unpack(names))) do
    local status, since = string.match(kept or '', '^([0-3]) (%d+) ')
    if kept then
      found[size + 1], found[size + 2], found[size + 3] = names[i], tonumber(status) or -1, number_in(since) or 0
      size = size + 3
    end
  end
  return found
end

-- All connected users, and the position of the log.
-- KEYS: meta, users, online       Returns { generation, offset, name, status or -1 (a damaged record), ... }.
local function present(keys)
  local bucket = { users = keys[2] }
  local position = redis.call('HMGET', keys[1], 'g', 'n')
  local found = { number_in(position[1]) or 0, number_in(position[2]) or 0 }
  for _, name in ipairs(redis.call('ZRANGE', keys[3], 0, -1)) do
    local user, is_damaged = read_user(bucket, name)
    if user or is_damaged then
      table.insert(found, name)
      table.insert(found, user and user.status or -1)
    end
  end
  return found
end

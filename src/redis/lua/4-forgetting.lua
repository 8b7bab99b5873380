-- Forgetting: names that nobody holds, that are kept for nobody, and of which no message is kept. Messages of a user may be
-- in any bucket, so the leader looks there first; `forget` checks again what may have changed in the user's bucket.

do -- Lua has room for 200 locals outside of blocks

-- Names that were left long ago and are kept for nobody, from a place of `left` on, oldest first.
-- KEYS: users, owners, left       ARGV: place, limit, forgotten after ms, kept ms
-- Returns { the place behind them or -1 if there is nothing more, name ... }.
local function forgettable(keys, args)
  local owners, left = keys[2], keys[3]
  local place, limit, after_ms, kept_ms = tonumber(args[1]), tonumber(args[2]), tonumber(args[3]), tonumber(args[4])
  local now = now_ms()
  local found = { -1 }
  local entries = redis.call('ZRANGE', left, place, place + limit - 1, 'WITHSCORES')
  for i = 1, #entries, 2 do
    local name, left_at = entries[i], tonumber(entries[i + 1])
    if now - left_at < after_ms then return found end
    if not is_kept_for(read_owner(owners, name), left_at, now, kept_ms) then found[#found + 1] = name end
  end
  if #entries == 2 * limit then found[1] = place + limit end
  return found
end

-- Which users have private conversations in this bucket. One whose key cannot be read counts as having some.
-- KEYS: inbox ...       Returns 1 or 0 for each.
local function have_inboxes(keys)
  local found = {}
  for i, inbox in ipairs(keys) do
    local length = redis.pcall('ZCARD', inbox)
    found[i] = (type(length) == 'table' or length > 0) and 1 or 0
  end
  return found
end

-- Of some users, those who wrote nothing to everybody that is kept. What is noted of older messages of theirs is dropped.
-- KEYS: meta, log, conversation, history       ARGV: token, ms kept, user ...       Returns 1 or 0 for each.
local function forget_writers(keys, args)
  local meta, log, conversation, history = unpack(keys)
  expect('stream', log)
  local bucket = open(meta, 'to write')
  local floor = first_shown(history, oldest_shown(args[2], 0))
  local found, old = {}, {}
  for i = 3, #args do
    local field = wrote_field(args[i])
    local noted = redis.call('HGET', conversation, field)
    local is_kept = floor ~= nil and (number_in(noted) or 0) >= floor
    if noted and not is_kept then old[#old + 1] = field end
    found[i - 2] = is_kept and 0 or 1
  end
  require_leader(bucket, args[1])
  if old[1] then redis.call('HDEL', conversation, unpack(old)) end
  return found
end

-- Whether an account says nothing but whom its user blocks (4-blocks.lua). Of a damaged one that is not known.
local function has_only_blocks(account)
  local fields = redis.pcall('HKEYS', account)
  if fields.err then return false end
  for _, field in ipairs(fields) do
    if string.sub(field, 1, 6) ~= 'block:' then return false end
  end
  return true
end

-- Forgets names, if nobody has them and they are kept for nobody. Nobody is told: clients are told of who is connected.
-- Of a damaged record it is not known whether somebody has the name: it stays.
-- KEYS: as for users, owners, the account of each name       ARGV: token, forgotten after ms, kept ms, name ...
-- Returns those that were forgotten.
local function forget(keys, args)
  local token, after_ms, kept_ms = args[1], tonumber(args[2]), tonumber(args[3])
  local bucket = open_users(keys)
  expect('hash', bucket.owners)
  local nobodys, theirs = {}, {}
  for i = 4, #args do
    local name, account = args[i], keys[9 + i - 3]
    local user, is_damaged = read_user(bucket, name)
    local is_held = user and (user.status ~= DISCONNECTED or #user.holders > 0)
    local since = user and tonumber(user.since) or 0
    local is_kept = is_kept_for(read_owner(bucket.owners, name), since, bucket.now, kept_ms)
    local is_nobodys = not is_damaged and not is_held and not is_kept and bucket.now - since >= after_ms
    -- blocks end with the one who imposed them
    if is_nobodys and has_only_blocks(account) then
      nobodys[#nobodys + 1], theirs[#theirs + 1] = name, account
    end
  end
  require_leader(bucket, token)
  -- who has left in older data may be about to claim the name again
  if not nobodys[1] or bucket.is_new or bucket.now < with_leases(bucket).grace then return {} end
  redis.call('DEL', unpack(theirs))
  redis.call('HDEL', bucket.users, unpack(nobodys))
  redis.call('HDEL', bucket.owners, unpack(nobodys))
  redis.call('ZREM', bucket.left, unpack(nobodys))
  return nobodys
end

-- Forgets how far users whose names were forgotten have read.
-- KEYS: marks ...       Returns how many had some here.
local function forget_marks(keys)
  return redis.call('DEL', unpack(keys))
end

register('forgettable', forgettable, 'no-writes')
register('have_inboxes', have_inboxes, 'no-writes')
register('forget_writers', announcing(forget_writers), 'allow-oom')
register('forget', announcing(forget), 'allow-oom')
register('forget_marks', forget_marks, 'allow-oom')
end

-- Leaving for good: a user is removed in one step, and nobody gets the name until what is kept of the user in all buckets is
-- cleared. The gateway clears it at once; the leader does what that gateway did not, and once more after a while, for what
-- was still on its way: then the name is free.
--
-- unregistering (zset): for the leader, name -> when its user left for good, with CLEARING added while it is being cleared

do -- Lua has room for 200 locals outside of blocks

local CLEARING = 2 ^ 42

-- Of an account, only when tokens were revoked stays: they may be good for ever otherwise; whom the user has blocked, until
-- that is cleared; and the password, where nobody has been asked for it: the operator may have made the account for later.
local function clear_account(account, now, revokes, keeps_password)
  local stays = { revoked = true }
  if keeps_password and redis.call('HEXISTS', account, 'hash') == 1 and redis.call('HEXISTS', account, 'version') == 1 then
    for _, field in ipairs({ 'hash', 'version', 'share', 'created', 'role' }) do stays[field] = true end
  end
  for _, field in ipairs(redis.call('HKEYS', account)) do
    if not stays[field] and string.sub(field, 1, 6) ~= 'block:' then redis.call('HDEL', account, field) end
  end
  if revokes then redis.call('HSET', account, 'revoked', string.format('%.0f', now)) end
end

-- Removes a user: status, key, account. Signs out all its devices, and has them closed.
-- KEYS: those of users, owners, unregistered, account, unregistering
-- ARGV: name, session ('': the operator asks), version of the account ('': any), since, 1 if the messages go as well,
--   1 if tokens that were issued until now are worth nothing
-- Returns { outcome, when, since, erases, connected replicas }: 'done' (also if it was done before, and clearing goes on), 'gone'
--   (the session does not hold the name), 'changed' (the account has another version), 'nothing' (the operator's: no such
--   user), or 'mixed' (messages cannot go: a gateway of another release is there, which could not read what is left).
local function unregister(keys, args)
  local unregistered, account, unregistering = keys[10], keys[11], keys[12]
  local name, session, version, since, erases, revokes = unpack(args, 1, 6)
  local bucket = open_users(keys, 'mixed', 'beat', 'beat_ids')
  expect('hash', bucket.owners, account)
  expect('zset', unregistering)
  if erases == '1' and has_other_release(bucket) then return { 'mixed', 0, 0, 0, bucket.replicas } end
  local user, is_damaged = read_user(bucket, name)
  local at, clearing = unregistered_at(unregistered, name)
  since, erases = tonumber(since), tonumber(erases)
  -- only a gateway of 0.2 lets somebody hold the name meanwhile
  local is_asked_again = clearing and not user
  if is_asked_again then
    since, erases = math.min(clearing.since, since), math.max(clearing.erases, erases)
  else
    if session ~= '' and not holder_of(user, session) then return { 'gone', 0, 0, 0, bucket.replicas } end
    if session == '' and not user and not is_damaged then
      local is_known = redis.call('HEXISTS', bucket.owners, name) + redis.call('HEXISTS', account, 'version') > 0
      if not is_known then return { 'nothing', 0, 0, 0, bucket.replicas } end
    end
    if version ~= '' and redis.call('HGET', account, 'version') ~= version then return { 'changed', 0, 0, 0, bucket.replicas } end
    at = bucket.now
  end
  redis.call('HSET', unregistered, name, string.format('%.0f %.0f %d', at, since, erases))
  if is_asked_again then
    if session == '' then clear_account(account, at, revokes == '1', false) end
  else
    redis.call('ZADD', unregistering, at + CLEARING, name)
    clear_account(account, at, revokes == '1', session ~= '' and version == '')
    redis.call('HDEL', bucket.owners, name)
    if user and user.status ~= DISCONNECTED then change_status(bucket, name, user, DISCONNECTED, 'asked') end
    redis.call('HDEL', bucket.users, name)
    for _, places in ipairs({ bucket.left, bucket.online, bucket.active }) do redis.call('ZREM', places, name) end
    announce_revoked(bucket, bucket.log, name, 'name', string.format('%.0f', at))
  end
  return { 'done', at, since, erases, bucket.replicas }
end

-- Users who have left for good and of whom not all is cleared yet; and names whose last user left so long ago that no message
-- of that one can be kept.
-- KEYS: meta, log, unregistered, unregistering       ARGV: token, limit, ms kept
-- Returns { { name, when, since, erases, ... }, { name, ... }, the time }.
local function unregistering_users(keys, args)
  local meta, log, unregistered, unregistering = unpack(keys)
  local token, limit, keep_ms = args[1], tonumber(args[2]), tonumber(args[3])
  expect('stream', log)
  expect('hash', unregistered)
  local names = redis.call('ZRANGE', unregistering, CLEARING, 'inf', 'BYSCORE', 'LIMIT', 0, limit)
  local bucket = open(meta, 'to write')
  local oldest = string.format('%.0f', bucket.now - keep_ms - DAY_MS)
  local past = redis.call('ZRANGE', unregistering, '-inf', oldest, 'BYSCORE', 'LIMIT', 0, limit)
  require_leader(bucket, token)
  local found = {}
  for _, name in ipairs(names) do
    local at, clearing = unregistered_at(unregistered, name)
    if clearing then
      for _, word in ipairs({ name, at, clearing.since, clearing.erases }) do found[#found + 1] = word end
    else
      redis.call('ZREM', unregistering, name) -- it is damaged
    end
  end
  return { found, past, bucket.now }
end

-- Drops which messages of some names are nobody's, where none of them is kept any more.
-- KEYS: meta, log, conversation, history       ARGV: token, name, ...       Returns 1.
local function forget_gone(keys, args)
  local meta, log, conversation, history = unpack(keys)
  expect('stream', log)
  expect('hash', conversation)
  local oldest = first_from(history, '-')
  local bucket = open(meta, 'to write')
  require_leader(bucket, args[1])
  for i = 2, #args do
    local ranges = redis.call('HGET', conversation, gone_field(args[i]))
    local last = ranges and tonumber(string.match(ranges, '(%d+) $'))
    if ranges and (not last or not oldest or last < oldest) then redis.call('HDEL', conversation, gone_field(args[i])) end
  end
  return 1
end

-- Forgets when users left. KEYS: as for unregistering_users       ARGV: token, name, ...       Returns 1.
local function forget_left(keys, args)
  local meta, log, unregistered, unregistering = unpack(keys)
  expect('stream', log)
  expect('hash', unregistered)
  expect('zset', unregistering)
  local bucket = open(meta, 'to write')
  require_leader(bucket, table.remove(args, 1))
  redis.call('HDEL', unregistered, unpack(args))
  redis.call('ZREM', unregistering, unpack(args))
  return 1
end

-- Ends the clearing of a user who had left some time before it began: the name is free.
-- KEYS: meta, log, unregistered, unregistering       ARGV: token, name, when the user left, when this clearing began
-- Returns 1, or 0: it began too early.
local function end_clearing(keys, args)
  local meta, log, unregistered, unregistering = unpack(keys)
  local token, name, at, begun = args[1], args[2], tonumber(args[3]), tonumber(args[4])
  expect('stream', log)
  expect('zset', unregistering)
  local left_at, clearing = unregistered_at(unregistered, name)
  local bucket = open(meta, 'to write')
  require_leader(bucket, token)
  if not clearing or left_at ~= at or begun - at < leases_ms(bucket, SETTLED_AFTER) then return 0 end
  redis.call('HSET', unregistered, name, string.format('%.0f', at))
  redis.call('ZADD', unregistering, at, name)
  return 1
end

register('unregister', announcing(unregister), 'allow-oom')
register('unregistering_users', announcing(unregistering_users), 'allow-oom')
register('forget_gone', announcing(forget_gone), 'allow-oom')
register('forget_left', announcing(forget_left), 'allow-oom')
register('end_clearing', announcing(end_clearing), 'allow-oom')
end

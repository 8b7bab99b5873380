-- Leaving for good: a user is removed in one step, and nobody gets the name until what is kept of the user in all buckets is
-- cleared. The gateway clears it at once; the leader does what that gateway did not, and once more after a while, for what
-- was still on its way: then the name is free.
--
-- unregistering (zset): for the leader, name -> when its user left for good, with CLEARING added while it is being cleared

do -- Lua has room for 200 locals outside of blocks

local CLEARING = 2 ^ 42

-- In leases of nodes. So long after the user has left, the one who asked for it may clear: a late copy of a call must not meet
-- the next user.
local CLEARED_WITHIN = 2
-- Nothing in the user's name is still on its way then: its sessions were closed, or the lease of their node has ended.
local SETTLED_AFTER = 3
-- If no node has beaten yet.
local USUAL_LEASE_MS = 10 * 1000

local function leases_ms(bucket, count)
  local lease = with_leases(bucket).lease
  return count * (lease > 0 and lease or USUAL_LEASE_MS)
end

-- Of an account, only when tokens were revoked stays: they may be good for ever otherwise.
local function clear_account(account, now, revokes)
  local revoked = redis.call('HGET', account, 'revoked')
  redis.call('DEL', account)
  if revokes then revoked = string.format('%.0f', now) end
  if revoked then redis.call('HSET', account, 'revoked', revoked) end
end

-- Removes a user: status, key, account. Signs out all its devices, and has them closed.
-- KEYS: those of users, owners, unregistered, account, unregistering
-- ARGV: name, session ('': the operator asks), version of the account ('': any), since, 1 if the messages go as well,
--   1 if tokens that were issued until now are worth nothing
-- Returns { 'done', when, since, erases } (also if it was done before, and clearing goes on), { 'gone' } (the session does
--   not hold the name), { 'changed' } (the account has another version) or { 'nothing' } (the operator's: no such user).
local function unregister(keys, args)
  local unregistered, account, unregistering = keys[10], keys[11], keys[12]
  local name, session, version, since, erases, revokes = unpack(args, 1, 6)
  local bucket = open_users(keys)
  expect('hash', bucket.owners, account)
  expect('zset', unregistering)
  local user, is_damaged = read_user(bucket, name)
  local at, clearing = unregistered_at(unregistered, name)
  since, erases = tonumber(since), tonumber(erases)
  -- only a gateway of 0.2 lets somebody hold the name meanwhile
  local is_asked_again = clearing and not user
  if is_asked_again then
    since, erases = math.min(clearing.since, since), math.max(clearing.erases, erases)
  else
    if session ~= '' and not holder_of(user, session) then return { 'gone' } end
    if session == '' and not user and not is_damaged then
      local is_known = redis.call('HEXISTS', bucket.owners, name) + redis.call('HEXISTS', account, 'version') > 0
      if not is_known then return { 'nothing' } end
    end
    if version ~= '' and redis.call('HGET', account, 'version') ~= version then return { 'changed' } end
    at = bucket.now
  end
  redis.call('HSET', unregistered, name, string.format('%.0f %.0f %d', at, since, erases))
  if not is_asked_again then
    redis.call('ZADD', unregistering, at + CLEARING, name)
    clear_account(account, at, revokes == '1')
    redis.call('HDEL', bucket.owners, name)
    if user and user.status ~= DISCONNECTED then change_status(bucket, name, user, DISCONNECTED, 'asked') end
    redis.call('HDEL', bucket.users, name)
    for _, places in ipairs({ bucket.left, bucket.online, bucket.active }) do redis.call('ZREM', places, name) end
    announce_revoked(bucket, bucket.log, name, 'name', string.format('%.0f', at))
  end
  return { 'done', at, since, erases }
end

-- Users who have left for good and of whom not all is cleared yet. Forgets when users left of whom no message can be kept.
-- KEYS: meta, log, unregistered, unregistering       ARGV: token, limit, ms kept
-- Returns { name, when, since, erases, ... }.
local function unregistering_users(keys, args)
  local meta, log, unregistered, unregistering = unpack(keys)
  local token, limit, keep_ms = args[1], tonumber(args[2]), tonumber(args[3])
  expect('stream', log)
  expect('hash', unregistered)
  local names = redis.call('ZRANGE', unregistering, CLEARING, 'inf', 'BYSCORE', 'LIMIT', 0, limit)
  local bucket = open(meta, 'to write')
  local oldest = string.format('%.0f', bucket.now - keep_ms - DAY_MS)
  local past = redis.call('ZRANGE', unregistering, 0, oldest, 'BYSCORE', 'LIMIT', 0, limit)
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
  if past[1] then
    redis.call('HDEL', unregistered, unpack(past))
    redis.call('ZREM', unregistering, unpack(past))
  end
  return found
end

-- What a user wrote in a conversation is nobody's from now on. Nobody else has had the name since, so that is all of that time.
local function leave_messages(conversation, history, name, since)
  local kept = redis.call('HMGET', conversation, 'seq', wrote_field(name))
  if not number_in(kept[1]) or not kept[2] then return end
  local first = first_shown(history, since)
  -- what was removed of that time may be before the first message that is still there
  local last_of_others = redis.call('XREVRANGE', history, first and string.format('(%.0f-0', first) or '+', '-', 'COUNT', 1)[1]
  local from = last_of_others and tonumber(string.match(last_of_others[1], '^%d+')) + 1 or 1
  if from <= tonumber(kept[1]) then make_nobodys(conversation, name, from, tonumber(kept[1])) end
  redis.call('HDEL', conversation, wrote_field(name))
end

-- Clears what is kept of a user who has left, in some conversations of a bucket: the user's messages are nobody's then; its
-- notes to itself go. The conversations leave its inbox, and its marks go.
-- KEYS: meta, log, inbox, marks, then conversation and history of each
-- ARGV: token ('': of who has asked for it, soon after that), when the user left, name, since, then of each conversation the
--   other user, or '~'
-- Error LATE.
local function clear_user(keys, args)
  local meta, log, inbox, marks = unpack(keys, 1, 4)
  local token, at, name, since = args[1], tonumber(args[2]), args[3], tonumber(args[4])
  expect('stream', log)
  local bucket = open(meta, 'to write')
  if token ~= '' then
    require_leader(bucket, token)
  elseif bucket.now - at > leases_ms(bucket, CLEARED_WITHIN) then
    error({ err = 'LATE the user left ' .. (bucket.now - at) .. ' ms ago' })
  end
  for i = 5, #args do
    local other, conversation, history = args[i], keys[2 * i - 5], keys[2 * i - 4]
    -- what is damaged hurts its own conversation only
    pcall(function()
      if other == name then redis.call('DEL', conversation, history)
      else leave_messages(conversation, history, name, since) end
    end)
    -- an inbox of another type is damaged
    if type(redis.pcall('ZREM', inbox, other)) == 'table' then redis.call('DEL', inbox) end
  end
  redis.call('DEL', marks)
  return 1
end

-- Ends the clearing of a user who left some time ago: the name is free.
-- KEYS: meta, log, unregistered, unregistering       ARGV: token, name, when the user left       Returns 1, or 0: it is too early.
local function end_clearing(keys, args)
  local meta, log, unregistered, unregistering = unpack(keys)
  local token, name, at = args[1], args[2], tonumber(args[3])
  expect('stream', log)
  expect('zset', unregistering)
  local left_at, clearing = unregistered_at(unregistered, name)
  local bucket = open(meta, 'to write')
  require_leader(bucket, token)
  if not clearing or left_at ~= at or bucket.now - at < leases_ms(bucket, SETTLED_AFTER) then return 0 end
  redis.call('HSET', unregistered, name, string.format('%.0f', at))
  redis.call('ZADD', unregistering, at, name)
  return 1
end

-- What is kept of a user besides messages.       KEYS: users, owners, account       ARGV: name
-- Returns status, since, since when the name is the owner's, when the account was made, role, until when tokens are revoked;
-- each as text, or false.
local function kept_of_user(keys, args)
  local user, owner = read_user({ users = keys[1] }, args[1]), read_owner(keys[2], args[1])
  local account = redis.call('HMGET', keys[3], 'created', 'role', 'revoked')
  return {
    user and tostring(user.status), user and user.since, owner and string.format('%.0f', owner.since),
    account[1], account[2], account[3],
  }
end

-- What one author wrote in a conversation behind a number, oldest first, and is not nobody's.
-- KEYS: conversation, history       ARGV: author, number, ms kept, since, most messages looked at, most bytes of texts
-- Returns { the number up to which it has looked or -1 if there is nothing more, record, ... }.
local function written_by(keys, args)
  local conversation, history = unpack(keys)
  local author, seq, most, most_bytes = args[1], tonumber(args[2]), tonumber(args[5]), tonumber(args[6])
  local has_written = redis.call('HEXISTS', conversation, wrote_field(author)) == 1
  local floor = has_written and first_shown(history, oldest_shown(args[3], args[4]))
  if not floor then return { -1 } end
  local neutral = neutral_in(conversation) or function(record) return record end
  local found, looked, size = { -1 }, 0, 0
  local first = string.format('%.0f-0', math.max(seq + 1, floor))
  while true do
    local entries = redis.call('XRANGE', history, first, '+', 'COUNT', READ_AT_ONCE)
    for _, entry in ipairs(entries) do
      local record = record_of(entry)
      local mid_end = 19 + (string.byte(record, 19) or 0)
      local written = record ~= '' and struct.unpack('Bc0', record, mid_end + 1)
      if written == author and neutral(record) == record then
        found[#found + 1] = record
        size = size + #record
      end
    end
    if #entries < READ_AT_ONCE then return found end
    looked = looked + #entries
    first = '(' .. entries[#entries][1]
    if looked >= most or size >= most_bytes then
      found[1] = tonumber(string.match(entries[#entries][1], '^%d+'))
      return found
    end
  end
end

register('unregister', announcing(unregister), 'allow-oom')
register('unregistering_users', announcing(unregistering_users), 'allow-oom')
register('clear_user', announcing(clear_user), 'allow-oom')
register('end_clearing', announcing(end_clearing), 'allow-oom')
register('kept_of_user', kept_of_user, 'no-writes')
register('written_by', written_by, 'no-writes')
end

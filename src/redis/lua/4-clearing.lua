-- Clearing: what is kept of a user who has left for good goes from one bucket after the other (4-unregister.lua).

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

-- The fence of clearing: fails unless the leader asks, or who asked for it asks soon after that.
local function require_clearing(bucket, token, at)
  if token ~= '' then return require_leader(bucket, token) end
  if bucket.now - at <= leases_ms(bucket, CLEARED_WITHIN) then return end
  error({ err = 'LATE the user left ' .. (bucket.now - at) .. ' ms ago' })
end

do -- Lua has room for 200 locals outside of blocks

-- Between which numbers a user may have written in a conversation; nil: it has not. Nobody else has had the name since.
local function numbers_of(conversation, history, name, since)
  local kept = redis.call('HMGET', conversation, 'seq', wrote_field(name))
  local head = number_in(kept[1])
  if not head or not kept[2] then return nil end
  local first = first_shown(history, since)
  -- what was removed of that time may be before the first message that is still there
  local before = first and string.format('(%.0f-0', first) or '+'
  local last_of_others = redis.call('XREVRANGE', history, before, '-', 'COUNT', 1)[1]
  local from = last_of_others and tonumber(string.match(last_of_others[1], '^%d+')) + 1 or 1
  if from <= head then return from, head end
end

-- What a user wrote in a conversation is nobody's from now on; and it is a conversation without its blocks (4-blocks.lua).
local function leave_messages(conversation, history, name, other, since, keep_ms)
  local from, head = numbers_of(conversation, history, name, since)
  if from then make_nobodys(conversation, name, from, head) end
  redis.call('HDEL', conversation, wrote_field(name))
  if redis.call('HDEL', conversation, 'blocks:' .. name) == 1 and redis.call('HEXISTS', conversation, 'blocks:' .. other) == 0 then
    redis.call('PEXPIRE', conversation, keep_ms + DAY_MS)
  end
end

-- Of a conversation, so many messages are looked at in a call, of so many bytes; and so many are erased.
local LOOKED_AT_ONCE, LOOKED_AT_BYTES, ERASED_AT_ONCE = 1000, 2 ^ 20, 200

-- The messages of a user behind a number, as far as one call goes: their ids, and number and tombstone of each. And the number
-- up to which was looked, or -1: to the end.
local function erasable(history, name, after)
  local ids, tombs, first, size = {}, {}, string.format('(%.0f-0', after), 0
  for _ = 1, LOOKED_AT_ONCE / READ_AT_ONCE do
    local entries = redis.call('XRANGE', history, first, '+', 'COUNT', READ_AT_ONCE)
    for _, entry in ipairs(entries) do
      local record = record_of(entry)
      size = size + #record
      local text = record ~= '' and text_at(record)
      if text and text <= #record and author_in(record) == name then
        ids[#ids + 1] = entry[1]
        tombs[#tombs + 1] = tonumber(string.match(entry[1], '^%d+'))
        tombs[#tombs + 1] = struct.pack('>I6', 0) .. by_nobody(string.sub(record, 1, text - 1))
      end
    end
    if #entries < READ_AT_ONCE then return ids, tombs, -1 end
    first = '(' .. entries[#entries][1]
    if #ids >= ERASED_AT_ONCE or size >= LOOKED_AT_BYTES then break end
  end
  return ids, tombs, tonumber(string.match(first, '%d+'))
end

-- Erases what a user who has left wrote in a conversation, so that it is like a message that was removed, though nothing says
-- so. What removed another message stays, by nobody. Before the conversation leaves the user's inbox: clear_user.
-- KEYS: meta, log, conversation, history, removed
-- ARGV: token ('': as for clear_user), when the user left, name, since, number behind which to begin, ms kept
-- Returns the number up to which it is done, or -1: all is. Errors LATE, and MIXED while a gateway of another release is there,
-- which could not read what is left.
local function erase_messages(keys, args)
  local meta, log, conversation, history, removed = unpack(keys)
  local token, at, name, since = args[1], tonumber(args[2]), args[3], tonumber(args[4])
  local after, keep_ms = tonumber(args[5]), tonumber(args[6])
  expect('stream', log)
  expect('zset', removed)
  local bucket = open(meta, 'to write', 'mixed', 'beat', 'beat_ids')
  local from, head = numbers_of(conversation, history, name, since)
  local ids, tombs, done = {}, {}, -1
  if from then ids, tombs, done = erasable(history, name, math.max(from - 1, after)) end
  if ids[1] and has_other_release(bucket) then error({ err = 'MIXED a gateway of another release is there' }) end
  require_clearing(bucket, token, at)
  if not from then return -1 end
  redis.call('XDEL', history, '0-1') -- fails if the user has no right to it, before anything is written
  make_nobodys(conversation, name, from, head)
  if ids[1] then
    redis.call('XDEL', history, unpack(ids))
    redis.call('ZADD', removed, unpack(tombs))
    tidy_tombstones(conversation, history, removed, tombs[#tombs - 1], keep_ms)
  end
  return done
end

-- Clears what is kept of a user who has left, in some conversations of a bucket: the user's messages are nobody's then; its
-- notes to itself go. The conversations leave its inbox, and its marks go.
-- KEYS: meta, log, inbox, marks, then conversation, history and removed of each
-- ARGV: token ('': of who has asked for it, soon after that), when the user left, name, since, ms kept, then of each conversation
--   the other user, or '~'
-- Error LATE.
local function clear_user(keys, args)
  local meta, log, inbox, marks = unpack(keys, 1, 4)
  local token, at, name, since, keep_ms = args[1], tonumber(args[2]), args[3], tonumber(args[4]), tonumber(args[5])
  expect('stream', log)
  local bucket = open(meta, 'to write')
  require_clearing(bucket, token, at)
  for i = 6, #args do
    local other, conversation, history, removed = args[i], unpack(keys, 3 * i - 13, 3 * i - 11)
    -- what is damaged hurts its own conversation only
    pcall(function()
      if other == name then redis.call('DEL', conversation, history, removed)
      else leave_messages(conversation, history, name, other, since, keep_ms) end
    end)
    -- an inbox of another type is damaged
    if type(redis.pcall('ZREM', inbox, other)) == 'table' then redis.call('DEL', inbox) end
  end
  redis.call('DEL', marks)
  return 1
end

-- Clears whom a user who has left had blocked, behind the hints of it (4-blocks.lua).
-- KEYS: meta, log, account       ARGV: token ('': as for clear_user), when the user left       Returns 1. Error LATE.
local function clear_blocks(keys, args)
  local meta, log, account = unpack(keys)
  expect('stream', log)
  expect('hash', account)
  local bucket = open(meta, 'to write')
  require_clearing(bucket, args[1], tonumber(args[2]))
  for _, field in ipairs(redis.call('HKEYS', account)) do
    if string.sub(field, 1, 6) == 'block:' then redis.call('HDEL', account, field) end
  end
  return 1
end

register('clear_blocks', announcing(clear_blocks), 'allow-oom')
register('clear_user', announcing(clear_user), 'allow-oom')
register('erase_messages', announcing(erase_messages), 'allow-oom')
end

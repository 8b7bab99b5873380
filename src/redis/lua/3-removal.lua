-- Removal: a message that removes another one of its conversation. What it removes is gone from the history in the same
-- step; a tombstone is left of it (3-history.lua).

local REMOVED, NO_MESSAGE, NOT_ALLOWED, OTHER_RELEASE = 0, 1, 2, 3
-- A gateway of another release that has not beaten for so long is gone.
local RELEASE_GONE_MS = 10 * 1000
-- Of tombstones before the first message that is kept, so many are dropped each time. So are those of a message that had
-- some already: one, unless they are damaged.
local DROPPED_AT_ONCE = 64

-- Whether a gateway of another release may be there. The bucket was opened with mixed, beat and beat_ids.
local function has_other_release(bucket)
  local more = bucket.more
  local mixed = number_in(more.mixed)
  return more.beat ~= more.beat_ids or (mixed and bucket.now - mixed < RELEASE_GONE_MS)
end

-- Notes that there is a tombstone of this number, and drops those that nobody is shown any more.
local function tidy_tombstones(conversation, history, removed, seq, keep_ms)
  local kept = redis.call('HMGET', conversation, 'seq', 'buried')
  local head, buried = number_in(kept[1]) or seq, number_in(kept[2]) or 0
  if seq > buried then redis.call('HSET', conversation, 'buried', string.format(whole, seq)) end
  local floor = floor_of(history, removed, math.max(seq, buried), 0, head)
  local last = string.format('(%.0f', math.min(floor, seq))
  local old = redis.call('ZRANGE', removed, '-inf', last, 'BYSCORE', 'LIMIT', 0, DROPPED_AT_ONCE)
  if old[1] then redis.call('ZREM', removed, unpack(old)) end
  -- whatever is before a message that is too old, is too old. A gateway that keeps for longer may have renewed the history,
  -- which must not outlive what is known of its holes
  redis.call('PEXPIRE', removed, keep_ms + 4 * RENEWED_EACH_MS)
  redis.call('PEXPIRE', history, keep_ms + 4 * RENEWED_EACH_MS, 'LT')
end

-- Puts a tombstone in the place of a message.
-- `removal`: the number of what removes it, or 0
local function bury(conversation, history, removed, seq, record, removal, keep_ms)
  local tombstone = struct.pack('>I6', removal) .. string.sub(record, 1, text_at(record) - 1)
  redis.call('XDEL', history, string.format('%.0f-0', seq))
  local former = redis.call('ZRANGE', removed, seq, seq, 'BYSCORE', 'LIMIT', 0, DROPPED_AT_ONCE)
  if former[1] then redis.call('ZREM', removed, unpack(former)) end
  redis.call('ZADD', removed, seq, tombstone)
  tidy_tombstones(conversation, history, removed, seq, keep_ms)
end

-- The record of a message or, without its text, of one that was removed; and then the number of what removed it.
local function record_or_tombstone(history, removed, seq)
  local id = string.format('%.0f-0', seq)
  local entry = redis.call('XRANGE', history, id, id)[1]
  if entry then return record_of(entry) end
  local tombstone = redis.call('ZRANGE', removed, seq, seq, 'BYSCORE')[1]
  if not tombstone or #tombstone < 27 then return '' end
  return string.sub(tombstone, 7), (struct.unpack('>I6', tombstone))
end

-- The author in a record, or nil if it is damaged.
local function author_in(record)
  local is_whole, _, author = pcall(struct.unpack, 'Bc0Bc0Bc0', record, 19)
  return is_whole and author or nil
end

-- Why this user may not remove this message, or nil.
-- `since`: the name has been the user's; it may remove what it wrote from then on, and sees private messages from then on
local function why_not_removed(record, user, is_private, may_all, shown_from, since)
  if record == '' then return NO_MESSAGE end
  local time, author = struct.unpack('>I6', record), author_in(record)
  if not author or time < shown_from or (is_private and time < since) then return NO_MESSAGE end
  if may_all then return nil end
  if author ~= user or time < since then return NOT_ALLOWED end
end

-- Removes a message, and announces that. Whoever removes it has read that it did so, if it has read all before. A message
-- that was removed already stays so.
-- KEYS: meta, log, nodes, removed, marks of who removes it, conversation, history; if it is private, inbox and marks of who
--   removes it, and of the other user
-- ARGV: incarnation ('': an operator does it by a command, and is no member), messages kept, ms kept, least replicas, user
--   who removes it ('': an operator, in the name of who wrote it), the other user or '', number, since when the name has
--   been the user's (0: for ever), '1' if it may remove what others wrote or ''
-- Returns { connected replicas, 0, number of the message that removes it, its author, who removes it (now, or before; '':
--   not known any more) } | { …, 1 } (there is no such message) | { …, 2 } (the user may not) | { …, 3 } (a gateway of
--   another release is there, which could not read what is left).
local function remove(keys, args)
  local meta, log, nodes, removed, marks, conversation, history = unpack(keys)
  local incarnation, keep, keep_ms, least_replicas = args[1], args[2], tonumber(args[3]), tonumber(args[4])
  local user, to, seq, since, may_all = args[5], args[6], tonumber(args[7]), tonumber(args[8]), args[9] == '1'
  expect('stream', log)
  expect('zset', removed)
  local bucket = open(meta, 'to write', 'mixed', 'beat', 'beat_ids')
  local replicas, more = bucket.replicas, bucket.more
  if incarnation ~= '' then require_member(bucket, nodes, incarnation) end
  local record, removal = record_or_tombstone(history, removed, seq)
  local neutral = neutral_in(conversation)
  if neutral then record = neutral(record) end
  local why = why_not_removed(record, user, to ~= '', may_all, oldest_shown(keep_ms, 0), since)
  if why then return { replicas, why } end
  local author = author_in(record)
  if removal then
    if removal == 0 then return { replicas, NO_MESSAGE } end
    -- so that WAIT covers it
    if least_replicas > 0 then redis.call('HSET', conversation, 'seq', redis.call('HGET', conversation, 'seq')) end
    return { replicas, REMOVED, removal, author, author_in(record_or_tombstone(history, removed, removal)) or '' }
  end
  if text_at(record) > #record then return { replicas, NOT_ALLOWED } end
  if has_other_release(bucket) then return { replicas, OTHER_RELEASE } end
  if replicas < least_replicas then error({ err = 'NOREPLICAS the primary has ' .. replicas .. ' replicas' }) end
  redis.call('XDEL', history, '0-1') -- fails if the user has no right to it, before anything is written
  local found = open_conversation(bucket, keys, 6, true, false, user, to)
  if found.err then error(found) end
  found.removed = removed
  local is_operator = user == ''
  if is_operator then user = author end
  local wrote = number_in(redis.call('HGET', conversation, wrote_field(user))) or 0
  local mark = number_in(redis.call('HGET', marks, to == '' and '~' or to)) or 0
  local mid = string.format('!%.0f', seq)
  local stored, entry = store(bucket, found, keep, struct.pack('Bc0Bc0Bc0', #mid, mid, #user, user, #to, to))
  if not stored then error({ err = entry }) end
  if not is_operator and math.max(wrote, mark) >= found.was then has_written(found, user)
  elseif wrote == 0 then redis.call('HSET', conversation, wrote_field(user), 0) end -- so that it is found to have acted here
  local _, events, refused_by_log = log_messages(bucket, log, { entry }, more.mixed ~= false)
  bury(conversation, history, removed, seq, record, stored, keep_ms)
  close_conversation(bucket, found, keep_ms, more.mixed ~= false, 1)
  keep_position(bucket)
  -- it is in the history all the same, and nobody hears of it
  if refused_by_log then error({ err = refused_by_log }) end
  for _, event in ipairs(events) do redis.call('PUBLISH', log, event) end
  return { replicas, REMOVED, stored, author, user }
end

-- Reading: the conversations of a user, their messages, and how far they were read.

-- The oldest time of a message that is shown: not too old, and not from before the reader's time (0: all that is kept).
local function oldest_shown(keep_ms, since)
  return math.max(now_ms() - tonumber(keep_ms), tonumber(since))
end

do -- Lua has room for 200 locals outside of blocks

-- Of a history, so many messages are passed over that say nothing, and no more: far more than whoever writes and removes
-- them can write in a moment, and more than are kept by default.
local MOST_SILENT = 4096

-- The newest messages that are not too old. Those that were removed are not among them, nor what removed them.
-- KEYS: conversation, history       ARGV: limit, ms kept, since, most bytes of texts, most bytes of a text: what is longer is cut
-- Returns records, newest first; '' for a damaged one.
local function history(keys, args)
  local neutral = neutral_in(keys[1])
  local oldest, most_of_text, silent = oldest_shown(args[2], args[3]), tonumber(args[5]), 0
  return (records_from('XREVRANGE', keys[2], '+', '-', tonumber(args[1]), tonumber(args[4]), function(entry)
    local raw = entry[2][2]
    local at = text_at(raw)
    if at > #raw and #raw >= 21 then
      silent = silent + 1
      if silent > MOST_SILENT then return nil end
      return false
    end
    local record = record_of(entry)
    if record == '' then return record end
    if struct.unpack('>I6', record) < oldest then return nil end
    local cut = string.sub(record, 1, at + most_of_text - 1)
    return neutral and neutral(cut) or cut
  end))
end

-- Epoch, head and floor of a conversation (0, 0 and 1 before its first message), and the number of the last
-- message that the user wrote there, or 0. `oldest`: the time of the oldest message that is shown.
local function extent(conversation, history, removed, oldest, user)
  local last = redis.call('HMGET', conversation, 'seq', 'epoch', wrote_field(user), 'buried')
  local head = written_number(last[1], 'conversation') or 0
  local floor = floor_of(history, removed, number_in(last[4]), oldest, head)
  return number_in(last[2]) or 0, head, floor, number_in(last[3]) or 0
end

-- When the newest message was written; 0 if none is kept, or it is from before the reader's time.
local function last_time(history, since)
  local _, time = newest_of(history)
  return time and time >= tonumber(since) and time or 0
end

local NO_MARK, FORMER_MARK = 0, -1

-- How far a user has read the general chat, from whose time on marks count (0: all do).
local function general_mark(marks, general, since)
  local kept = redis.call('HMGET', marks, general, MARKED_AT)
  local mark = number_in(kept[1])
  if not mark then return NO_MARK end
  return since > 0 and (number_in(kept[2]) or 0) < since and FORMER_MARK or mark
end

-- A user's conversations in one bucket, the latest first, and how far the user has read each: { other user, number, ... }.
-- They begin with `general`, unless that is empty.
local function conversations_of(inbox, marks, general, since)
  local found = {}
  local function add(other, mark)
    table.insert(found, other)
    table.insert(found, mark or number_in(redis.call('HGET', marks, other)) or NO_MARK)
  end
  if general ~= '' then add(general, general_mark(marks, general, since)) end
  for _, other in ipairs(redis.call('ZRANGE', inbox, 0, INBOX_KEPT - 1, 'REV')) do add(other) end
  return found
end

-- The conversations of some users in one bucket.
-- KEYS: inbox, marks, inbox, marks ... of each user       ARGV: '~' to begin with the general chat, and since when each user
--   has the name (0: all marks count); or ''
-- Returns for each user { '~' or the other user, number, ... }, or the error that a key of that user gives. In the general
--   chat the number is -1 if a former owner of the name has left a mark: see `drop_former_mark`.
local function conversations(keys, args)
  local found = {}
  for i = 1, #keys, 2 do
    local is_done, answer = pcall(conversations_of, keys[i], keys[i + 1], args[1], tonumber(args[(i + 3) / 2]))
    table.insert(found, is_done and answer or { err = type(answer) == 'table' and answer.err or answer })
  end
  return found
end

local DAMAGED_EXTENT = { -2, 0, 1, 0, 0 }

local function extents_of(conversation, history, removed, oldest, since, args)
  local found = {}
  local epoch, head, floor, wrote = extent(conversation, history, removed, oldest, args[3])
  local time = last_time(history, since)
  -- what is trimmed by its age may be from the reader's time
  if floor > head and oldest == since then epoch, head, floor, wrote, time = -1, 0, 0, 0, 0 end
  for j = 3, #args do
    if j > 3 then wrote = number_in(redis.call('HGET', conversation, wrote_field(args[j]))) or 0 end
    for _, number in ipairs({ epoch, head, floor, wrote, time }) do table.insert(found, number) end
  end
  return found
end

-- How far conversations go.
-- KEYS: conversation, history, removed, conversation, history, removed ...       ARGV: ms kept, since, user ...
-- Returns for each conversation and in it for each user { epoch, head, floor, number of the user's own last message,
--   time of the newest message, ... }; of a conversation that ended before `since`, -1, 0, 0, 0, 0; of one that is
--   damaged, -2, 0, 1, 0, 0.
local function extents(keys, args)
  local since, oldest = tonumber(args[2]), oldest_shown(args[1], args[2])
  local found = {}
  for i = 1, #keys, 3 do
    local is_done, numbers = pcall(extents_of, keys[i], keys[i + 1], keys[i + 2], oldest, since, args)
    for j = 3, #args do
      for k = 1, 5 do
        table.insert(found, is_done and numbers[5 * (j - 3) + k] or DAMAGED_EXTENT[k])
      end
    end
  end
  return found
end

-- The first messages after a number, or the last before it; oldest first.
-- KEYS: conversation, history, removed       ARGV: 'after' | 'before', number, limit, ms kept, since, epoch or 0, most bytes
--   of texts
-- Returns { epoch, head, floor, time of the newest, epoch of the message with that number or 0, 1 if there was
--   ever a message of the given epoch (as far as is kept) or 0, record or '' (a damaged one) ... }. Of a message that was
--   removed, the record has no text.
local function page(keys, args)
  local conversation, history, removed = unpack(keys)
  local direction, seq, limit = args[1], tonumber(args[2]), tonumber(args[3])
  local since, of, most_bytes = args[5], tonumber(args[6]), tonumber(args[7])
  local epoch, head, floor = extent(conversation, history, removed, oldest_shown(args[4], since), '')
  local there = seq >= floor and epoch_at(history, removed, seq) or 0
  local is_known = of <= epoch
  if there > 0 and there < of and of < epoch then is_known = has_epoch(history, removed, seq, head, of) end
  local found = { epoch, head, floor, last_time(history, since), there, is_known and 1 or 0 }
  local neutral = neutral_in(conversation) or function(record) return record end
  if direction == 'after' then
    local first = math.max(seq + 1, floor)
    local records = first <= head and messages_from(history, removed, first, head, limit, most_bytes) or {}
    for _, record in ipairs(records) do found[#found + 1] = neutral(record) end
  else
    local last = math.min(seq - 1, head)
    local records = last >= floor and messages_from(history, removed, last, floor, limit, most_bytes) or {}
    for i = #records, 1, -1 do found[#found + 1] = neutral(records[i]) end
  end
  return found
end

-- Moves a user's mark forward, never back, and announces it to the user's devices.
-- KEYS: marks, conversation, history, log, removed       ARGV: user, other user or '~', number, ms kept, since
-- Returns { number, unread }.
local function mark_read(keys, args)
  local marks, conversation, history, log, removed = unpack(keys)
  local user, other, keep_ms, since = args[1], args[2], tonumber(args[4]), tonumber(args[5])
  expect('stream', log)
  local _, head, floor, wrote = extent(conversation, history, removed, oldest_shown(keep_ms, since), user)
  -- how far somebody else has read under this name is not told
  local not_shown = since > 0 and floor - 1 or 0
  local was = math.min(math.max(number_in(redis.call('HGET', marks, other)) or 0, wrote, not_shown), head)
  local read = math.max(was, math.min(tonumber(args[3]), head))
  local unread = head - math.max(read, floor - 1)
  if read > was then
    redis.call('HSET', marks, other, string.format('%.0f', read))
    if other == '~' then redis.call('HSET', marks, MARKED_AT, string.format('%.0f', now_ms())) end
    redis.call('PEXPIRE', marks, keep_ms + DAY_MS)
    redis.call('PUBLISH', log, struct.pack('>BI6I6Bc0Bc0', KIND_READ, read, unread, #user, user, #other, other))
  end
  return { read, unread }
end

-- Drops how far a former owner of a name has read the general chat: it must not be told, and is not the present one's.
-- KEYS: marks       ARGV: '~', since when the present owner has the name       Returns 1 or 0.
local function drop_former_mark(keys, args)
  if general_mark(keys[1], args[1], tonumber(args[2])) ~= FORMER_MARK then return 0 end
  redis.call('HDEL', keys[1], args[1], MARKED_AT)
  return 1
end

register('history', history, 'no-writes')
register('conversations', conversations, 'no-writes')
register('extents', extents, 'no-writes')
register('page', page, 'no-writes')
register('mark_read', mark_read)
register('drop_former_mark', drop_former_mark, 'allow-oom')
end

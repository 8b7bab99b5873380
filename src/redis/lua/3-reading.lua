-- Reading: the conversations of a user, their messages, and how far they were read.

-- Of a history, so many entries are read at a time: each may have many thousand bytes, and most may not be wanted.
local READ_AT_ONCE = 16

-- The oldest time of a message that is shown: not too old, and not from before the reader's time (0: all that is kept).
local function oldest_shown(keep_ms, since)
  return math.max(now_ms() - tonumber(keep_ms), tonumber(since))
end

-- A damaged message has no time: so many behind it are looked at instead.
local LOOKED_AT = 8

-- The number and the time of the first message of a range that is not damaged; or nil, if it is empty. If none of the
-- first ones is sound, the number of the first one, and 0.
local function number_and_time(command, history, first, last)
  local number
  for _, count in ipairs({ 1, LOOKED_AT }) do
    for _, entry in ipairs(redis.call(command, history, first, last, 'COUNT', count)) do
      local time = time_of(entry)
      number = number or tonumber(string.match(entry[1], '^%d+'))
      if time then return tonumber(string.match(entry[1], '^%d+')), time end
    end
    if not number then return nil end
  end
  return number, 0
end

-- Of the first message from an id on, and of the newest one.
local function first_from(history, id)
  return number_and_time('XRANGE', history, id, '+')
end

local function newest_of(history)
  return number_and_time('XREVRANGE', history, '+', '-')
end

-- The number of the oldest message that is shown, or nil. Most often it is the first one that is there. Times of
-- messages never go back: a binary search.
local function first_shown(history, oldest)
  local older, time = first_from(history, '-')
  if not older or time >= oldest then return older end
  local newer, newest = newest_of(history)
  if newest < oldest then return nil end
  while newer - older > 1 do
    local id = string.format('%.0f-0', math.floor((older + newer) / 2))
    local middle, written = first_from(history, id)
    if not middle or middle >= newer then
      newer = math.floor((older + newer) / 2) -- a hole, in damaged data
    elseif written < oldest then
      older = middle
    else
      newer = middle
    end
  end
  return (first_from(history, string.format('%.0f-0', newer)))
end

-- Where the text of a record begins.
local function text_at(record)
  local at = 19
  for _ = 1, 3 do at = at + 1 + (string.byte(record, at) or 0) end
  return at
end

-- Records of a history, next to `first`: at most so many, with at most so many bytes of texts (but one at least).
-- A damaged one is ''.
-- `command`: XRANGE for what follows, XREVRANGE for what was before. `taken` makes of a record what counts and is
-- returned; nil: this one and those behind it are not wanted.
local function records_from(command, history, first, last, most, most_bytes, taken)
  local found, size = {}, 0
  while #found < most do
    local count = math.min(READ_AT_ONCE, most - #found)
    local entries = redis.call(command, history, first, last, 'COUNT', count)
    for _, entry in ipairs(entries) do
      local record = taken(record_of(entry))
      if not record then return found end
      if record ~= '' then size = size + #record - text_at(record) + 1 end
      if size > most_bytes and #found > 0 then return found end
      found[#found + 1] = record
    end
    if #entries < count then return found end
    first = '(' .. entries[count][1]
  end
  return found
end

-- The newest messages that are not too old.
-- KEYS: history       ARGV: limit, ms kept, since, most bytes of texts, most bytes of a text: what is longer is cut
-- Returns records, newest first; '' for a damaged one.
local function history(keys, args)
  local oldest, most_of_text = oldest_shown(args[2], args[3]), tonumber(args[5])
  return records_from('XREVRANGE', keys[1], '+', '-', tonumber(args[1]), tonumber(args[4]), function(record)
    if record == '' then return record end
    if struct.unpack('>I6', record) < oldest then return nil end
    return string.sub(record, 1, text_at(record) + most_of_text - 1)
  end)
end

-- Epoch, head and floor of a conversation (0, 0 and 1 before its first message), and the number of the last
-- message that the user wrote there, or 0. `oldest`: the time of the oldest message that is shown.
local function extent(conversation, history, oldest, user)
  local last = redis.call('HMGET', conversation, 'seq', 'epoch', wrote_field(user))
  local head = written_number(last[1], 'conversation') or 0
  local floor = first_shown(history, oldest) or head + 1
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

local function extents_of(conversation, history, oldest, since, args)
  local found = {}
  local epoch, head, floor, wrote = extent(conversation, history, oldest, args[3])
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
-- KEYS: conversation, history, conversation, history ...       ARGV: ms kept, since, user ...
-- Returns for each conversation and in it for each user { epoch, head, floor, number of the user's own last message,
--   time of the newest message, ... }; of a conversation that ended before `since`, -1, 0, 0, 0, 0; of one that is
--   damaged, -2, 0, 1, 0, 0.
local function extents(keys, args)
  local since, oldest = tonumber(args[2]), oldest_shown(args[1], args[2])
  local found = {}
  for i = 1, #keys, 2 do
    local is_done, numbers = pcall(extents_of, keys[i], keys[i + 1], oldest, since, args)
    for j = 3, #args do
      for k = 1, 5 do
        table.insert(found, is_done and numbers[5 * (j - 3) + k] or DAMAGED_EXTENT[k])
      end
    end
  end
  return found
end

-- The epoch of a message, or nil if it is not kept, or damaged.
local function epoch_at(history, seq)
  local id = string.format('%.0f-0', seq)
  local entry = redis.call('XRANGE', history, id, id)[1]
  local record = entry and record_of(entry) or ''
  if record == '' then return nil end
  return select(2, struct.unpack('>I6I6', record))
end

-- Whether some message behind `older`, up to `newer`, has this epoch. Epochs only rise: a binary search.
local function has_epoch(history, older, newer, epoch)
  while newer - older > 1 do
    local middle = math.floor((older + newer) / 2)
    if (epoch_at(history, middle) or epoch) < epoch then older = middle else newer = middle end
  end
  return epoch_at(history, newer) == epoch
end

-- The first messages after a number, or the last before it; oldest first.
-- KEYS: conversation, history       ARGV: 'after' | 'before', number, limit, ms kept, since, epoch or 0, most bytes of texts
-- Returns { epoch, head, floor, time of the newest, epoch of the message with that number or 0, 1 if there was
--   ever a message of the given epoch (as far as is kept) or 0, record or '' (a damaged one) ... }.
local function page(keys, args)
  local conversation, history = unpack(keys)
  local direction, seq, limit = args[1], tonumber(args[2]), tonumber(args[3])
  local since, of, most_bytes = args[5], tonumber(args[6]), tonumber(args[7])
  local epoch, head, floor = extent(conversation, history, oldest_shown(args[4], since), '')
  local there = seq >= floor and epoch_at(history, seq) or 0
  local is_known = of <= epoch
  if there > 0 and there < of and of < epoch then is_known = has_epoch(history, seq, head, of) end
  local found = { epoch, head, floor, last_time(history, since), there, is_known and 1 or 0 }
  local function whole_record(record) return record end
  if direction == 'after' then
    local first = string.format('%.0f-0', math.max(seq + 1, floor))
    local records = records_from('XRANGE', history, first, string.format('%.0f-0', head), limit, most_bytes, whole_record)
    for _, record in ipairs(records) do found[#found + 1] = record end
  else
    local last = string.format('%.0f-0', math.max(math.min(seq - 1, head), 0))
    local oldest = string.format('%.0f-0', floor)
    local records = records_from('XREVRANGE', history, last, oldest, limit, most_bytes, whole_record)
    for i = #records, 1, -1 do found[#found + 1] = records[i] end
  end
  return found
end

-- Moves a user's mark forward, never back, and announces it to the user's devices.
-- KEYS: marks, conversation, history, log       ARGV: user, other user or '~', number, ms kept, since
-- Returns { number, unread }.
local function mark_read(keys, args)
  local marks, conversation, history, log = unpack(keys)
  local user, other, keep_ms, since = args[1], args[2], tonumber(args[4]), tonumber(args[5])
  expect('stream', log)
  local _, head, floor, wrote = extent(conversation, history, oldest_shown(keep_ms, since), user)
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

-- The history of a conversation: the records of its messages.
--
-- history (stream, id seq-0): 'm' -> record
-- record: time, epoch, seq (48 bits each), then mid, author, to (each behind a length byte; `to` is empty in the
--   general chat), then the text. It is empty in a message that removes another one: its mid is '!' and that one's number
-- conversation (hash): buried, the greatest number of a message that was removed
-- removed (zset): number of a message that was removed -> the number of what removed it (48 bits; 0: nothing did), and
--   the record without its text

-- The record of an entry of a history; '' if it is damaged: too short, or of another number than its id says.
local function record_of(entry)
  local record = entry[2][2]
  if #record < 21 then return '' end
  local seq = select(3, struct.unpack('>I6I6I6', record))
  return entry[1] == string.format('%.0f-0', seq) and record or ''
end

-- The time of an entry of a history, or nil if it is damaged.
local function time_of(entry)
  local record = record_of(entry)
  if record ~= '' then return (struct.unpack('>I6', record)) end
end

-- Whether the message with this number and epoch is kept, and has another text, or is another one altogether.
-- `tail`: a record from mid on
local function is_another(history, seq, epoch, tail)
  local id = string.format('%.0f-0', seq)
  local entry = redis.pcall('XRANGE', history, id, id)[1]
  local record = entry and record_of(entry) or ''
  if record == '' or select(2, struct.unpack('>I6I6', record)) ~= epoch then return false end
  return string.sub(record, 19) ~= tail
end

-- Drops messages that are too old, at most 64 in a call, and damaged ones before them. Reading leaves out what is too old
-- anyway. Never fails: messages of this call are stored already, and not announced yet.
local function trim_by_age(history, oldest_kept)
  local oldest = redis.call('XRANGE', history, '-', '+', 'COUNT', 1)[1]
  if not oldest or (time_of(oldest) or 0) >= oldest_kept then return end
  local last_id
  for _, entry in ipairs(redis.call('XRANGE', history, '-', '+', 'COUNT', 64)) do
    if (time_of(entry) or 0) >= oldest_kept then break end
    last_id = entry[1]
  end
  local seq = tonumber(string.match(last_id, '^(%d+)'))
  redis.pcall('XTRIM', history, 'MINID', string.format('%.0f-0', seq + 1))
end

-- Where the text of a record begins.
local function text_at(record)
  local byte = string.byte
  local author_at = 20 + (byte(record, 19) or 0)
  local to_at = author_at + 1 + (byte(record, author_at) or 0)
  return to_at + 1 + (byte(record, to_at) or 0)
end

-- What is left of the messages that were removed, from one number to another: by their numbers, records without texts.
local function tombstones(removed, first, last)
  local kept = redis.pcall('ZRANGE', removed, first, last, 'BYSCORE')
  local found = {}
  if kept.err then return found end
  for _, tombstone in ipairs(kept) do
    local record = string.sub(tombstone, 7)
    if #record >= 21 then found[select(3, struct.unpack('>I6I6I6', record))] = record end
  end
  return found
end

-- Of a history, so many entries are read at a time: each may have many thousand bytes, and most may not be wanted.
local READ_AT_ONCE = 16

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
      newer = math.floor((older + newer) / 2) -- a message was removed, or data was lost
    elseif written < oldest then
      older = middle
    else
      newer = middle
    end
  end
  return (first_from(history, string.format('%.0f-0', newer)))
end

-- Of removed messages, directly before the first one in the history, so many are shown.
local MOST_FIRST_REMOVED = 100

-- The number of the oldest message that is shown, removed ones among them; head + 1 if none is.
local function floor_of(history, removed, buried, oldest, head)
  local floor = first_shown(history, oldest) or head + 1
  if not buried or buried < floor - 1 then return floor end
  local known = tombstones(removed, floor - MOST_FIRST_REMOVED, floor - 1)
  while known[floor - 1] and struct.unpack('>I6', known[floor - 1]) >= oldest do floor = floor - 1 end
  return floor
end

-- The epoch of a message, or nil if it is not kept, or damaged.
local function epoch_at(history, removed, seq)
  local id = string.format('%.0f-0', seq)
  local entry = redis.call('XRANGE', history, id, id)[1]
  local record
  if entry then record = record_of(entry) else record = tombstones(removed, seq, seq)[seq] end
  if not record or record == '' then return nil end
  return select(2, struct.unpack('>I6I6', record))
end

-- Whether some message behind `older`, up to `newer`, has this epoch. Epochs only rise: a binary search.
local function has_epoch(history, removed, older, newer, epoch)
  while newer - older > 1 do
    local middle = math.floor((older + newer) / 2)
    if (epoch_at(history, removed, middle) or epoch) < epoch then older = middle else newer = middle end
  end
  return epoch_at(history, removed, newer) == epoch
end

-- Records of a history, next to `first`: at most so many, with at most so many bytes of texts (but one at least).
-- A damaged one is ''.
-- `command`: XRANGE for what follows, XREVRANGE for what was before. `taken` makes of an entry what counts and is
-- returned; false: this one is not wanted; nil: nor are those behind it. `before`, if there is one, is called with the number
-- of each entry and what was found, before it is taken; true: there is no room for it.
local function records_from(command, history, first, last, most, most_bytes, taken, before)
  local found, size = {}, 0
  while #found < most do
    local count = math.min(READ_AT_ONCE, most - #found)
    local entries = redis.call(command, history, first, last, 'COUNT', count)
    for _, entry in ipairs(entries) do
      if before and before(tonumber(string.match(entry[1], '^%d+')), found) then return found end
      local record = taken(entry)
      if record == nil then return found end
      if record then
        if record ~= '' then size = size + #record - text_at(record) + 1 end
        if size > most_bytes and #found > 0 then return found end
        found[#found + 1] = record
      end
    end
    if #entries < count then return found, true end
    first = '(' .. entries[count][1]
  end
  return found
end

-- Puts tombstones in the place of the numbers that a history does not have, from `first` up to `last`, or down to it. What
-- is not known, because data was lost, is like a damaged message: '' for all numbers in a row, if something is before them.
local function fill(found, removed, first, last, most)
  local step = first <= last and 1 or -1
  -- no more than there is room for
  if step * (last - first) >= most - #found then last = first + step * (most - #found - 1) end
  local known = tombstones(removed, math.min(first, last), math.max(first, last))
  for seq = first, last, step do
    local record = known[seq]
    if record then
      found[#found + 1] = record
    elseif #found > 0 and found[#found] ~= '' then
      found[#found + 1] = ''
    end
    if #found == most then return end
  end
end

-- The messages from one number on, up or down to another one: at most so many, with at most so many bytes of texts.
local function messages_from(history, removed, first, last, most, most_bytes)
  local step = first <= last and 1 or -1
  local next_one = first
  local function id_of(seq) return string.format('%.0f-0', seq) end
  local command = step == 1 and 'XRANGE' or 'XREVRANGE'
  local found, is_all = records_from(command, history, id_of(first), id_of(last), most, most_bytes, record_of,
    function(seq, some)
      if step * (seq - next_one) > 0 then fill(some, removed, next_one, seq - step, most) end
      next_one = seq + step
      return #some >= most
    end)
  if is_all and #found < most and step * (last - next_one) >= 0 then fill(found, removed, next_one, last, most) end
  return found
end

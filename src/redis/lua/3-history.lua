-- The history of a conversation: the records of its messages.
--
-- history (stream, id seq-0): 'm' -> record
-- record: time, epoch, seq (48 bits each), then mid, author, to (each behind a length byte; `to` is empty in the
--   general chat), then the text

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

-- Ids of messages that a client may send again, so that each is stored once.
--
-- ids:0, ids:1 (hashes): id (14 bytes) -> the first answer: seq (40 bits), epoch (48 bits), time (its last 24 bits). The
--   present one takes new ids; when it is 15 minutes old, the other one is emptied, and takes its place. So an id is
--   known for 15 to 30 minutes. With one byte more, an id or an answer would take 8 to 16 bytes more of memory.
-- sent (string): "seq epoch time", an answer as releases before 0.3 keep it, one key for each message. Such a release
--   looks nowhere else. While one serves beside this one, and for as long after that as its ids are kept, answers are
--   written and looked for there as well (mixed mode). To go with 0.4.

local IDS_KEPT_MS = 15 * 60 * 1000
-- For longer than such a release keeps an id: it may not have been seen for a beat.
local MIXED_FOR_MS = 16 * 60 * 1000
-- 4.7 hours in ms.
local TIME_UNIT = 2 ^ 24
local ANSWER_BYTES = 14

local function answer_bytes(seq, epoch, time)
  return struct.pack('>I5I6I3', seq, epoch, time % TIME_UNIT)
end

-- Returns seq, epoch and time: of the times with these last bits the last one up to `at`, the bucket's time, which no
-- message's is after.
local function answer_from(bytes, at)
  local seq, epoch, last_bits = struct.unpack('>I5I6I3', bytes)
  return seq, epoch, at - (at - last_bits) % TIME_UNIT
end

-- Which of the two hashes is the present one, by the field `ids`.
local function present_ids(field)
  return field == '1' and 1 or 0
end

local function answer_in(bytes)
  return bytes and #bytes == ANSWER_BYTES and bytes or nil
end

-- The ids of a batch: which are known. An answer of another length is damaged, and counts as none.
local function open_ids(present, is_mixed, keys, args, first_ids, first_sent)
  if is_mixed and first_sent == 0 then error({ err = 'MIXED the keys of sent are missing' }) end
  local asked, known, sent = {}, {}, is_mixed and {}
  for i = 4, #args do
    local length = string.byte(args[i], 4)
    if length > 0 then asked[#asked + 1] = string.sub(args[i], 5, 4 + length) end
  end
  local newer, older = keys[first_ids + present], keys[first_ids + 1 - present]
  local newest, others = redis.call('HMGET', newer, unpack(asked)), redis.call('HMGET', older, unpack(asked))
  for i = 1, #asked do
    local id = asked[i]
    known[id] = answer_in(newest[i]) or answer_in(others[i])
    if is_mixed then
      sent[id] = keys[first_sent + i - 1]
      local answer = not known[id] and redis.call('GET', sent[id])
      local seq, epoch, time = string.match(answer or '', '^(%d+) (%d+) (%d+)$')
      if number_in(seq) and number_in(epoch) and number_in(time) then known[id] = answer_bytes(seq, epoch, time) end
    end
  end
  return { present = newer, known = known, sent = sent }
end

-- Keeps the ids of the first messages of those that were stored, with the answers that are known by now.
-- `stored`: numbers of the messages in the batch; `id_of`: by these, their ids, if they have one
local function keep_ids(bucket, ids, stored, count, id_of)
  local fields = {}
  for i = 1, count do
    local id = id_of[stored[i]]
    if id then
      local last = #fields
      fields[last + 1], fields[last + 2] = id, ids.known[id]
      if ids.sent then
        local answer = string.format('%.0f %.0f %.0f', answer_from(ids.known[id], bucket.at))
        redis.call('SET', ids.sent[id], answer, 'PX', IDS_KEPT_MS)
      end
    end
  end
  if fields[1] then redis.call('HSET', ids.present, unpack(fields)) end
end

local function empty(hash)
  -- a user without the right to UNLINK, as with the rights of 0.2
  if type(redis.pcall('UNLINK', hash)) == 'table' then redis.call('DEL', hash) end
end

-- Makes the other hash the present one, if this one has been the present one for 15 minutes, and empties it. If no gateway
-- was there to do so in time, this one is emptied too. Drops the batches of nodes that have been gone for that long. A time
-- in the future (the clock was set back) begins anew.
local function rotate_ids(bucket, nodes, present, since, hashes)
  if since and since <= bucket.now and bucket.now - since < IDS_KEPT_MS then return end
  if since and since <= bucket.now then
    if bucket.now - since >= 2 * IDS_KEPT_MS then empty(hashes[1 + present]) end
    present = 1 - present
    empty(hashes[1 + present])
    for _, field in ipairs(redis.call('HKEYS', bucket.meta)) do
      local incarnation = string.match(field, '^batch:(.*)$')
      if incarnation and not redis.call('HGET', nodes, incarnation) then
        local batch = redis.call('HGET', bucket.meta, field)
        local at = 0 -- it is damaged
        if #batch >= 12 then at = select(2, struct.unpack('>I6I6', batch)) end
        if bucket.now - at >= IDS_KEPT_MS then redis.call('HDEL', bucket.meta, field) end
      end
    end
  end
  redis.call('HSET', bucket.meta, 'ids', present, 'ids_at', bucket.now, 'table', AS_TABLE)
end

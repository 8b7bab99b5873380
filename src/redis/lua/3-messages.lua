-- Messages: stored in batches, each once (idempotency), numbered without holes, kept for a limited time.
--
-- history (stream, id seq-0): 'm' -> record
-- conversation (hash): seq and epoch of the last message; wrote:<author>, the number of an author's last message,
--   who has read up to there at least. It is stored here because every message writes this hash anyway; renewed, when
--   its expiry and the inboxes were renewed
-- inbox (zset): for one user, the other user of each private conversation -> time of the last message, to the minute
-- marks (hash): for one user, '~' or the other user -> number of the message up to which it was read
-- record: time, epoch, seq (48 bits each), then mid, author, to (each behind a length byte; `to` is empty in the
--   general chat), then the text

local INBOX_KEPT = 200
local DAY_MS = 24 * 60 * 60 * 1000
-- A conversation's own expiry, and its place in the inboxes, are renewed so often, not by each message.
local RENEWED_EACH_MS = 60 * 1000
-- Each message of a conversation whose number is a multiple of this drops messages that are too old.
local TRIMMED_EACH = 16

local function wrote_field(author)
  return 'wrote:' .. author
end

-- Drops messages that are too old, at most 64 in a call. Reading leaves out what is too old anyway.
local function trim_by_age(history, oldest_kept)
  local oldest = redis.call('XRANGE', history, '-', '+', 'COUNT', 1)[1]
  if not oldest or struct.unpack('>I6', oldest[2][2]) >= oldest_kept then return end
  local last_id
  for _, entry in ipairs(redis.call('XRANGE', history, '-', '+', 'COUNT', 64)) do
    if struct.unpack('>I6', entry[2][2]) >= oldest_kept then break end
    last_id = entry[1]
  end
  local seq = tonumber(string.match(last_id, '^(%d+)'))
  redis.call('XTRIM', history, 'MINID', string.format('%.0f-0', seq + 1))
end

-- Adds a private conversation to a user's inbox. In a full inbox, the newest takes the place of the oldest.
local function remember(bucket, inbox, marks, other, keep_ms)
  local is_new = redis.call('ZADD', inbox, bucket.now, other) == 1
  if is_new and redis.call('ZCARD', inbox) > INBOX_KEPT then
    redis.call('HDEL', marks, redis.call('ZPOPMIN', inbox)[1])
  end
  redis.call('PEXPIRE', inbox, keep_ms)
end

-- Opens a conversation for messages of a batch. Returns a table with `err` if it takes none.
local function open_conversation(bucket, keys, first, author, to)
  local found = { conversation = keys[first], history = keys[first + 1], author = author, to = to }
  local last = redis.pcall('HMGET', found.conversation, 'seq', 'epoch', 'renewed')
  if last.err then return last end
  found.seq, found.epoch = tonumber(last[1]) or 0, tonumber(last[2]) or bucket.now
  found.is_new = not last[1]
  local renewed = tonumber(last[3])
  found.is_due = found.is_new or not renewed or math.abs(bucket.now - renewed) >= RENEWED_EACH_MS
  found.fields = { 'seq', found.seq }
  if found.is_new or found.epoch < bucket.generation then
    found.epoch = math.max(found.epoch, bucket.generation)
    found.fields[3], found.fields[4] = 'epoch', found.epoch
  end
  if found.is_due and to ~= '' then
    local own_inbox, own_marks, inbox, marks = unpack(keys, first + 2, first + 5)
    local is_right, why = pcall(function()
      expect('zset', own_inbox, inbox)
      expect('hash', own_marks, marks)
    end)
    if not is_right then return type(why) == 'table' and why or { err = why } end
    found.own_inbox, found.own_marks, found.inbox, found.marks = own_inbox, own_marks, inbox, marks
  end
  return found
end

-- Writes what the messages of a batch changed in their conversation.
local function close_conversation(bucket, found, keep_ms)
  local fields = found.fields
  if fields[2] == found.seq then return end
  fields[2] = found.seq
  for author, seq in pairs(found.wrote) do
    fields[#fields + 1] = wrote_field(author)
    fields[#fields + 1] = seq
  end
  if found.is_due then
    fields[#fields + 1] = 'renewed'
    fields[#fields + 1] = bucket.now
    -- of the general chat, which has many authors
    if found.to == '' then
      fields[#fields + 1] = 'table'
      fields[#fields + 1] = AS_TABLE
    end
  end
  redis.call('HSET', found.conversation, unpack(fields))
  if found.is_trimming then trim_by_age(found.history, bucket.now - keep_ms) end
  if found.is_due or bucket.is_mixed then
    redis.call('PEXPIRE', found.history, keep_ms + 2 * RENEWED_EACH_MS)
  end
  if not found.is_due then return end
  redis.call('PEXPIRE', found.conversation, keep_ms + DAY_MS)
  if not found.own_inbox then return end
  if found.is_new then
    -- the conversation had expired and begins anew: marks of the old one mean nothing now
    redis.call('HDEL', found.own_marks, found.to)
    redis.call('HDEL', found.marks, found.author)
  end
  remember(bucket, found.own_inbox, found.own_marks, found.to, keep_ms + DAY_MS)
  remember(bucket, found.inbox, found.marks, found.author, keep_ms + DAY_MS)
end

-- Gives a message its number, and puts it into the history and the log. Returns the number and the event to publish, or
-- nil and the error of Redis.
local function store(bucket, log, found, keep, author, tail)
  local seq = found.seq + 1
  local record = struct.pack('>I6I6I6', bucket.at, found.epoch, seq) .. tail
  local added = redis.pcall('XADD', found.history, 'MAXLEN', '~', keep, string.format('%.0f-0', seq), 'm', record)
  if added.err then return nil, added.err end
  found.seq = seq
  found.wrote = found.wrote or {}
  found.wrote[author] = seq
  if seq % TRIMMED_EACH == 0 then found.is_trimming = true end
  local event, why = log_event(bucket, log, KIND_MESSAGE, record)
  if not event then return nil, why end
  return seq, event
end

-- Of a batch: what became of each message.
local STORED, STORED_BEFORE, SKIPPED, FAILED = 0, 1, 2, 3

-- The answers of the node's batch with this number, if it was its last one. An older one is refused: it is a late copy.
local function answers_of(bucket, last, number)
  local last_number = last and struct.unpack('>I6', last) or 0
  if number < last_number then error({ err = 'PASSED batch ' .. number .. ', the last one is ' .. last_number }) end
  if number > last_number then return nil end
  local answers = cmsgpack.unpack(string.sub(last, 13))
  answers[1] = bucket.replicas
  return answers
end

-- Appends a batch of messages and announces them. The author of each has then read up to it.
-- KEYS: meta, log, nodes, ids:0, ids:1; `sent` of each message with an id, perhaps; then of each conversation:
--   conversation, history, and if it is private inbox and marks of the first author, and of the other user
-- ARGV: incarnation, number of the batch, messages kept, ms kept, least replicas, 1 if the keys of sent are there or 0;
--   then of each message: number of its
--   conversation's first key, author, to, id or '', the record from mid on ('': skip it, unless it was stored before)
-- The id is 14 bytes of a digest of conversation, author and mid, if a client may send the message again. Numbers of
-- a node's batches rise; the last one may be sent again, with the same messages, and is stored once.
-- With fewer replicas nothing is written. A WAIT that follows on the same connection covers the messages, also if they
-- were stored before: the answers are written again, since WAIT counts only what its own connection wrote (in Redis 8;
-- in 7.0 a read is enough). A message that is refused (a key of another type) leaves no trace, and its neighbours alone.
-- Returns { connected replicas, 1 in mixed mode or 0, and for each message: 0, seq, epoch, time | 1 (stored before), seq,
--   epoch, time | 2 (skipped), 0, 0, 0 | 3 (refused), error, 0, 0 }.
local function append(keys, args)
  local meta, log, nodes = keys[1], keys[2], keys[3]
  local incarnation, number, keep = args[1], tonumber(args[2]), args[3]
  local keep_ms, least_replicas = tonumber(args[4]), tonumber(args[5])
  local batch = 'batch:' .. incarnation
  expect('stream', log)
  local bucket = open(meta, false, batch, 'ids', 'mixed')
  local last = bucket.kept[8]
  local repeated = answers_of(bucket, last, number)
  if repeated then
    if least_replicas > 0 then redis.call('HSET', meta, batch, last) end
    return repeated
  end
  local mixed_at = tonumber(bucket.kept[10])
  bucket.is_mixed = mixed_at ~= nil and bucket.now - mixed_at < MIXED_FOR_MS
  local ids = open_ids(bucket, keys, args)
  local is_checked = false
  local conversations, opened, events = {}, {}, {}
  local answers = { bucket.replicas, bucket.is_mixed and 1 or 0 }
  local n = 2
  for i = BATCH_WORDS + 1, #args, MESSAGE_WORDS do
    local first, author, to, id, tail = args[i], args[i + 1], args[i + 2], args[i + 3], args[i + 4]
    local code, seq, epoch, time = SKIPPED, 0, 0, 0
    local before = id ~= '' and ids.known[id]
    if before then
      code = STORED_BEFORE
      seq, epoch, time = answer_from(before, bucket.now)
    elseif tail ~= '' then
      if not is_checked then
        require_member(bucket, nodes, incarnation)
        if bucket.replicas < least_replicas then
          error({ err = 'NOREPLICAS the primary has ' .. bucket.replicas .. ' replicas' })
        end
        is_checked = true
      end
      local found = conversations[first]
      if not found then
        found = open_conversation(bucket, keys, tonumber(first), author, to)
        conversations[first] = found
        opened[#opened + 1] = found
      end
      local stored, event = nil, found.err
      if not event then stored, event = store(bucket, log, found, keep, author, tail) end
      if stored then
        code, seq, epoch, time = STORED, stored, found.epoch, bucket.at
        events[#events + 1] = event
        if id ~= '' then note_id(ids, id, seq, epoch, time) end
      else
        code, seq = FAILED, event
      end
    end
    answers[n + 1], answers[n + 2], answers[n + 3], answers[n + 4] = code, seq, epoch, time
    n = n + 4
  end
  if #events == 0 and least_replicas == 0 then return answers end
  for _, found in ipairs(opened) do
    if not found.err then close_conversation(bucket, found, keep_ms) end
  end
  close_ids(ids)
  keep_position(bucket, batch, struct.pack('>I6I6', number, bucket.now) .. cmsgpack.pack(answers))
  for _, event in ipairs(events) do redis.call('PUBLISH', log, event) end
  return answers
end

-- The newest messages that are not too old.
-- KEYS: history       ARGV: limit, ms kept       Returns records, newest first.
local function history(keys, args)
  local oldest_kept = now_ms() - tonumber(args[2])
  local records = {}
  for i, entry in ipairs(redis.call('XREVRANGE', keys[1], '+', '-', 'COUNT', args[1])) do
    if struct.unpack('>I6', entry[2][2]) < oldest_kept then break end
    records[i] = entry[2][2]
  end
  return records
end

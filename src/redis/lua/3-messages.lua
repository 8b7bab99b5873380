-- Messages: stored in batches, each once (idempotency), numbered without holes, kept for a limited time.
--
-- history (stream, id seq-0): 'm' -> record
-- conversation (hash): seq and epoch of the last message; wrote:<author>, the number of an author's last message,
--   who has read up to there at least. It is stored here because every message writes this hash anyway; renewed, when
--   its expiry and the inboxes were renewed
-- inbox (zset): for one user, the other user of each private conversation -> time of the last message, to the minute. So
--   one that 200 others have put out comes back with its first message after that minute, not before
-- marks (hash): for one user, '~' or the other user -> number of the message up to which it was read
-- record: time, epoch, seq (48 bits each), then mid, author, to (each behind a length byte; `to` is empty in the
--   general chat), then the text

local INBOX_KEPT = 200
local DAY_MS = 24 * 60 * 60 * 1000
-- A conversation's expiry, and its place in the inboxes, are renewed so often, not by each message: at the latest after
-- twice this, as its gateways pass the keys so often.
local RENEWED_EACH_MS = 30 * 1000
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

-- Of a batch: what became of each message. Wanting: its conversation is new, so the keys of the inboxes are needed.
local STORED, STORED_BEFORE, SKIPPED, FAILED, WANTED = 0, 1, 2, 3, 4
local WANTING = 'KEYS are missing'

-- Opens a conversation for messages of a batch. Returns a table with `err` if it takes none.
local function open_conversation(bucket, keys, first, has_all, is_other, author, to)
  local found = { conversation = keys[first], history = keys[first + 1], author = author, to = to, wrote = {} }
  local last = redis.pcall('HMGET', found.conversation, 'seq', 'epoch', 'renewed')
  if last.err then return last end
  found.was = tonumber(last[1]) or 0
  found.seq, found.epoch = found.was, tonumber(last[2]) or bucket.now
  found.is_new = not last[1]
  if found.is_new and not has_all then return { err = WANTING } end
  if found.is_new or found.epoch < bucket.generation then
    found.epoch, found.is_new_epoch = math.max(found.epoch, bucket.generation), true
  end
  local renewed = tonumber(last[3])
  found.is_due = has_all and (not renewed or math.abs(bucket.now - renewed) >= RENEWED_EACH_MS)
  if found.is_due and to ~= '' then
    local own_inbox, own_marks, inbox, marks = unpack(keys, first + 2, first + 5)
    if is_other then own_inbox, own_marks, inbox, marks = inbox, marks, own_inbox, own_marks end
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
  if found.seq == found.was then return end
  local fields = { 'seq', string.format('%.0f', found.seq) }
  for author, seq in pairs(found.wrote) do
    fields[#fields + 1] = wrote_field(author)
    fields[#fields + 1] = seq
  end
  if found.is_new_epoch then
    fields[#fields + 1] = 'epoch'
    fields[#fields + 1] = found.epoch
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
    redis.call('PEXPIRE', found.history, keep_ms + 4 * RENEWED_EACH_MS)
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
  local number = string.format('%.0f', seq)
  local record = struct.pack('>I6I6I6', bucket.at, found.epoch, seq) .. tail
  local added = redis.pcall('XADD', found.history, 'MAXLEN', '~', keep, number .. '-0', 'm', record)
  if added.err then return nil, added.err end
  found.seq = seq
  found.wrote[author] = number
  if seq % TRIMMED_EACH == 0 then found.is_trimming = true end
  local event, why = log_event(bucket, log, KIND_MESSAGE, record)
  if not event then return nil, why end
  return seq, event
end

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
-- KEYS: meta, log, nodes; then, where the words below say, of each conversation: conversation, history, and perhaps inbox
--   and marks of one user, and of the other; ids:0, ids:1; `sent` of each message with an id
-- ARGV: incarnation, messages kept, then the batch: its number, ms kept (48 bits each), least replicas (8), numbers of
--   the first keys of ids and of `sent` or 0 (16 each); then each message: number of its conversation's first key (16),
--   1: the inboxes' keys are there + 2: skip it, unless it was stored before + 4: its author is the other user of the
--   inboxes' keys (8), its id, the record from mid on
-- The id is 14 bytes of a digest of conversation, author and mid behind a length byte, none if no client may send the
-- message again. Numbers of a node's batches rise; the last one may be sent again, with the same messages, and is stored
-- once. The keys of the inboxes may be missing if the gateway passed them less than 30 seconds ago.
-- With fewer replicas nothing is written. A WAIT that follows on the same connection covers the messages, also if they
-- were stored before: the answers are written again, since WAIT counts only what its own connection wrote (in Redis 8;
-- in 7.0 a read is enough). A message that is refused (a key of another type) leaves no trace, and its neighbours alone;
-- only if the log refuses it, because it is ahead of meta (damaged data), it is in the history all the same.
-- Returns { connected replicas, 1 in mixed mode or 0, and for each message: 0, seq, epoch, time | 1 (stored before), seq,
--   epoch, time | 2 (skipped), 0, 0, 0 | 3 (refused), error, 0, 0 | 4 (the inboxes' keys are missing), 0, 0, 0 }.
local function append(keys, args)
  local meta, log, nodes = keys[1], keys[2], keys[3]
  local incarnation, keep = args[1], args[2]
  local number, keep_ms, least_replicas, first_ids, first_sent = struct.unpack('>I6I6BI2I2', args[3])
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
  local ids = open_ids(bucket, keys, args, first_ids, first_sent)
  local is_checked = false
  local conversations, opened, events = {}, {}, {}
  local answers = { bucket.replicas, bucket.is_mixed and 1 or 0 }
  local n, is_kept = 2, false
  for i = 4, #args do
    local message = args[i]
    local first, flags, id, _, author, to = struct.unpack('>I2BBc0Bc0Bc0Bc0', message)
    local code, seq, epoch, time = SKIPPED, 0, 0, 0
    local has_all, is_over, is_other = flags % 2 == 1, flags % 4 >= 2, flags >= 4
    local before = id ~= '' and ids.known[id]
    if before then
      code = STORED_BEFORE
      seq, epoch, time = answer_from(before, bucket.at)
    elseif not is_over then
      if not is_checked then
        require_member(bucket, nodes, incarnation)
        if bucket.replicas < least_replicas then
          error({ err = 'NOREPLICAS the primary has ' .. bucket.replicas .. ' replicas' })
        end
        is_checked = true
      end
      local found = conversations[first]
      if not found then
        found = open_conversation(bucket, keys, first, has_all, is_other, author, to)
        conversations[first] = found
        opened[#opened + 1] = found
      end
      local stored, event = nil, found.err
      if not event then stored, event = store(bucket, log, found, keep, author, string.sub(message, 5 + #id)) end
      if stored then
        code, seq, epoch, time = STORED, stored, found.epoch, bucket.at
        events[#events + 1] = event
        if id ~= '' then note_id(ids, id, seq, epoch, time) end
      elseif event == WANTING then
        code = WANTED
      else
        code, seq = FAILED, event
        is_kept = is_kept or found.seq ~= found.was
      end
    end
    -- a late copy of the batch must not store it: it has been skipped, or is sent again
    is_kept = is_kept or code == STORED or code == SKIPPED or code == WANTED
    answers[n + 1], answers[n + 2], answers[n + 3], answers[n + 4] = code, seq, epoch, time
    n = n + 4
  end
  if not is_kept and least_replicas == 0 then return answers end
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

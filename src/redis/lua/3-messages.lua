-- Messages: stored once (idempotency), numbered without holes, kept for a limited time.
--
-- history (stream, id seq-0): 'm' -> record
-- conversation (hash): seq and epoch of the last message; wrote:<author>, the number of an author's last message,
--   who has read up to there at least. It is stored here because every message writes this hash anyway; renewed, when
--   its expiry and the inboxes were renewed
-- sent (string): "seq epoch time", the first answer, for as long as a message may be sent again
-- inbox (zset): for one user, the other user of each private conversation -> time of the last message, to the minute
-- marks (hash): for one user, '~' or the other user -> number of the message up to which it was read
-- record: time, epoch, seq (48 bits each), then mid, author, to (each behind a length byte; `to` is empty in the
--   general chat), then the text

local SENT_KEPT_MS = 15 * 60 * 1000
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

-- Appends a message and announces it. Its author has then read up to it.
-- KEYS: meta, log, nodes, conversation, history, sent; in a private conversation also inbox and marks of the
--   author, and of the other user if it is another
-- ARGV: incarnation, author, to, mid, text, messages kept, ms kept, least replicas
-- With fewer replicas nothing is written. A WAIT that follows on the same connection covers the message, also one
-- that was stored before: the expiry of its answer is written again, since WAIT counts only what its own
-- connection wrote (in Redis 8; in 7.0 a read is enough).
-- Returns { 'ok' | 'again', seq, epoch, time, connected replicas }.
-- The epoch is the bucket's generation when the message was written, or the time when the conversation began,
-- whichever is higher. So (epoch, seq) never names two messages.
local function append(keys, args)
  local meta, log, nodes, conversation, history, sent = unpack(keys)
  local incarnation, author, to, mid, text = unpack(args, 1, 5)
  local keep, keep_ms, least_replicas = args[6], tonumber(args[7]), tonumber(args[8])
  local own_inbox, own_marks, inbox, marks = unpack(keys, 7, 10)
  expect('stream', log)
  local bucket = open(meta)
  local first_answer = redis.call('GET', sent)
  if first_answer then
    if least_replicas > 0 then redis.call('PEXPIRE', sent, SENT_KEPT_MS) end
    local seq, epoch, time = string.match(first_answer, '^(%d+) (%d+) (%d+)$')
    return { 'again', tonumber(seq), tonumber(epoch), tonumber(time), bucket.replicas }
  end
  require_member(bucket, nodes, incarnation)
  if bucket.replicas < least_replicas then
    error({ err = 'NOREPLICAS the primary has ' .. bucket.replicas .. ' replicas' })
  end

  local last = redis.call('HMGET', conversation, 'seq', 'epoch', 'renewed')
  local renewed = tonumber(last[3])
  local is_due = not renewed or math.abs(bucket.now - renewed) >= RENEWED_EACH_MS
  if is_due then
    expect('zset', own_inbox, inbox)
    expect('hash', own_marks, marks)
  end
  local seq = (tonumber(last[1]) or 0) + 1
  local epoch = math.max(tonumber(last[2]) or bucket.now, bucket.generation)
  local record = struct.pack('>I6I6I6Bc0Bc0Bc0', bucket.at, epoch, seq,
    #mid, mid, #author, author, #to, to) .. text

  redis.call('XADD', history, 'MAXLEN', '~', keep, string.format('%.0f-0', seq), 'm', record)
  redis.call('HSET', conversation, 'seq', seq, 'epoch', epoch, wrote_field(author), seq)
  redis.call('SET', sent, string.format('%.0f %.0f %.0f', seq, epoch, bucket.at), 'PX', SENT_KEPT_MS)
  if seq % TRIMMED_EACH == 0 then trim_by_age(history, bucket.now - keep_ms) end
  if not last[1] then
    -- the conversation had expired and begins anew: marks of the old one mean nothing now
    if own_inbox then redis.call('HDEL', own_marks, to) end
    if inbox then redis.call('HDEL', marks, author) end
  end
  redis.call('PEXPIRE', history, keep_ms)
  if is_due then
    redis.call('HSET', conversation, 'renewed', bucket.now)
    redis.call('PEXPIRE', conversation, keep_ms + DAY_MS)
    if own_inbox then remember(bucket, own_inbox, own_marks, to, keep_ms + DAY_MS) end
    if inbox then remember(bucket, inbox, marks, author, keep_ms + DAY_MS) end
  end
  announce(bucket, log, KIND_MESSAGE, record)
  return { 'ok', seq, epoch, bucket.at, bucket.replicas }
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

-- Messages: appended once, numbered without holes, kept for a while.
--
-- history (stream, id seq-0): 'm' -> record
-- conversation (hash): seq, epoch, wrote:<author>, the number of an author's last message: read up to
--   there at least; kept here because every message writes this hash anyway
-- sent (string): "seq epoch time", for the time in which a message may be sent again
-- inbox (zset): of a user, with whom there is a private conversation -> when last
-- marks (hash): of a user, '~' or with whom -> number of the message up to which it was read
-- record: time, epoch, seq (48 bits each), then mid, author, to (a length byte each; to is empty
-- for the general chat), then the text

local SENT_KEPT_MS = 15 * 60 * 1000
local INBOX_KEPT = 200
local DAY_MS = 24 * 60 * 60 * 1000

local function wrote_field(author)
  return 'wrote:' .. author
end

-- Drops what is older than the age, at most 64 messages a call: appends are more frequent than that.
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

-- Remembers with whom a user has a private conversation; the oldest gives way to the newest.
local function remember(bucket, inbox, marks, other, keep_ms)
  local is_new = redis.call('ZADD', inbox, bucket.now, other) == 1
  if is_new and redis.call('ZCARD', inbox) > INBOX_KEPT then
    redis.call('HDEL', marks, redis.call('ZPOPMIN', inbox)[1])
  end
  redis.call('PEXPIRE', inbox, keep_ms)
end

-- Appends a message and tells everybody. Its author has read up to it.
-- KEYS: meta, log, nodes, conversation, history, sent; of a private conversation also the author's
--   inbox and marks, and the other's (none for a note to oneself)
-- ARGV: incarnation, author, to, mid, text, messages kept, ms kept, least replicas
-- With fewer replicas nothing is written. Whatever is answered, WAIT on the same connection then
-- covers the message, a repeated one too: its answer is prolonged, for WAIT counts only what its own
-- connection wrote (Redis 8; a read is enough for 7.0).
-- Returns { 'ok' | 'again', seq, epoch, time, replicas that are connected }.
-- Epoch: the generation of the bucket when the message was written, or the time when the
-- conversation began, whichever is later; so (epoch, seq) never names two messages.
local function append(keys, args)
  local meta, log, nodes, conversation, history, sent = unpack(keys)
  local incarnation, author, to, mid, text = unpack(args, 1, 5)
  local keep, keep_ms, least_replicas = args[6], tonumber(args[7]), tonumber(args[8])
  local own_inbox, own_marks, inbox, marks = unpack(keys, 7, 10)
  expect('stream', log)
  expect('zset', own_inbox, inbox)
  expect('hash', own_marks, marks)
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

  local last = redis.call('HMGET', conversation, 'seq', 'epoch')
  local seq = (tonumber(last[1]) or 0) + 1
  local epoch = math.max(tonumber(last[2]) or bucket.now, bucket.g)
  local record = struct.pack('>I6I6I6Bc0Bc0Bc0', bucket.at, epoch, seq,
    #mid, mid, #author, author, #to, to) .. text

  redis.call('XADD', history, 'MAXLEN', '~', keep, string.format('%.0f-0', seq), 'm', record)
  redis.call('HSET', conversation, 'seq', seq, 'epoch', epoch, wrote_field(author), seq)
  redis.call('SET', sent, string.format('%.0f %.0f %.0f', seq, epoch, bucket.at), 'PX', SENT_KEPT_MS)
  trim_by_age(history, bucket.now - keep_ms)
  redis.call('PEXPIRE', history, keep_ms)
  redis.call('PEXPIRE', conversation, keep_ms + DAY_MS)
  if not last[1] then
    -- what was read of a conversation that has expired says nothing about this one
    if own_inbox then redis.call('HDEL', own_marks, to) end
    if inbox then redis.call('HDEL', marks, author) end
  end
  if own_inbox then remember(bucket, own_inbox, own_marks, to, keep_ms + DAY_MS) end
  if inbox then remember(bucket, inbox, marks, author, keep_ms + DAY_MS) end
  announce(bucket, log, KIND_MESSAGE, record)
  return { 'ok', seq, epoch, bucket.at, bucket.replicas }
end

-- The newest messages.
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

-- Messages: stored in batches, each once (idempotency), numbered without holes, kept for a limited time.
--
-- history: see 3-history.lua
-- conversation (hash): seq and epoch of the last message; wrote:<author>, the number of an author's last message,
--   who has read up to there at least. It is stored here because every message writes this hash anyway; renewed, when
--   its expiry and the inboxes were renewed; blocks:<name>, see 4-blocks.lua

local DAY_MS = 24 * 60 * 60 * 1000
-- A conversation's expiry, and its place in the inboxes, are renewed so often, not by each message: at the latest after
-- twice this, as its gateways pass the keys so often.
local RENEWED_EACH_MS = 30 * 1000
-- Each message of a conversation whose number is a multiple of this drops messages that are too many or too old.
local TRIMMED_EACH = 16

local function wrote_field(author)
  return 'wrote:' .. author
end

-- Of a batch: what became of each message. Wanting: its conversation is new, so the keys of the inboxes are needed.
local STORED, STORED_BEFORE, SKIPPED, FAILED, WANTED, CONFLICT, BLOCKED = 0, 1, 2, 3, 4, 5, 6
local WANTING = 'KEYS are missing'

-- Opens a conversation for messages of a batch. Returns a table with `err` if it takes none.
local function open_conversation(bucket, keys, first, has_all, is_other, author, to)
  local conversation, history = keys[first], keys[first + 1]
  local is_private = to ~= ''
  local last
  if is_private then
    last = redis.pcall('HMGET', conversation, 'seq', 'epoch', 'renewed', wrote_field(author), wrote_field(to),
      'blocks:' .. author, 'blocks:' .. to)
  else
    last = has_all and redis.pcall('HMGET', conversation, 'seq', 'epoch', 'renewed')
      or redis.pcall('HMGET', conversation, 'seq', 'epoch')
  end
  if last.err then return last end
  local was, kept_epoch, renewed = number_in(last[1]), number_in(last[2]), number_in(last[3])
  if last[1] and not was then return { err = 'DAMAGED conversation' } end
  -- it goes into the author's inbox in another way then
  local is_first_of_author = is_private and not last[4]
  if not has_all and (not was or is_first_of_author) then return { err = WANTING } end
  -- a damaged epoch is replaced
  local epoch = kept_epoch or bucket.now
  local is_new_epoch = not was or not kept_epoch or epoch < bucket.generation
  local found = {
    conversation = conversation, history = history, is_new = not was, was = was or 0, seq = was or 0,
    epoch = is_new_epoch and math.max(epoch, bucket.generation) or epoch, author = author, to = to, is_trimming = false,
    is_due = has_all and (is_first_of_author or not renewed or math.abs(bucket.now - renewed) >= RENEWED_EACH_MS),
    has_other_written = is_private and last[5],
    removed = has_all and keys[first + (is_private and 6 or 2)],
    -- who may block the other one
    blocks = is_private and (last[6] or last[7]) and { [author] = last[6], [to] = last[7] },
    -- of the conversation: fields and values to write, and where in them the value of each author is
    fields = { 'seq', '' }, wrote = {},
  }
  if is_new_epoch then
    found.fields[3], found.fields[4] = 'epoch', found.epoch
  end
  if found.is_due and is_private then
    local why
    found.own, why = open_inbox(keys, first + (is_other and 4 or 2))
    if not found.own then return why end
    found.other, why = open_inbox(keys, first + (is_other and 2 or 4))
    if not found.other then return why end
  end
  return found
end

-- Writes what the messages of a batch changed in their conversation, of `opened` ones.
local function close_conversation(bucket, found, keep_ms, is_mixed, opened)
  if found.seq == found.was then return end
  local fields = found.fields
  fields[2] = string.format(whole, found.seq)
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
  if found.is_due or is_mixed then
    redis.call('PEXPIRE', found.history, keep_ms + 4 * RENEWED_EACH_MS)
  end
  if not found.is_due then return end
  if not found.blocks then redis.call('PEXPIRE', found.conversation, keep_ms + DAY_MS) end
  -- what is left of removed messages goes with the history
  if not found.is_new and found.removed then redis.call('PEXPIRE', found.removed, keep_ms + 4 * RENEWED_EACH_MS) end
  local own, other = found.own, found.other
  if not own then return end
  if found.is_new then
    -- the conversation had expired and begins anew: marks of the old one mean nothing now
    if own.marked > 0 then redis.call('HDEL', own.marks, found.to) end
    if other.marked > 0 then redis.call('HDEL', other.marks, found.author) end
  end
  -- others of this batch may have come in
  local other_wrote = found.has_other_written or found.wrote[found.to]
  remember(bucket, own.inbox, own.marks, found.to, keep_ms + DAY_MS, own.length + opened, true)
  remember(bucket, other.inbox, other.marks, found.author, keep_ms + DAY_MS, other.length + opened, other_wrote)
end

-- Gives a message its number, and puts it into the history. Returns the number and the record, or nil and the error of
-- Redis.
local function store(bucket, found, keep, tail)
  local seq = found.seq + 1
  local number = string.format(whole, seq)
  local record = struct.pack('>I6I6I6', bucket.at, found.epoch, seq) .. tail
  local added
  if seq % TRIMMED_EACH == 0 then
    found.is_trimming = true
    added = redis.pcall('XADD', found.history, 'MAXLEN', '~', keep, number .. '-0', 'm', record)
  else
    added = redis.pcall('XADD', found.history, number .. '-0', 'm', record)
  end
  if added.err then return nil, added.err end
  found.seq = seq
  return seq, record
end

-- The author has read up to the message that was stored last.
local function has_written(found, author)
  local fields, place = found.fields, found.wrote[author]
  if not place then
    place = #fields + 2
    fields[place - 1], found.wrote[author] = wrote_field(author), place
  end
  fields[place] = string.format(whole, found.seq)
end

local function answer(code, seq, epoch, time)
  return struct.pack('>BI6I6I6', code, seq, epoch, time)
end

local function refused(why)
  return answer(FAILED, #why, 0, 0) .. why
end

-- Refuses what the log has refused, and copies of it in the same batch: it is in the history, but nobody hears of it.
-- `stored`: numbers of the messages in the batch; `id_of`: by these, their ids, if they have one
local function refuse_stored(answers, stored, logged, id_of, why)
  local unheard = {}
  for i = logged + 1, #stored do
    local id = id_of[stored[i]]
    if id then unheard[id] = true end
    answers[stored[i]] = refused(why)
  end
  for i, id in pairs(id_of) do
    if unheard[id] then answers[i] = refused(why) end
  end
end

local ANSWER_OF_MESSAGE_BYTES = 19
-- A node's late copies are behind its last batch by less. If they are not, that number is damaged.
local MOST_NUMBERS_AHEAD = 2 ^ 20

-- The answers of the node's batch with this number, if it was its last one. An older one is refused: it is a late copy.
-- `count`: of its messages
local function answers_of(bucket, last, number, count)
  if not last or #last < 13 then return nil end
  local last_number, _, was_mixed, at = struct.unpack('>I6I6B', last)
  if last_number - number > MOST_NUMBERS_AHEAD then return nil end
  if number < last_number then error({ err = 'PASSED batch ' .. number .. ', the last one is ' .. last_number }) end
  if number > last_number then return nil end
  if #last - at + 1 < count * ANSWER_OF_MESSAGE_BYTES then error({ err = 'DAMAGED answers of a batch' }) end
  return { bucket.replicas, was_mixed, string.sub(last, at) }
end

-- Appends a batch of messages and announces them. The author of each has then read up to it.
-- KEYS: meta, log, nodes; then, where the words below say, of each conversation: conversation, history, and perhaps, if
--   it is private, inbox and marks of one user, and of the other, and then removed; ids:0, ids:1; `sent` of each message
--   with an id
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
-- Returns { connected replicas, 1 in mixed mode or 0, bytes }. Of each message there are a code (8) and three numbers
--   (48 each): 0, seq, epoch, time | 1 (stored before), seq, epoch, time | 2 (skipped), 0, 0, 0 | 3 (refused), length of
--   the error, 0, 0 and then the error | 4 (the inboxes' keys are missing), 0, 0, 0 | 5 (its id is another message's), 0, 0,
--   0 | 6 (there is a hint that it is blocked), 0, 0, 0. Without the fence of replicas, their number may be 5 ms old.
local function append(keys, args)
  local meta, log, nodes = keys[1], keys[2], keys[3]
  local incarnation, keep = args[1], args[2]
  local number, keep_ms, least_replicas, first_ids, first_sent = struct.unpack('>I6I6BI2I2', args[3])
  local batch = 'batch:' .. incarnation
  redis.call('XLEN', log) -- expect('stream', log), in less time
  local way = least_replicas == 0 and 'for messages' or 'to write'
  local bucket = open(meta, way, batch, 'ids', 'mixed', 'beat', 'beat_ids')
  local more = bucket.more
  local last = more[batch]
  local repeated = answers_of(bucket, last, number, #args - 3)
  if repeated then
    if least_replicas > 0 then redis.call('HSET', meta, batch, last) end
    return repeated
  end
  -- at once when a gateway of another release has beaten, before a beat of this one notes it
  local is_mixed = more.mixed ~= false or more.beat ~= more.beat_ids
  local ids = first_ids > 0 and open_ids(present_ids(more.ids), is_mixed, keys, args, first_ids, first_sent)
  local is_checked, is_kept = false, false
  local conversations, opened, answers = {}, {}, {}
  -- of the messages that are in a history now: their numbers in the batch, and their records
  local stored, records, id_of = {}, {}, {}
  for i = 4, #args do
    local message = args[i]
    -- first key (16 bits), flags, id, mid, author, to, each behind its length, and the text
    local high, low, flags, id_length = string.byte(message, 1, 4)
    local tail_at = 5 + id_length
    local author_at = tail_at + 1 + string.byte(message, tail_at)
    local has_all, is_over, is_other = flags % 2 == 1, flags % 4 >= 2, flags >= 4
    local id = id_length > 0 and string.sub(message, 5, tail_at - 1) or nil
    id_of[i - 3] = id
    local before = id and ids.known[id]
    if before then
      local seq, epoch, time = answer_from(before, bucket.at)
      answers[i - 3] = is_another(keys[high * 256 + low + 1], seq, epoch, string.sub(message, tail_at))
        and answer(CONFLICT, 0, 0, 0) or answer(STORED_BEFORE, seq, epoch, time)
    elseif is_over then
      -- a late copy of the batch must not store it: it has been skipped
      answers[i - 3], is_kept = answer(SKIPPED, 0, 0, 0), true
    else
      if not is_checked then
        require_member(bucket, nodes, incarnation)
        if bucket.replicas < least_replicas then
          error({ err = 'NOREPLICAS the primary has ' .. bucket.replicas .. ' replicas' })
        end
        is_checked = true
      end
      local author, to = struct.unpack('Bc0Bc0', message, author_at)
      local first = high * 256 + low
      local found = conversations[first]
      if not found then
        found = open_conversation(bucket, keys, first, has_all, is_other, author, to)
        conversations[first] = found
        opened[#opened + 1] = found
      end
      local seq, record = nil, found.err
      local is_blocked = found.blocks and found.blocks[to]
      if not record and not is_blocked then seq, record = store(bucket, found, keep, string.sub(message, tail_at)) end
      if seq then
        has_written(found, author)
        answers[i - 3], is_kept = answer(STORED, seq, found.epoch, bucket.at), true
        records[#records + 1] = record
        stored[#records] = i - 3
        if id then ids.known[id] = answer_bytes(seq, found.epoch, bucket.at) end
      elseif is_blocked then
        answers[i - 3] = answer(BLOCKED, 0, 0, 0)
      elseif record == WANTING then
        answers[i - 3], is_kept = answer(WANTED, 0, 0, 0), true
      else
        answers[i - 3] = refused(record)
      end
    end
  end
  local logged, events, why = log_messages(bucket, log, records, is_mixed)
  if why then refuse_stored(answers, stored, logged, id_of, why) end
  local bytes = answers[2] and table.concat(answers) or answers[1] or ''
  local told = { bucket.replicas, is_mixed and 1 or 0, bytes }
  if not is_kept and least_replicas == 0 then return told end
  for _, found in ipairs(opened) do
    if not found.err then close_conversation(bucket, found, keep_ms, is_mixed, #opened) end
  end
  if ids then keep_ids(bucket, ids, stored, logged, id_of) end
  keep_position(bucket, batch, struct.pack('>I6I6B', number, bucket.now, told[2]) .. bytes)
  for _, event in ipairs(events) do redis.call('PUBLISH', log, event) end
  return told
end

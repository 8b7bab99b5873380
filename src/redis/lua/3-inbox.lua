-- Inboxes: with whom a user has private conversations, and how far the user has read each.
--
-- inbox (zset): for one user, the other user of each private conversation -> time of the last message, to the minute. So
--   one that 200 others have put out comes back with its first message after that minute, not before. If the user has
--   written there, HAS_WRITTEN is added to the time of the user's last message: strangers do not put it out. (Releases
--   before 0.3 do not add it.)
-- marks (hash): for one user, '~' or the other user -> number of the message up to which it was read. '' -> when the mark of
--   '~' was moved last. (Releases before 0.3 do not write it, and know of no tenure: what they marked is a former owner's.)

local MARKED_AT = ''
local INBOX_KEPT = 200
local HAS_WRITTEN = 2 ^ 42

-- Adds a private conversation to a user's inbox. In a full inbox, the newest takes the place of the oldest, but not of one
-- in which the user has written, unless the user has written in the newest, too. Then that one itself is dropped.
-- `most`: the inbox was not longer than this before.
local function remember(bucket, inbox, marks, other, keep_ms, most, has_written)
  local score = has_written and bucket.now + HAS_WRITTEN or bucket.now
  local is_new = redis.call('ZADD', inbox, 'GT', score, other) == 1
  if is_new and most >= INBOX_KEPT and redis.call('ZCARD', inbox) > INBOX_KEPT then
    redis.call('HDEL', marks, redis.call('ZPOPMIN', inbox)[1])
  end
  redis.call('PEXPIRE', inbox, keep_ms)
end

-- An inbox and the marks of its user, and their lengths. Or nil and an error, if one is of another type.
local function open_inbox(keys, first)
  local inbox, marks = keys[first], keys[first + 1]
  local length = redis.pcall('ZCARD', inbox)
  if type(length) == 'table' then return nil, length end
  local marked = redis.pcall('HLEN', marks)
  if type(marked) == 'table' then return nil, marked end
  return { inbox = inbox, marks = marks, length = length, marked = marked }
end

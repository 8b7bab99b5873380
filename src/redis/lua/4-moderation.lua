-- Moderation: what the operator and the moderators have forbidden, and the log of who did what.
--
-- sanctions (hash): "<kind> <target>" -> "at until length by reason": both times in ms (until 0: for good), the length
--   of `by` in bytes. Kinds: ban, mute, kick. Target: "=" and a name, or "/" and a range of addresses.
--   The field `version` rises with each change. It is a time, so that it rises also after a change was lost.
--   A kick stays for a while, so that each gateway finds it there once.
-- sanction_ends (zset): "<kind> <target>" -> until (inf: for good)
-- moderation_log (stream): act, target, by, reason, until

-- So many sanctions, and entries of the log, are kept.
local MOST_SANCTIONS, LOG_KEPT = 20000, 100000
-- Lua passes no more than some thousands of values to a command.
local READ_AT_ONCE = 1000

local LIFTS = { unban = 'ban', unmute = 'mute' }

local function lift(sanctions, all_ends, what)
  redis.call('HDEL', sanctions, what)
  return redis.call('ZREM', all_ends, what)
end

-- Does an act of moderation, and writes it into the log.
-- KEYS: sanctions, sanction_ends, moderation_log
-- ARGV: act ('ban' | 'mute' | 'kick' | 'unban' | 'unmute'), target, for ms (0: for good), by, reason
-- Returns { 'done' | 'nothing' (it lifts what is not there), until }. Error FULL.
local function moderate(keys, args)
  local sanctions, all_ends, log = keys[1], keys[2], keys[3]
  local act, target, for_ms, by, reason = args[1], args[2], tonumber(args[3]), args[4], args[5]
  expect('hash', sanctions)
  expect('zset', all_ends)
  expect('stream', log)
  local now = now_ms()
  local ends = for_ms > 0 and string.format('%.0f', now + for_ms) or '0'
  local version = number_in(redis.call('HGET', sanctions, 'version')) or 0
  for _, ended in ipairs(redis.call('ZRANGE', all_ends, 0, string.format('%.0f', now), 'BYSCORE')) do
    lift(sanctions, all_ends, ended)
  end
  if LIFTS[act] then
    if lift(sanctions, all_ends, LIFTS[act] .. ' ' .. target) == 0 then return { 'nothing', 0 } end
  else
    local what = act .. ' ' .. target
    if redis.call('ZCARD', all_ends) >= MOST_SANCTIONS then
      error({ err = 'FULL there are ' .. MOST_SANCTIONS .. ' sanctions already' })
    end
    redis.call('HSET', sanctions, what, string.format('%.0f %s %d %s %s', now, ends, #by, by, reason))
    redis.call('ZADD', all_ends, ends == '0' and 'inf' or ends, what)
  end
  redis.call('HSET', sanctions, 'version', string.format('%.0f', math.max(version + 1, now)))
  redis.call('XADD', log, 'MAXLEN', '~', LOG_KEPT, '*', 'act', act, 'target', target, 'by', by, 'reason', reason,
    'until', ends)
  return { 'done', tonumber(ends) }
end

-- All sanctions, unless the caller has them.
-- KEYS: sanctions, sanction_ends       ARGV: version that the caller has ('': none)
-- Returns { version, field, value, ... }.
local function sanctions_since(keys, args)
  local version = redis.call('HGET', keys[1], 'version') or '0'
  local found = { version }
  if version == args[1] then return found end
  local fields = redis.call('ZRANGE', keys[2], 0, -1)
  for first = 1, #fields, READ_AT_ONCE do
    local last = math.min(#fields, first + READ_AT_ONCE - 1)
    local values = redis.call('HMGET', keys[1], unpack(fields, first, last))
    for i = first, last do
      local value = values[i - first + 1]
      if value then
        table.insert(found, fields[i])
        table.insert(found, value)
      end
    end
  end
  return found
end

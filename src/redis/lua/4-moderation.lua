-- Moderation: what the operator and the moderators have forbidden, and the log of who did what.
--
-- sanctions (hash): "<kind> <target>" -> "at until length by reason": both times in ms (until 0: for good), the length
--   of `by` in bytes. Kinds: ban, mute, kick. Target: "=" and a name, or "/" and a range of addresses.
--   The field `version` rises with each change. It is a time, so that it rises also after a change was lost.
--   A kick stays for a while, so that each gateway finds it there once.
-- sanction_ends (zset): "<kind> <target>" -> until (inf: for good)
-- moderation_log (stream): act, target, by, reason, until, id, role. Acts that are only noted here were done elsewhere.

do -- Lua has room for 200 locals outside of blocks

-- So many sanctions, and entries of the log, are kept.
local MOST_SANCTIONS, LOG_KEPT = 20000, 100000
-- Lua passes no more than some thousands of values to a command.
local READ_AT_ONCE = 1000
-- An act is looked for among so many of the newest entries: one that is done again after a lost answer is a minute old.
local LOOKED_THROUGH = 100

local LIFTS = { unban = 'ban', unmute = 'mute' }

local function lift(sanctions, all_ends, what)
  redis.call('HDEL', sanctions, what)
  return redis.call('ZREM', all_ends, what)
end

-- Until when the act with this id holds, if it is in the log already; and the id of its entry.
local function done_before(log, id, act, target)
  for _, entry in ipairs(redis.call('XREVRANGE', log, '+', '-', 'COUNT', LOOKED_THROUGH)) do
    local of = {}
    for i = 1, #entry[2], 2 do of[entry[2][i]] = entry[2][i + 1] end
    if of.id == id and of.act == act and of.target == target then
      return number_in(of['until']) or 0, entry[1]
    end
  end
end

local function write_entry(log, act, target, by, reason, ends, id, role)
  redis.call('XADD', log, 'MAXLEN', '~', LOG_KEPT, '*', 'act', act, 'target', target, 'by', by, 'reason', reason,
    'until', ends, 'id', id, 'role', role or '')
end

-- Does an act of moderation, and writes it into the log. Under the id of an act that was done it does nothing.
-- KEYS: sanctions, sanction_ends, moderation_log
-- ARGV: act ('ban' | 'mute' | 'kick' | 'unban' | 'unmute'), target, for ms (0: for good), by, reason, id
-- A WAIT that follows on the same connection covers it, also if it was done before.
-- Returns { 'done' | 'nothing' (it lifts what is not there) | 'full', until, connected replicas }.
local function moderate(keys, args)
  local sanctions, all_ends, log = keys[1], keys[2], keys[3]
  local act, target, for_ms, by, reason, id = args[1], args[2], tonumber(args[3]), args[4], args[5], args[6]
  expect('hash', sanctions)
  expect('zset', all_ends)
  expect('stream', log)
  local now = now_ms()
  ask_server(now)
  local ends = for_ms > 0 and string.format('%.0f', now + for_ms) or '0'
  local version = number_in(redis.call('HGET', sanctions, 'version')) or 0
  local before = done_before(log, id, act, target)
  if before then
    redis.call('HSET', sanctions, 'version', string.format('%.0f', version))
    return { 'done', before, server.replicas }
  end
  for _, ended in ipairs(redis.call('ZRANGE', all_ends, 0, string.format('%.0f', now), 'BYSCORE')) do
    lift(sanctions, all_ends, ended)
  end
  if LIFTS[act] then
    if lift(sanctions, all_ends, LIFTS[act] .. ' ' .. target) == 0 then
      return { 'nothing', 0, server.replicas }
    end
  else
    local what = act .. ' ' .. target
    if redis.call('ZCARD', all_ends) >= MOST_SANCTIONS then return { 'full', 0, server.replicas } end
    redis.call('HSET', sanctions, what, string.format('%.0f %s %d %s %s', now, ends, #by, by, reason))
    redis.call('ZADD', all_ends, ends == '0' and 'inf' or ends, what)
  end
  redis.call('HSET', sanctions, 'version', string.format('%.0f', math.max(version + 1, now)))
  write_entry(log, act, target, by, reason, ends, id)
  return { 'done', tonumber(ends), server.replicas }
end

-- Notes an act that is done elsewhere, once.
-- KEYS: moderation_log       ARGV: act, target, by, reason, id, role ('': none)       Returns connected replicas.
-- A WAIT that follows on the same connection covers it.
local function note_act(keys, args)
  local log = keys[1]
  local act, target, by, reason, id, role = unpack(args, 1, 6)
  expect('stream', log)
  ask_server(now_ms())
  local before, entry = done_before(log, id, act, target)
  if before then redis.call('XDEL', log, entry) end -- it is noted again: see A WAIT
  write_entry(log, act, target, by, reason, '0', id, role)
  return server.replicas
end

-- All sanctions that have not ended, unless the caller has them.
-- KEYS: sanctions, sanction_ends       ARGV: version that the caller has ('': none)
-- Returns { version, field, value, ... }.
local function sanctions_since(keys, args)
  local version = redis.call('HGET', keys[1], 'version') or '0'
  local found = { version }
  if version == args[1] then return found end
  local fields = redis.call('ZRANGE', keys[2], string.format('(%.0f', now_ms()), 'inf', 'BYSCORE')
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

register('moderate', moderate, 'allow-oom')
register('note_act', note_act, 'allow-oom')
register('sanctions_since', sanctions_since, 'no-writes')
end

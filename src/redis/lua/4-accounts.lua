-- Accounts: whose a name is. What proved it is compared in the step that claims the name (claim_proved).
--
-- account:<name> (hash): hash     the password, as src/identity/password-hasher.ts writes it
--                        version  another one after each change of the password
--                        share    by which the devices of the account share the name: claim's key, behind a "="
--                        role     absent: user
--                        token_role  of the token that was shown last; absent: user
--                        created  when the account was made
--                        revoked  tokens that were issued until then are worth nothing (there need be no account)
--                        login:<digest>  a login session, by the digest of its token: "began used client"
-- attempts:<name>.<network> (string): when all attempts are there again. A Redis that forgets it only forgives.
-- All times in ms since 1970, by this clock.

local KIND_REVOKED = 5

-- A login session's time of use is written at most so often.
local USED_EVERY_MS = 60 * 1000
-- Login sessions of an account.
local MOST_LOGINS = 32

local function read_login(kept)
  local began, used, client = string.match(kept, '^(%d+) (%d+) (.*)$')
  if began then return { began = tonumber(began), used = tonumber(used), client = client } end
end

local function write_login(account, digest, login)
  local kept = string.format('%.0f %.0f ', login.began, login.used) .. login.client
  redis.call('HSET', account, 'login:' .. digest, kept)
end

-- The login sessions that have not ended, each with its digest. Those that were not used for too long are dropped.
local function logins_of(account, now, idle_ms)
  local found, fields = {}, redis.call('HGETALL', account)
  for i = 1, #fields, 2 do
    local digest = string.match(fields[i], '^login:(.+)$')
    local login = digest and read_login(fields[i + 1])
    if login and now - login.used <= idle_ms then
      login.digest = digest
      table.insert(found, login)
    elseif digest then
      redis.call('HDEL', account, fields[i])
    end
  end
  table.sort(found, function(a, b) return a.used > b.used end)
  return found
end

-- Tells all gateways what was revoked. kind: 'login' (a digest), 'others' (a version, and a digest that stays),
-- 'tokens' (until when), 'name' (when: its user has left for good), 'role' (the one that the account has now)
local function announce_revoked(bucket, log, name, kind, what, but)
  local record = struct.pack('>I6', bucket.at)
  for _, field in ipairs({ kind, what, but or '', name }) do
    record = record .. struct.pack('B', #field) .. field
  end
  announce(bucket, log, KIND_REVOKED, record)
end

do -- Lua has room for 200 locals outside of blocks

-- Counts an attempt to log in by a password. (GCRA: the key holds when all attempts are there again.)
-- KEYS: account, attempts       ARGV: attempts at once, ms for another one
-- Returns { ms to wait }, or { 0, hash, version, share, role } with nils if there is no account.
-- A call that was made again counts twice.
local function try_password(keys, args)
  local account, attempts = keys[1], keys[2]
  local at_once, every_ms = tonumber(args[1]), tonumber(args[2])
  local now = now_ms()
  local kept = redis.call('HMGET', account, 'hash', 'version', 'share', 'role')
  local most = now + at_once * every_ms
  local found = number_in(redis.call('GET', attempts)) or 0
  if found > most then
    -- nobody wrote this by the present clock: it must not lock the user out
    redis.call('SET', attempts, string.format('%.0f', most), 'PX', string.format('%.0f', most - now))
    found = most
  end
  local full_at = math.max(found, now) + every_ms
  local wait = full_at - most
  if wait > 0 then return { math.ceil(wait) } end
  redis.call('SET', attempts, string.format('%.0f', full_at), 'PX', string.format('%.0f', full_at - now))
  return { 0, kept[1], kept[2], kept[3], kept[4] }
end

-- Makes an account.       KEYS: account, unregistered       ARGV: hash, version, share, name
-- Returns { 1, or 0 if there is one, or one that was there is still being cleared, connected replicas }.
local function create_account(keys, args)
  expect('hash', keys[1])
  local now = now_ms()
  ask_server(now)
  local _, clearing = unregistered_at(keys[2], args[4])
  if clearing then return { 0, server.replicas } end
  local kept = redis.call('HMGET', keys[1], 'version', 'created')
  local is_again = kept[1] == args[2]
  if kept[1] and not is_again then return { 0, server.replicas } end
  redis.call('HSET', keys[1], 'hash', args[1], 'version', args[2], 'share', args[3],
    'created', is_again and kept[2] or string.format('%.0f', now))
  return { 1, server.replicas }
end

-- Keeps the same password in another way.       KEYS: account       ARGV: version, hash       Returns 1 or 0.
local function rehash(keys, args)
  if redis.call('HGET', keys[1], 'version') ~= args[1] then return 0 end
  redis.call('HSET', keys[1], 'hash', args[2])
  return 1
end

-- Changes the password, if the account still has that version ('': whatever it has; there need be none). Ends all login
-- sessions but one.
-- KEYS: meta, log, account       ARGV: name, version that is changed, hash, version, share, digest that stays
-- Returns { 1 or 0, connected replicas }.
local function set_password(keys, args)
  local meta, log, account = unpack(keys)
  local name, was, hash, version, share, but = unpack(args, 1, 6)
  expect('stream', log)
  expect('hash', account)
  local kept = redis.call('HMGET', account, 'version', 'share', 'created')
  local bucket = open(meta, 'to write')
  if kept[1] == version then -- called again: a WAIT covers what its connection writes
    redis.call('HSET', account, 'version', version)
    return { 1, bucket.replicas }
  end
  if was ~= '' and kept[1] ~= was then return { 0, bucket.replicas } end
  redis.call('HSET', account, 'hash', hash, 'version', version, 'share', kept[2] or share,
    'created', kept[3] or string.format('%.0f', bucket.now))
  for _, field in ipairs(redis.call('HKEYS', account)) do
    if string.sub(field, 1, 6) == 'login:' and field ~= 'login:' .. but then redis.call('HDEL', account, field) end
  end
  announce_revoked(bucket, log, name, 'others', version, but)
  return { 1, bucket.replicas }
end

-- Begins a login session, if the account still has that version. If there are too many, ends the one that was used longest
-- ago.       KEYS: meta, log, account       ARGV: name, version, digest, idle ms, client       Returns 1 or 0.
local function begin_login(keys, args)
  local meta, log, account = unpack(keys)
  local name, version, digest, idle_ms, client = unpack(args, 1, 5)
  expect('stream', log)
  expect('hash', account)
  if redis.call('HGET', account, 'version') ~= version then return 0 end
  if redis.call('HEXISTS', account, 'login:' .. digest) == 1 then return 1 end -- called again
  local now = now_ms()
  local logins = logins_of(account, now, tonumber(idle_ms))
  local bucket = #logins >= MOST_LOGINS and open(meta, 'to write')
  write_login(account, digest, { began = now, used = now, client = client })
  if bucket then
    for i = MOST_LOGINS, #logins do
      redis.call('HDEL', account, 'login:' .. logins[i].digest)
      announce_revoked(bucket, log, name, 'login', logins[i].digest)
    end
  end
  return 1
end

-- The account of a login session that has not ended.
-- KEYS: account       ARGV: digest, idle ms       Returns { version, share, role } or {}.
local function find_login(keys, args)
  local kept = redis.call('HMGET', keys[1], 'login:' .. args[1], 'version', 'share', 'role')
  local login = kept[1] and read_login(kept[1])
  if not login or now_ms() - login.used > tonumber(args[2]) then return {} end
  return { kept[2], kept[3], kept[4] }
end

-- KEYS: account       ARGV: idle ms       Returns { digest, began, used, client, ... }: the one that was used last first.
local function list_logins(keys, args)
  local found = {}
  for _, login in ipairs(logins_of(keys[1], now_ms(), tonumber(args[1]))) do
    table.insert(found, login.digest)
    table.insert(found, login.began)
    table.insert(found, login.used)
    table.insert(found, login.client)
  end
  return found
end

-- Ends login sessions: those whose digest begins so ('one'); or all but one digest, and what came by the password alone:
-- the account gets another version ('others').
-- KEYS: meta, log, account       ARGV: name, 'one' | 'others', beginning | digest, version
-- Returns { how many, connected replicas }.
local function end_logins(keys, args)
  local meta, log, account = unpack(keys)
  local name, which, digest, version = unpack(args, 1, 4)
  expect('stream', log)
  expect('hash', account)
  local bucket = open(meta, 'to write')
  if redis.call('HEXISTS', account, 'hash') == 0 then return { 0, bucket.replicas } end
  local ended = 0
  for _, field in ipairs(redis.call('HKEYS', account)) do
    local own = string.match(field, '^login:(.+)$')
    local is_named = own and (which == 'one' and string.sub(own, 1, #digest) == digest)
    if own and (is_named or (which == 'others' and own ~= digest)) then
      redis.call('HDEL', account, field)
      ended = ended + 1
      if is_named then announce_revoked(bucket, log, name, 'login', own) end
    end
  end
  if which == 'others' then
    redis.call('HSET', account, 'version', version)
    announce_revoked(bucket, log, name, 'others', version, digest)
  end
  return { ended, bucket.replicas }
end

-- Revokes the tokens of a user that were issued until now.
-- KEYS: meta, log, account       ARGV: name
-- Returns { the time, connected replicas }.
local function revoke_tokens(keys, args)
  local meta, log, account = unpack(keys)
  expect('stream', log)
  expect('hash', account)
  local bucket = open(meta, 'to write')
  local now = string.format('%.0f', bucket.now)
  redis.call('HSET', account, 'revoked', now)
  announce_revoked(bucket, log, args[1], 'tokens', now)
  return { now, bucket.replicas }
end

-- Gives the user of an account a role, and tells all gateways.
-- KEYS: meta, log, account       ARGV: name, role       Returns { 1, or 0 if there is no account, connected replicas }.
local function set_role(keys, args)
  local meta, log, account = unpack(keys)
  local name, role = args[1], args[2]
  expect('stream', log)
  local bucket = open(meta, 'to write')
  if redis.call('HEXISTS', account, 'hash') == 0 then return { 0, bucket.replicas } end
  redis.call('HSET', account, 'role', role)
  announce_revoked(bucket, log, name, 'role', role)
  return { 1, bucket.replicas }
end

-- Whether what proved a name is still good; and the login session, if it was one.
local PROVES = {
  login = function(account, digest, idle_ms)
    local kept = redis.call('HGET', account, 'login:' .. digest)
    local login = kept and read_login(kept)
    return login and now_ms() - login.used <= tonumber(idle_ms), login
  end,
  password = function(account, version) return redis.call('HGET', account, 'version') == version end,
  token = function(account, issued_at)
    -- what is damaged may have revoked it
    return tonumber(issued_at) > (written_number(redis.call('HGET', account, 'revoked'), 'account') or -1)
  end,
}

-- Notes the role that a token gives: whoever acts on this user must have a higher one.
local function note_token_role(account, role)
  local kept = redis.call('HGET', account, 'token_role') or 'user'
  if kept == role then return end
  if role == 'user' then redis.call('HDEL', account, 'token_role') else redis.call('HSET', account, 'token_role', role) end
end

-- Claims a name for a session, if what proved that the name is its user's was not revoked meanwhile.
-- KEYS: those of claim, then account       ARGV: 'login' | 'password' | 'token', what of it, idle ms, role; then those of
--   claim
-- Returns what claim returns, and behind it, of an account, the role that it has now; or { 'revoked' }.
local function claim_proved(keys, args)
  local account = table.remove(keys)
  local kind, what, idle_ms = table.remove(args, 1), table.remove(args, 1), table.remove(args, 1)
  local role = table.remove(args, 1)
  expect('hash', account)
  local is_good, login = PROVES[kind](account, what, idle_ms)
  if not is_good then return { 'revoked' } end
  local answer = claim(keys, args)
  if kind == 'token' then
    note_token_role(account, role)
  elseif answer[4] then
    answer[6] = redis.call('HGET', account, 'role') or 'user'
  end
  local now = now_ms()
  if login and now - login.used > USED_EVERY_MS then
    login.used = now
    write_login(account, what, login)
  end
  return answer
end

register('claim_proved', announcing(claim_proved))
register('try_password', try_password)
register('create_account', create_account)
register('rehash', rehash)
register('set_password', announcing(set_password))
register('begin_login', announcing(begin_login))
register('find_login', find_login, 'no-writes')
register('list_logins', list_logins)
register('end_logins', announcing(end_logins), 'allow-oom')
register('set_role', announcing(set_role), 'allow-oom')
register('revoke_tokens', announcing(revoke_tokens), 'allow-oom')
end

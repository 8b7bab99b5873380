-- Blocks: who blocks somebody gets no private messages from there.
--
-- account:<name> (hash): block:<other>  since when `name` blocks `other`. This counts.
-- conversation (hash) of both: blocks:<name>  a hint that `name` may block the other one, for `append`, which reads this
--   hash anyway. While there is one, the conversation does not expire. It may be there in vain: whoever is refused by it
--   asks whether the block still stands.

do -- Lua has room for 200 locals outside of blocks

-- A hundred years. PERSIST would be one right more that gateways need.
local NEVER_MS = '3155760000000'

-- KEYS: account       ARGV: other, 'on' | 'off', most
-- Returns { 'done' | 'full', connected replicas }.
local function set_block(keys, args)
  local account, other, way, most = keys[1], args[1], args[2], tonumber(args[3])
  expect('hash', account)
  local now = now_ms()
  ask_server(now)
  local field = 'block:' .. other
  if way == 'off' then
    redis.call('HDEL', account, field)
    return { 'done', server.replicas }
  end
  local count = 0
  for _, each in ipairs(redis.call('HKEYS', account)) do
    if each ~= field and string.sub(each, 1, 6) == 'block:' then count = count + 1 end
  end
  if count >= most then return { 'full', server.replicas } end
  redis.call('HSET', account, field, string.format('%.0f', now))
  return { 'done', server.replicas }
end

-- KEYS: conversation       ARGV: name, 'on' | 'off', ms for which the conversation is kept without a hint
-- Returns { 1, connected replicas }.
local function hint_block(keys, args)
  local conversation, name, way, keep_ms = keys[1], args[1], args[2], tonumber(args[3])
  expect('hash', conversation)
  ask_server(now_ms())
  if way == 'on' then
    redis.call('HSET', conversation, 'blocks:' .. name, '1')
    redis.call('PEXPIRE', conversation, NEVER_MS)
  elseif redis.call('HDEL', conversation, 'blocks:' .. name) == 1 then
    local has_other = false
    for _, field in ipairs(redis.call('HKEYS', conversation)) do
      if string.sub(field, 1, 7) == 'blocks:' then has_other = true end
    end
    if not has_other then redis.call('PEXPIRE', conversation, keep_ms + DAY_MS) end
  end
  return { 1, server.replicas }
end

-- Whether a block stands: it ends with the tenure of who imposed it.
-- KEYS: account, users, owners       ARGV: name, other, 'tenure' | 'name' (it stays whoever has the name)       Returns 1 or 0.
local function is_blocked(keys, args)
  local account, users, owners = keys[1], keys[2], keys[3]
  local name, other, way = args[1], args[2], args[3]
  local at = number_in(redis.call('HGET', account, 'block:' .. other))
  if not at then return 0 end
  if way == 'name' then return 1 end
  local owner, user = read_owner(owners, name), read_user({ users = users }, name)
  local is_held = user and user.status ~= DISCONNECTED
  local since = owner and owner.since or is_held and tonumber(user.since) or 0
  return at >= since and 1 or 0
end

-- KEYS: account       ARGV: since       Returns whom the user has blocked since then, the newest first.
local function list_blocks(keys, args)
  local since, found, fields = tonumber(args[1]), {}, redis.call('HGETALL', keys[1])
  for i = 1, #fields, 2 do
    local other = string.match(fields[i], '^block:(.+)$')
    local at = other and number_in(fields[i + 1])
    if at and at >= since then table.insert(found, { other = other, at = at }) end
  end
  table.sort(found, function(a, b) return a.at > b.at end)
  local names = {}
  for i, each in ipairs(found) do names[i] = each.other end
  return names
end

register('set_block', set_block, 'allow-oom')
register('hint_block', hint_block, 'allow-oom')
register('is_blocked', is_blocked, 'no-writes')
register('list_blocks', list_blocks, 'no-writes')
end

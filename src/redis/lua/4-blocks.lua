-- Blocks: who blocks somebody gets no private messages from there.
--
-- account:<name> (hash): block:<other>  since when `name` blocks `other`. This counts.
-- conversation (hash) of both: blocks:<name>  a hint that `name` may block the other one, for `append`, which reads this
--   hash anyway. While there is one, the conversation does not expire. It may be there in vain: whoever is refused by it
--   asks whether the block still stands. It goes when its user leaves for good or is forgotten (redis/block-hints.ts).

do -- Lua has room for 200 locals outside of blocks

-- A hundred years. PERSIST would be one right more that gateways need.
local NEVER_MS = '3155760000000'

-- Blocks of former owners of the name count no more: they go.
-- KEYS: account       ARGV: other, since when the user has the name, most
-- Returns { 'done' | 'full', connected replicas, whom former owners had blocked ... }.
local function set_block(keys, args)
  local account, other, since, most = keys[1], args[1], tonumber(args[2]), tonumber(args[3])
  expect('hash', account)
  local now = now_ms()
  ask_server(now)
  local field, count, found, lapsed = 'block:' .. other, 0, { 'done', server.replicas }, {}
  local fields = redis.call('HGETALL', account)
  for i = 1, #fields, 2 do
    local each = string.match(fields[i], '^block:(.+)$')
    if each and (number_in(fields[i + 1]) or 0) < since then
      lapsed[#lapsed + 1], found[#found + 1] = fields[i], each ~= other and each or nil
    elseif each and each ~= other then
      count = count + 1
    end
  end
  if count >= most then return { 'full', server.replicas } end
  for _, each in ipairs(lapsed) do redis.call('HDEL', account, each) end
  redis.call('HSET', account, field, string.format('%.0f', now))
  return found
end

-- KEYS: account       ARGV: other       Returns { 'done', connected replicas }.
local function unset_block(keys, args)
  expect('hash', keys[1])
  ask_server(now_ms())
  redis.call('HDEL', keys[1], 'block:' .. args[1])
  return { 'done', server.replicas }
end

-- KEYS: conversation       ARGV: name       Returns { 1, connected replicas }.
local function hint_block(keys, args)
  local conversation, name = keys[1], args[1]
  expect('hash', conversation)
  ask_server(now_ms())
  redis.call('HSET', conversation, 'blocks:' .. name, '1')
  redis.call('PEXPIRE', conversation, NEVER_MS)
  return { 1, server.replicas }
end

-- KEYS: conversation       ARGV: name, ms for which the conversation is kept without a hint
-- Returns { 1, connected replicas }.
local function unhint_block(keys, args)
  local conversation, name, keep_ms = keys[1], args[1], tonumber(args[2])
  expect('hash', conversation)
  ask_server(now_ms())
  if redis.call('HDEL', conversation, 'blocks:' .. name) == 1 then
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

register('set_block', set_block)
register('unset_block', unset_block, 'allow-oom')
register('hint_block', hint_block)
register('unhint_block', unhint_block, 'allow-oom')
register('is_blocked', is_blocked, 'no-writes')
register('list_blocks', list_blocks, 'no-writes')
end

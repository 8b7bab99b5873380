-- What is kept of a user, for the user: all but the conversations, and the user's own messages to everybody.

do -- Lua has room for 200 locals outside of blocks

-- What is kept of a user besides messages.       KEYS: users, owners, account       ARGV: name, since
-- Returns status, since, since when the name is the owner's, when the account was made, role, until when tokens are revoked;
-- each as text, or false; and then whom the user blocks: who has had the name before `since` is somebody else.
local function kept_of_user(keys, args)
  local user, owner = read_user({ users = keys[1] }, args[1]), read_owner(keys[2], args[1])
  local account = redis.call('HMGET', keys[3], 'created', 'role', 'revoked')
  local found = {
    user and tostring(user.status), user and user.since, owner and string.format('%.0f', owner.since),
    account[1], account[2], account[3],
  }
  for i = 1, 6 do found[i] = found[i] or false end
  local fields = redis.call('HGETALL', keys[3])
  for i = 1, #fields, 2 do
    local other = string.match(fields[i], '^block:(.+)$')
    if other and (number_in(fields[i + 1]) or 0) >= tonumber(args[2]) then found[#found + 1] = other end
  end
  return found
end

-- What one author wrote in a conversation behind a number, oldest first, and is not nobody's.
-- KEYS: conversation, history       ARGV: author, number, ms kept, since, most messages looked at, and of how many bytes
-- Returns { the number up to which it has looked or -1 if there is nothing more, record, ... }.
local function written_by(keys, args)
  local conversation, history = unpack(keys)
  local author, seq, most, most_bytes = args[1], tonumber(args[2]), tonumber(args[5]), tonumber(args[6])
  local has_written = redis.call('HEXISTS', conversation, wrote_field(author)) == 1
  local floor = has_written and first_shown(history, oldest_shown(args[3], args[4]))
  if not floor then return { -1 } end
  local neutral = neutral_in(conversation) or function(record) return record end
  local found, looked, size = { -1 }, 0, 0
  local first = string.format('%.0f-0', math.max(seq + 1, floor))
  while true do
    local entries = redis.call('XRANGE', history, first, '+', 'COUNT', READ_AT_ONCE)
    for _, entry in ipairs(entries) do
      local record = record_of(entry)
      local mid_end = 19 + (string.byte(record, 19) or 0)
      local written = record ~= '' and struct.unpack('Bc0', record, mid_end + 1)
      size = size + #record
      if written == author and neutral(record) == record then found[#found + 1] = record end
    end
    if #entries < READ_AT_ONCE then return found end
    looked = looked + #entries
    first = '(' .. entries[#entries][1]
    if looked >= most or size >= most_bytes then
      found[1] = tonumber(string.match(entries[#entries][1], '^%d+'))
      return found
    end
  end
end

register('kept_of_user', kept_of_user, 'no-writes')
register('written_by', written_by, 'no-writes')
end

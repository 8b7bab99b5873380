-- Messages whose authors have left for good: they stay, and nobody is told who wrote them. Entries of a stream cannot be
-- rewritten, so the conversation says which messages of a name are nobody's, and reading puts NOBODY in its place.
--
-- conversation (hash): gone           the highest number of such a message; absent: there is none
--                      gone:<author>  "from-to from-to ...": numbers between which the messages of this name are nobody's
-- (Releases before 0.3 know nothing of it: they show the name as long as its messages are kept.)

-- No user can have this name.
local NOBODY = '~'
-- So many times a name can be left for good within the time that messages are kept; then the two oldest become one.
local RANGES_KEPT = 8

local function gone_field(author)
  return 'gone:' .. author
end

-- Notes that what this author wrote between two numbers is nobody's.
local function make_nobodys(conversation, author, from, to)
  local kept = redis.call('HMGET', conversation, 'gone', gone_field(author))
  local ranges = {}
  for first, last in string.gmatch(kept[2] or '', '(%d+)%-(%d+) ') do
    ranges[#ranges + 1] = { from = tonumber(first), to = tonumber(last) }
  end
  local newest = ranges[#ranges]
  if newest and newest.from <= to and newest.to >= from then
    newest.from, newest.to = math.min(newest.from, from), math.max(newest.to, to)
  else
    ranges[#ranges + 1] = { from = from, to = to }
  end
  if #ranges > RANGES_KEPT then
    ranges[2].from = ranges[1].from
    table.remove(ranges, 1)
  end
  for i, range in ipairs(ranges) do ranges[i] = string.format('%.0f-%.0f ', range.from, range.to) end
  redis.call('HSET', conversation, 'gone', string.format('%.0f', math.max(number_in(kept[1]) or 0, to)),
    gone_field(author), table.concat(ranges))
end

local function is_nobodys(ranges, seq)
  for from, to in string.gmatch(ranges, '(%d+)%-(%d+) ') do
    if seq >= tonumber(from) and seq <= tonumber(to) then return true end
  end
  return false
end

-- A record, or the beginning of one, with NOBODY as its author.
local function by_nobody(record)
  local at = 20 + (string.byte(record, 19) or 0)
  local length = string.byte(record, at) or 0
  return string.sub(record, 1, at - 1) .. struct.pack('B', #NOBODY) .. NOBODY .. string.sub(record, at + length + 1)
end

-- What puts NOBODY in the place of authors in the records of this conversation; nil if there is none to be put there.
local function neutral_in(conversation)
  local last = number_in(redis.call('HGET', conversation, 'gone'))
  if not last then return nil end
  local known = {}
  return function(record)
    if record == '' then return record end
    local seq = select(3, struct.unpack('>I6I6I6', record))
    if seq > last then return record end
    local author_at = 20 + (string.byte(record, 19) or 0)
    local length = string.byte(record, author_at) or 0
    local author = string.sub(record, author_at + 1, author_at + length)
    local ranges = known[author]
    if ranges == nil then
      ranges = redis.call('HGET', conversation, gone_field(author))
      known[author] = ranges
    end
    if not ranges or not is_nobodys(ranges, seq) then return record end
    return by_nobody(record)
  end
end

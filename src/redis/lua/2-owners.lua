-- Owners: to whom a name belongs when nobody holds it.
--
-- owners (hash): name -> "digest since kept": of the key with which somebody took the name, and showed that key; since when
--   this owner has the name; 1 if nobody else gets it for a while after it was left, else 0. Releases before 0.3 know
--   nothing of it: while one serves, others can take a name through it.

-- Of a damaged record, nobody knows the key: the name is kept until its time is over, and then given to whoever comes.
local UNKNOWN_OWNER = { digest = '', since = 0, is_kept = true }

-- Who has taken a name with a key, or nil.
local function read_owner(owners, name)
  local record = redis.call('HGET', owners, name)
  if not record then return nil end
  local digest, since, kept = string.match(record, '^(%S+) (%d+) ([01])$')
  since = number_in(since)
  return since and { digest = digest, since = since, is_kept = kept == '1' } or UNKNOWN_OWNER
end

-- Whether a name that is not held is kept for its owner. `since`: when it was left; a time in the future (the clock was
-- set back) counts as now.
local function is_kept_for(owner, since, now, kept_ms)
  return owner and owner.is_kept and now - tonumber(since) < kept_ms
end

-- unregistered (hash): name -> "at" (ms): its last user left for good then. It stays for as long as messages are kept. Or
--   "at since erases", while what is kept of that user is being cleared: until then nobody gets the name. since: from when
--   on the name was this user's (0: all that there is of the name); 1 if its messages go as well, else 0

-- When the last user of this name left for good, or 0; and how that user is being cleared: a table, or nil. What is damaged
-- counts as none.
local function unregistered_at(unregistered, name)
  local kept = redis.call('HGET', unregistered, name)
  if not kept then return 0 end
  local at, since, erases = string.match(kept, '^(%d+) (%d+) ([01])$')
  if number_in(at) and number_in(since) then
    return tonumber(at), { since = tonumber(since), erases = tonumber(erases) }
  end
  return number_in(string.match(kept, '^%d+$')) or 0
end

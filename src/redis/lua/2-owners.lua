-- Owners: to whom a name belongs when nobody holds it.
--
-- owners (hash): name -> "digest since kept": of the key with which somebody took the name, and showed that key; since when
--   this owner has the name; 1 if nobody else gets it for a while after it was left, else 0. Releases before 0.3 know
--   nothing of it: while one serves, others can take a name through it.

-- Who has taken a name with a key, or nil. A record that cannot be read is none.
local function read_owner(owners, name)
  local digest, since, kept = string.match(redis.call('HGET', owners, name) or '', '^(%S+) (%d+) ([01])$')
  return digest and { digest = digest, since = tonumber(since), is_kept = kept == '1' }
end

-- Whether a name that is not held is kept for its owner. `since`: when it was left; a time in the future (the clock was
-- set back) counts as now.
local function is_kept_for(owner, since, now, kept_ms)
  return owner and owner.is_kept and now - tonumber(since) < kept_ms
end

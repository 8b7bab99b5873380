-- Claiming a name: whether it is free, and since when its owner has it.

-- Stores the owner of a name that is held, if the holder has shown the key. Returns since when the holder has the name.
-- `was`: the last owner, if any; `since`: when this holding of the name began
local function own(bucket, name, was, digest, keeps, since)
  local is_same = was and was.digest == digest
  local begun = is_same and was.since or since
  -- a device that does not ask for it does not end what another one has asked for
  local is_known = keeps == '-' or (is_same and (was.is_kept or keeps == '0'))
  if not is_known then
    redis.call('HSET', bucket.owners, name, string.format('%s %.0f %s', digest, begun, keeps))
  elseif was and not is_same then
    redis.call('HDEL', bucket.owners, name)
  end
  return begun
end

-- Claims a name for a session. Devices with the same key share it.
-- ARGV: name, session, incarnation, stall ms, most devices, key ('-': not shared), digest of the key, keeps, kept ms,
--   address (absent: not stored)
-- keeps: '1', the client has shown the key, and wants the name kept for it for `kept ms` after it was left; '0', the
--   client has shown it, and others may have the name meanwhile; '-', the node has made the key, or there is none; 'p',
--   the name was proved to be the client's own: it is not kept for anybody else
-- KEYS: those of users, owners, unregistered
-- Returns { 'new' | 'back' | 'joined' | 'held', generation, offset, since, former } or { 'taken' | 'kept' }: the position of
--   the announcement; or the head, if there was no announcement (another device is there, or the session held the name
--   already). since: the time (ms) from which on the name has been this owner's. former: until when somebody had it who
--   has left for good, or 0. While that one's traces are being cleared, nobody gets the name ('kept').
local function claim(keys, args)
  local name, session, incarnation = args[1], args[2], args[3]
  local stall_ms, max_devices, key = tonumber(args[4]), tonumber(args[5]), args[6]
  local digest, keeps, kept_ms, address = args[7] or '-', args[8] or '-', tonumber(args[9] or 0), args[10]
  local bucket = open_users(keys, 'mixed', 'beat', 'beat_ids')
  require_member(bucket, bucket.nodes, incarnation)
  local former, clearing = unregistered_at(keys[10], name)
  if clearing then return { 'kept' } end
  local user, owner = require_user(bucket, name), read_owner(bucket.owners, name)
  local own_hold = holder_of(user, session)
  if own_hold then
    if own_hold.node ~= incarnation then
      own_hold.node = incarnation
      redis.call('SADD', bucket.owned, name)
      write_user(bucket, name, user)
    end
    local since = owner and owner.digest == digest and owner.since or tonumber(user.since)
    return { 'held', bucket.generation, bucket.offset, since, former }
  end
  local cause = user and 'back' or 'new'
  local left_at = user and user.status == DISCONNECTED and user.since or bucket.now
  user = user or { status = DISCONNECTED, holders = {}, key = '-' }
  drop_holders(user, function(holder)
    return has_ended(bucket, bucket.nodes, holder.node, stall_ms)
  end)
  local is_shared = #user.holders > 0
  local is_same_key = key ~= '-' and (user.key == key or user.key == '=' .. digest)
  if is_shared and (not is_same_key or #user.holders >= max_devices) then
    return { 'taken' }
  end
  local is_anothers = owner and owner.digest ~= digest
  if keeps == 'p' then
    keeps = '1'
  elseif is_anothers and not is_shared and is_kept_for(owner, left_at, bucket.now, kept_ms) then
    return { 'kept' }
  end
  redis.call('SADD', bucket.owned, name)
  table.insert(user.holders, { session = session, node = incarnation })
  user.address = address or (is_shared and user.address or nil)
  if is_shared then
    -- the status stays: devices also come back by themselves
    write_user(bucket, name, user)
    local since = tonumber(user.since)
    -- only a gateway of 0.2 lets somebody hold what is kept for another
    local is_trespassing = is_anothers and owner.is_kept
    if not is_trespassing then since = own(bucket, name, owner, digest, keeps, since) end
    return { 'joined', bucket.generation, bucket.offset, since, former }
  end
  -- a gateway of 0.2 compares the key itself
  local more = bucket.more
  local is_mixed = more.mixed ~= false or more.beat ~= more.beat_ids
  user.key = (key == '-' or digest == '-' or is_mixed) and key or '=' .. digest
  user.since = string.format('%.0f', bucket.now)
  local since = own(bucket, name, owner, digest, keeps, bucket.now)
  change_status(bucket, name, user, ACTIVE, cause)
  return { cause, bucket.generation, bucket.offset, since, former }
end

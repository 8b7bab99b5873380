-- The doors. Names carry the library's version, so that two versions can serve side by side during
-- an upgrade. `allow-oom`: must work when Redis is full, and frees more than it takes.

local function register(name, callback, ...)
  redis.register_function({ function_name = name .. '_VERSION', callback = callback, flags = { ... } })
end

-- The last argument of a function that may announce something is the newest position that its caller has seen.
local function from_seen(callback)
  return function(keys, args)
    local g, n = string.match(table.remove(args), '^(%d+)-(%d+)$')
    seen = { g = tonumber(g), n = tonumber(n) }
    return callback(keys, args)
  end
end

register('claim', from_seen(claim))
register('append', from_seen(append))
register('leave', from_seen(leave), 'allow-oom')
register('set_status', from_seen(set_status), 'allow-oom')
register('touch', from_seen(touch), 'allow-oom')
register('lookup', lookup, 'no-writes')
register('roster', roster, 'no-writes')
register('history', history, 'no-writes')
register('present', present, 'no-writes')
register('conversations', conversations, 'no-writes')
register('extents', extents, 'no-writes')
register('page', page, 'no-writes')
register('mark_read', mark_read)
register('beat', from_seen(beat), 'allow-oom')
register('retire', retire, 'allow-oom')
register('disown', from_seen(disown), 'allow-oom')
register('sweep', from_seen(sweep), 'allow-oom')
register('reap', from_seen(reap), 'allow-oom')
register('elect', from_seen(elect), 'allow-oom')
register('resign', resign, 'allow-oom')

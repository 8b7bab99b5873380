-- The doors. Names carry the library's version, so that two versions can serve side by side during
-- an upgrade. `allow-oom`: must work when Redis is full, and frees more than it takes.

local function register(name, callback, ...)
  redis.register_function({ function_name = name .. '_VERSION', callback = callback, flags = { ... } })
end

register('claim', claim)
register('append', append)
register('leave', leave, 'allow-oom')
register('set_status', set_status, 'allow-oom')
register('touch', touch, 'allow-oom')
register('lookup', lookup, 'no-writes')
register('roster', roster, 'no-writes')
register('history', history, 'no-writes')
register('present', present, 'no-writes')
register('conversations', conversations, 'no-writes')
register('extents', extents, 'no-writes')
register('page', page, 'no-writes')
register('mark_read', mark_read)
register('beat', beat, 'allow-oom')
register('retire', retire, 'allow-oom')
register('disown', disown, 'allow-oom')
register('sweep', sweep, 'allow-oom')
register('reap', reap, 'allow-oom')
register('elect', elect, 'allow-oom')
register('resign', resign, 'allow-oom')

-- Registration. Function names end in the library's version, so that two versions can serve side by side
-- during an upgrade. `allow-oom`: has to work when Redis is full, and frees more than it takes.

local function register(name, callback, ...)
  redis.register_function({ function_name = name .. '_VERSION', callback = callback, flags = { ... } })
end

-- The last argument of a function that may announce something is the newest position that its caller has seen.
local function announcing(callback)
  return function(keys, args)
    local generation, offset = string.match(table.remove(args), '^(%d+)-(%d+)$')
    seen.generation, seen.offset = number_in(generation) or 0, number_in(offset) or 0
    return callback(keys, args)
  end
end

register('claim', announcing(claim))
register('claim_proved', announcing(claim_proved))
register('try_password', try_password)
register('create_account', create_account)
register('rehash', rehash)
register('set_password', announcing(set_password))
register('begin_login', announcing(begin_login))
register('find_login', find_login, 'no-writes')
register('list_logins', list_logins)
register('end_logins', announcing(end_logins), 'allow-oom')
register('revoke_tokens', announcing(revoke_tokens), 'allow-oom')
register('append', announcing(append))
register('leave', announcing(leave), 'allow-oom')
register('set_status', announcing(set_status), 'allow-oom')
register('touch', announcing(touch), 'allow-oom')
register('lookup', lookup, 'no-writes')
register('roster', roster, 'no-writes')
register('history', history, 'no-writes')
register('present', present, 'no-writes')
register('conversations', conversations, 'no-writes')
register('extents', extents, 'no-writes')
register('page', page, 'no-writes')
register('mark_read', mark_read)
register('drop_former_mark', drop_former_mark, 'allow-oom')
register('beat', announcing(beat), 'allow-oom')
register('retire', retire, 'allow-oom')
register('disown', announcing(disown), 'allow-oom')
register('sweep', announcing(sweep), 'allow-oom')
register('reap', announcing(reap), 'allow-oom')
register('forgettable', forgettable, 'no-writes')
register('have_inboxes', have_inboxes, 'no-writes')
register('forget_writers', announcing(forget_writers), 'allow-oom')
register('forget', announcing(forget), 'allow-oom')
register('forget_marks', forget_marks, 'allow-oom')
register('elect', announcing(elect), 'allow-oom')
register('resign', resign, 'allow-oom')
register('moderate', moderate, 'allow-oom')
register('sanctions_since', sanctions_since, 'no-writes')

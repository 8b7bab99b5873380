-- The functions that are not registered where they are written (1-register.lua).

register('claim', announcing(claim))
register('append', announcing(append))
register('leave', announcing(leave), 'allow-oom')
register('set_status', announcing(set_status), 'allow-oom')
register('touch', announcing(touch), 'allow-oom')
register('lookup', lookup, 'no-writes')
register('roster', roster, 'no-writes')
register('present', present, 'no-writes')
register('remove', announcing(remove))

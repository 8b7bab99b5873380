-- Cuts who is connected to a gateway that has been down for a while: a frozen one closes nothing
-- itself, and its clients would wait for ever. Not `on-marked-down shutdown-sessions`: in HAProxy
-- 3.0.11 that leaves connections that are just being made hanging without a timeout. Two seconds after a
-- server has left the rotation there are none.

local DOWN_FOR_SECONDS = 2

core.register_task(function()
  while true do
    core.msleep(500)
    for _, server in pairs(core.backends.gateways.servers) do
      local stats = server:get_stats()
      local is_down = stats.status:find('^DOWN') or stats.status:find('^MAINT')
      if is_down and stats.scur > 0 and stats.lastchg >= DOWN_FOR_SECONDS then
        core.Warning('cutting ' .. stats.scur .. ' connections to ' .. stats.svname)
        server:shut_sess()
      end
    end
  end
end)

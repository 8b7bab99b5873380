-- Cuts who is connected to a gateway that is of no use, but closes nothing itself: its clients would
-- wait for ever. A silent one (frozen, or gone) soon; one that says 503 only after others have served
-- for a while: while Redis is away all say so, and nobody is better off elsewhere. Not `on-marked-down
-- shutdown-sessions`: that knows no difference, and in HAProxy 3.0.11 it leaves connections that are
-- just being made hanging without a timeout. Two seconds after a server has left the rotation there
-- are none.

local SILENT_FOR_SECONDS = 2
local BROKEN_FOR_SECONDS = 10

local function longest_up(all)
  local longest = 0
  for _, stats in pairs(all) do
    if stats.status:find('^UP') then longest = math.max(longest, stats.lastchg) end
  end
  return longest
end

local function is_useless(stats, others_up_for)
  if stats.status:find('^DOWN') and stats.check_status:find('L7STS') then
    return math.min(stats.lastchg, others_up_for) >= BROKEN_FOR_SECONDS
  end
  local is_down = stats.status:find('^DOWN') or stats.status:find('^MAINT')
  return is_down and stats.lastchg >= SILENT_FOR_SECONDS
end

core.register_task(function()
  while true do
    core.msleep(500)
    local all = {}
    for _, server in pairs(core.backends.gateways.servers) do all[server] = server:get_stats() end
    local up_for = longest_up(all)
    for server, stats in pairs(all) do
      if stats.scur > 0 and is_useless(stats, up_for) then
        core.Warning('cutting ' .. stats.scur .. ' connections to ' .. stats.svname)
        server:shut_sess()
      end
    end
  end
end)

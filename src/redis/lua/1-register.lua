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

-- The environment of a script in the menu: all of Lua in Studio; in free 21.1 what it leaves of Lua.
local edition, host, exists = ...
local env = {
  resolve = host.resolve, fusion = host.fusion, loadfile = loadfile, loadstring = loadstring, setfenv = setfenv,
  pairs = pairs, ipairs = ipairs, pcall = pcall, error = error, type = type, select = select, unpack = unpack,
  tostring = tostring, tonumber = tonumber, string = string, table = table, math = math, jit = { os = jit.os },
  os = { getenv = os.getenv, time = os.time, clock = os.clock }, print = function() end,
  bmd = { fileexists = exists, direxists = exists, createuuid = function() return "u" end },
}
if edition ~= "free" then
  env.io, env.os, env.require, env.debug, env.print = io, os, require, debug, host.print
end
if edition == "external" then -- fuscript, outside Resolve
  env.resolve, env.fusion, env.Resolve = nil, nil, function() return host.resolve or nil end
end
return setmetatable(env, { __newindex = function(_, name) error("the script assigns the global " .. name) end })

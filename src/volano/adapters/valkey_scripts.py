"""What the server does at one moment: programs in Lua, for the keys of one home.

Under the prefix of a home lie, for each kind, a hash of records (`Kind`) and a sorted set of their keys
(`Kind:keys`), all with score 0, so that they lie in the order of their bytes. `kinds` names them, `positions`
tells how far each journal is read, `form` what the records mean, and `untold` the last change of which no
journal tells. `turn` and `next` say who has the turn and who gets it. Of the census, `follow` says that
changes are noted, `changed` (a sorted set) who was changed when, `kept` which files hold, `mark` is the last
of the marks, which are times of the server (µs) and never come twice.
"""

from __future__ import annotations

from volano.adapters.valkey_room import LOST, Script

AT_ONCE = 1_000  # records in one command within a script

PUT = Script(
    f"""#!lua
local p, token, form, untold, counted = ARGV[1], ARGV[2], ARGV[3], ARGV[4], ARGV[5]
local at, mark = 7, nil
if token ~= '' and redis.call('GET', p .. 'turn') ~= token then return redis.error_reply('{LOST}') end
for _ = 1, tonumber(ARGV[6]) do
  local stage, count = p .. ARGV[at + 1], tonumber(ARGV[at + 2])
  if redis.call('HLEN', stage) ~= count or redis.call('ZCARD', stage .. ':keys') ~= count then
    return redis.error_reply('{LOST} stage')
  end
  at = at + 3
end
"""
    """
local function note(kind, keys)
  if kind ~= counted or #keys == 0 or redis.call('EXISTS', p .. 'follow') == 0 then return end
  if not mark then
    local now = redis.call('TIME')
    mark = math.max(now[1] * 1000000 + now[2], (redis.call('GET', p .. 'mark') or 0) + 1)
    mark = string.format('%.0f', mark)
    redis.call('SET', p .. 'mark', mark)
  end
  local some = {}
  for i, key in ipairs(keys) do some[2 * i - 1], some[2 * i] = mark, key end
  redis.call('ZADD', p .. 'changed', unpack(some))
end

local function changed(kind, keys, pairs)
  if kind ~= counted or redis.call('EXISTS', p .. 'follow') == 0 then return {} end
  local there, some = redis.call('HMGET', p .. kind, unpack(keys)), {}
  for i, key in ipairs(keys) do
    if there[i] ~= pairs[2 * i] then some[#some + 1] = key end
  end
  return some
end

local function keep(kind, pairs)
  local keys, places = {}, {}
  for i = 1, #pairs, 2 do
    keys[#keys + 1] = pairs[i]
    places[i], places[i + 1] = 0, pairs[i]
  end
  note(kind, changed(kind, keys, pairs))
  redis.call('HSET', p .. kind, unpack(pairs))
  redis.call('ZADD', p .. kind .. ':keys', unpack(places))
end

local acts = {}

function acts.afresh(kind)
  redis.call('UNLINK', p .. kind, p .. kind .. ':keys')
  if kind == counted then redis.call('UNLINK', p .. 'follow', p .. 'changed', p .. 'kept') end
end

function acts.drop(kind)
  local width, keys = tonumber(ARGV[at]), ARGV[at + 1]
  at = at + 2
"""
    f"""
  for low = 1, #keys, {AT_ONCE} * width do
    local some = {{}}
    for i = low, math.min(#keys, low + {AT_ONCE} * width - 1), width do
      some[#some + 1] = string.sub(keys, i, i + width - 1)
    end
    redis.call('HDEL', p .. kind, unpack(some))
    redis.call('ZREM', p .. kind .. ':keys', unpack(some))
    note(kind, some)
  end
end

function acts.put(kind)
  local some = {{}}
  for i = 1, 2 * tonumber(ARGV[at]) do some[i] = ARGV[at + i] end
  at = at + 1 + #some
  redis.call('SADD', p .. 'kinds', kind)
  keep(kind, some)
end

function acts.stage(kind)
  local stage, target = p .. ARGV[at], p .. kind
  at = at + 1
  redis.call('SADD', p .. 'kinds', kind)
  local whole = redis.call('EXISTS', target) == 0
  if whole then
    for _, part in ipairs({{'', ':keys'}}) do
      redis.call('RENAME', stage .. part, target .. part)
      redis.call('PERSIST', target .. part)
    end
    if kind ~= counted or redis.call('EXISTS', p .. 'follow') == 0 then return end
  end
  local from = whole and target or stage
  for low = 0, redis.call('ZCARD', from .. ':keys') - 1, {AT_ONCE} do
    local keys = redis.call('ZRANGE', from .. ':keys', low, low + {AT_ONCE} - 1)
    if whole then
      note(kind, keys)
    else
      local records, some = redis.call('HMGET', stage, unpack(keys)), {{}}
      for i, key in ipairs(keys) do some[2 * i - 1], some[2 * i] = key, records[i] end
      keep(kind, some)
    end
  end
  if not whole then redis.call('UNLINK', stage, stage .. ':keys') end
end
"""
    """
function acts.position(journal)
  if redis.call('GET', p .. 'form') ~= form then
    redis.call('UNLINK', p .. 'positions')
    redis.call('SET', p .. 'form', form)
  end
  redis.call('HSET', p .. 'positions', journal, ARGV[at])
  at = at + 1
end

while at <= #ARGV do
  local act, name = acts[ARGV[at]], ARGV[at + 1]
  at = at + 2
  act(name)
end
if untold ~= '' then redis.call('SET', p .. 'untold', untold) end
return 1
"""
)

SCAN = Script(
    f"""#!lua flags=no-writes
local name = ARGV[1] .. ARGV[2]
local keys = redis.call('ZRANGEBYLEX', name .. ':keys', ARGV[3], ARGV[4], 'LIMIT', 0, {AT_ONCE})
if #keys == 0 then return {{keys, {{}}}} end
return {{keys, redis.call('HMGET', name, unpack(keys))}}
"""
)

POSITION = Script(
    """#!lua flags=no-writes
local p = ARGV[1]
local positions = p .. 'positions'
local form, untold = redis.call('GET', p .. 'form'), redis.call('GET', p .. 'untold')
return {form, untold, redis.call('EXISTS', positions), redis.call('HGET', positions, ARGV[2])}
"""
)

TAKE = Script(
    """#!lua
local p, machine, token, lease, wait, untold = unpack(ARGV)
local held, first = redis.call('GET', p .. 'turn'), redis.call('GET', p .. 'next')
local others = held and string.sub(held, 1, #machine) ~= machine
if others and (not first or first == machine) then redis.call('SET', p .. 'next', machine, 'PX', wait) end
if others or (first and first ~= machine) then return 0 end
if first then redis.call('DEL', p .. 'next') end
redis.call('SET', p .. 'turn', token, 'PX', lease)
if tonumber(redis.call('GET', p .. 'untold') or 0) < tonumber(untold) then
  for _, kind in ipairs(redis.call('SMEMBERS', p .. 'kinds')) do
    redis.call('UNLINK', p .. kind, p .. kind .. ':keys')
  end
  redis.call('UNLINK', p .. 'kinds', p .. 'positions', p .. 'follow', p .. 'changed', p .. 'kept')
  redis.call('SET', p .. 'untold', untold)
end
return 1
"""
)

RENEW = Script(
    """#!lua
if redis.call('GET', ARGV[1] .. 'turn') ~= ARGV[2] then return 0 end
return redis.call('PEXPIRE', ARGV[1] .. 'turn', ARGV[3])
"""
)

LEAVE = Script(
    """#!lua
if redis.call('GET', ARGV[1] .. 'turn') == ARGV[2] then redis.call('DEL', ARGV[1] .. 'turn') end
return 1
"""
)

NOTED = Script(
    """#!lua flags=no-writes
local p = ARGV[1]
local mark, kept = redis.call('GET', p .. 'mark'), redis.call('GET', p .. 'kept')
return {mark, kept, redis.call('ZRANGE', p .. 'changed', 0, -1)}
"""
)

BEGIN = Script(
    """#!lua
local p = ARGV[1]
redis.call('DEL', p .. 'changed', p .. 'kept')
redis.call('SET', p .. 'follow', 1)
return redis.call('GET', p .. 'mark')
"""
)

SETTLE = Script(
    """#!lua
local p = ARGV[1]
if redis.call('EXISTS', p .. 'follow') == 0 then return 0 end
redis.call('ZREMRANGEBYSCORE', p .. 'changed', '-inf', ARGV[2])
redis.call('SET', p .. 'kept', ARGV[3])
return 1
"""
)

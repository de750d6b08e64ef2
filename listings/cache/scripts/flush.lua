#!lua flags=allow-oom
-- Takes everything away but the switches that an operator has set.
--
-- KEYS[1] s:horizon: hash with "near", "all" → 1 if that is switched off
local near_off = redis.call('HINCRBY', KEYS[1], 'near', 0)
local all_off = redis.call('HINCRBY', KEYS[1], 'all', 0)
redis.call('FLUSHDB', 'ASYNC')
if near_off + all_off > 0 then
  redis.call('HSET', KEYS[1], 'near', near_off, 'all', all_off)
end

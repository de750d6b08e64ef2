#!lua
-- Stores a value if its filler still holds the lease: no apply has dropped it since.
--
-- KEYS[1] v: value   KEYS[2] l: lease   KEYS[3] r: registry of the layer   KEYS[4] j: its journal
-- ARGV[1] digest   ARGV[2] descriptor   ARGV[3] token   ARGV[4] value   ARGV[5] life in ms
-- ARGV[6] length of a journal, at least
-- Returns 1 stored | 0 refused
if redis.call('LREM', KEYS[2], 1, ARGV[3]) == 0 then
  return 0
end
redis.call('SET', KEYS[1], ARGV[4], 'PX', ARGV[5])
if redis.call('HSET', KEYS[3], ARGV[1], ARGV[2]) == 1 then
  redis.call('HINCRBY', KEYS[3], '#', 1)
end
if redis.call('RPUSHX', KEYS[4], ARGV[1]) > 2 * ARGV[6] then
  redis.call('LTRIM', KEYS[4], -ARGV[6], -1)
end
return 1

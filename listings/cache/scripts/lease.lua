#!lua
-- A value that is new enough, or the right to fill it, or the advice to wait.
--
-- KEYS[1] v: value   KEYS[2] l: lease   KEYS[3] r: registry of the layer   KEYS[4] j: its journal
-- ARGV[1] digest   ARGV[2] descriptor   ARGV[3] token   ARGV[4] lease in ms
-- ARGV[5] not_before in µs   ARGV[6] most entries in a registry   ARGV[7] length of a journal, at least
-- Returns {"hit", value} | {"lease", now in µs} | {"wait"} | {"full"}
--
-- Besides the one GET only write commands are used: they do not count as keyspace look-ups, so
-- that the server's hit ratio is the ratio of entries asked for. A lease is therefore a list of
-- one token: RPUSH tells whether it was free, LREM (in fill) whether it is still mine. The
-- registry counts its entries in the field "#", which saves an HLEN.
local value = redis.call('GET', KEYS[1])
if value and string.sub(value, 1, 16) >= ARGV[5] then
  return {'hit', value}
end
if redis.call('RPUSH', KEYS[2], ARGV[3]) > 1 then
  redis.call('RPOP', KEYS[2])
  if redis.call('LREM', KEYS[2], 1, ARGV[3]) == 0 then
    return {'wait'}
  end
  redis.call('RPUSH', KEYS[2], ARGV[3]) -- mine already: asked again, as the answer was lost
end
-- Registered before its filler reads the database: a change that the reading misses will find it.
if redis.call('HSET', KEYS[3], ARGV[1], ARGV[2]) == 1 then
  if redis.call('HINCRBY', KEYS[3], '#', 1) > tonumber(ARGV[6]) then
    redis.call('HDEL', KEYS[3], ARGV[1])
    redis.call('HINCRBY', KEYS[3], '#', -1)
    redis.call('UNLINK', KEYS[2])
    return {'full'}
  end
end
redis.call('PEXPIRE', KEYS[2], ARGV[4])
-- Told to those who remember the registry; where nobody does, there is no journal.
if redis.call('RPUSHX', KEYS[4], ARGV[1]) > 2 * ARGV[7] then
  redis.call('LTRIM', KEYS[4], -ARGV[7], -1)
end
local now = redis.call('TIME')
return {'lease', now[1] * 1000000 + now[2]}

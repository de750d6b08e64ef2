#!lua flags=allow-oom
-- Unregisters entries that have neither value nor lease: expired, evicted, or never filled.
--
-- KEYS[1] r: registry of the layer   KEYS[2] j: its journal
-- KEYS[2i+1], KEYS[2i+2] v: and l: of the i-th entry
-- ARGV[i] digest of the i-th entry (at most 250)
-- Returns how many were unregistered
--
-- "Is it there?" is asked with writes that change nothing, because EXISTS would count as a
-- keyspace hit: SETRANGE of nothing tells a string's length, LINSERT before a token that no
-- lease has tells 0 for no list and -1 for any other.
local gone = 0
for i, digest in ipairs(ARGV) do
  if redis.call('SETRANGE', KEYS[2 * i + 1], 0, '') == 0
      and redis.call('LINSERT', KEYS[2 * i + 2], 'BEFORE', '', '') == 0 then
    gone = gone + redis.call('HDEL', KEYS[1], digest)
  end
end
if gone > 0 and redis.call('HINCRBY', KEYS[1], '#', -gone) <= 0 then
  redis.call('HDEL', KEYS[1], '#')
  redis.call('UNLINK', KEYS[2])
end
return gone

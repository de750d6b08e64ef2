#!lua flags=allow-oom
-- The first step of reading a registry, if there is one.
--
-- KEYS[1] r: registry of a layer   ARGV[1] COUNT of HSCAN
-- Returns what HSCAN does: the cursor, and fields and values in turn; "0" and none for no registry
--
-- "Is it there?" is asked with a write that changes nothing: most listings are in no cache, and an
-- EXISTS or HSCAN would count as a keyspace miss. The server takes no element from a list that is
-- not there, and refuses to take one from a hash.
local none = redis.pcall('LREM', KEYS[1], 1, '')
if type(none) == 'number' then
  return {'0', {}}
end
return redis.call('HSCAN', KEYS[1], '0', 'COUNT', ARGV[1])

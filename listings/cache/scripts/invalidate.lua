#!lua flags=allow-oom
-- Takes entries away: value, lease and registration at once.
--
-- KEYS[1] r: registry of the layer   KEYS[2] j: its journal
-- KEYS[2i+1], KEYS[2i+2] v: and l: of the i-th entry
-- ARGV[i] digest of the i-th entry (at most 250)
-- Returns the digests of those that had a value, and of those that were not registered
local had, unknown = {}, {}
for i, digest in ipairs(ARGV) do
  if redis.call('UNLINK', KEYS[2 * i + 1]) == 1 then
    had[#had + 1] = digest
  end
  redis.call('UNLINK', KEYS[2 * i + 2])
  if redis.call('HDEL', KEYS[1], digest) == 0 then
    unknown[#unknown + 1] = digest
  end
end
local gone = #ARGV - #unknown
if gone > 0 and redis.call('HINCRBY', KEYS[1], '#', -gone) <= 0 then
  redis.call('HDEL', KEYS[1], '#')
  redis.call('UNLINK', KEYS[2])
end
return {had, unknown}

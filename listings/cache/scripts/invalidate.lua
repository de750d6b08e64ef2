#!lua flags=allow-oom
-- Takes entries away: value, lease and registration at once.
--
-- KEYS[1] r: registry of the layer   KEYS[2i], KEYS[2i+1] v: and l: of the i-th entry
-- ARGV[i] digest of the i-th entry (at most 250)
-- Returns the digests of those that had a value
local had, gone = {}, 0
for i, digest in ipairs(ARGV) do
  if redis.call('UNLINK', KEYS[2 * i]) == 1 then
    had[#had + 1] = digest
  end
  redis.call('UNLINK', KEYS[2 * i + 1])
  gone = gone + redis.call('HDEL', KEYS[1], digest)
end
if gone > 0 and redis.call('HINCRBY', KEYS[1], '#', -gone) <= 0 then
  redis.call('HDEL', KEYS[1], '#')
end
return had

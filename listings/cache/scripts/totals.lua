#!lua flags=allow-oom
-- Reads numbers of a hash by adding 0, which does not count as a keyspace look-up.
--
-- KEYS[1] the hash   ARGV[i] field
-- Returns the number in each field; 0 where there is none
local numbers = {}
for i, field in ipairs(ARGV) do
  numbers[i] = redis.call('HINCRBY', KEYS[1], field, 0)
end
return numbers

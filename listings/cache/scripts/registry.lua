#!lua flags=allow-oom
-- What is new in a registry since somebody read it last, or the first step of reading the whole.
--
-- KEYS[1] r: registry of a layer   KEYS[2] j: its journal
-- ARGV[1] COUNT of HSCAN   ARGV[2] fields worth a journal   ARGV[3] length of a journal, at least
-- ARGV[4] the reader's new mark, '' if it remembers nothing   ARGV[5] its last one, '' for none
-- Returns {length of the journal, 'told', digests with their descriptors or nil, entries}
--       | {length of the journal, cursor, fields and values, as HSCAN does}
--
-- The journal is a list of digests, of each lease and fill since it was made, and of marks. Whoever
-- finds the mark there that it left has missed nothing since; that goes when the journal does, or has
-- grown too long. A new mark is put in the step in which reading begins: what is registered while
-- the other steps are taken is told after it. A mark is a random token, shorter than a digest.
--
-- "Is it there?" is asked with a write that changes nothing: most listings are in no cache, and an
-- EXISTS or HSCAN would count as a keyspace miss. The server takes no element from a list that is
-- not there, and refuses to take one from a hash.
local none = redis.pcall('LREM', KEYS[1], 1, '')
if type(none) == 'number' then
  return {0, '0', {}}
end
local remembers, length = ARGV[4] ~= '', 0
if remembers then
  length = redis.call('RPUSHX', KEYS[2], ARGV[4])
  if length > 2 * ARGV[3] then
    redis.call('LTRIM', KEYS[2], -ARGV[3], -1)
  end
end
local mark = length > 0 and ARGV[5] ~= '' and redis.call('LPOS', KEYS[2], ARGV[5], 'RANK', -1)
if mark then
  local digests, known = {}, {}
  for _, told in ipairs(redis.call('LRANGE', KEYS[2], mark + 1, -1)) do
    if #told > #ARGV[4] and not known[told] then
      known[told] = true
      digests[#digests + 1] = told
    end
  end
  local new = {}
  if #digests > 0 then
    for i, descriptor in ipairs(redis.call('HMGET', KEYS[1], unpack(digests))) do
      new[2 * i - 1], new[2 * i] = digests[i], descriptor
    end
  end
  return {length, 'told', new, redis.call('HINCRBY', KEYS[1], '#', 0)}
end
local step = redis.call('HSCAN', KEYS[1], '0', 'COUNT', ARGV[1])
if remembers and length == 0 and (step[1] ~= '0' or #step[2] > 2 * ARGV[2]) then
  length = redis.call('RPUSH', KEYS[2], ARGV[4])
end
return {length, step[1], step[2]}

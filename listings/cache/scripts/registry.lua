#!lua flags=allow-oom
-- What is new in a registry since somebody read it last, or the first step of reading the whole.
--
-- KEYS[1] r: registry of a layer   KEYS[2] j: its journal
-- ARGV[1] COUNT of HSCAN   ARGV[2] fields that are worth a journal   ARGV[3] length of a journal
-- ARGV[4] token of the reader's new mark, '' if it remembers nothing
-- ARGV[5], ARGV[6] place and token of its last mark, '' for none
-- Returns {place of the new mark or '', 'told', digests with their descriptors or nil, entries}
--       | {place of the new mark or '', cursor, fields and values, as HSCAN does}
--
-- The journal tells of each lease and fill since it was made. Whoever finds in it the mark that it
-- left, with its own token, has missed nothing since; that mark goes when the journal does, or has
-- grown too long. A new mark is put in the step in which reading begins: what is registered while
-- the other steps are taken is told after it.
--
-- "Is it there?" is asked with a write that changes nothing: most listings are in no cache, and an
-- EXISTS or HSCAN would count as a keyspace miss. The server takes no element from a list that is
-- not there, and refuses to take one from a hash.
local none = redis.pcall('LREM', KEYS[1], 1, '')
if type(none) == 'number' then
  return {'', '0', {}}
end
local remembers, place = ARGV[4] ~= '', false
if remembers then
  place = redis.call('XADD', KEYS[2], 'NOMKSTREAM', 'MAXLEN', '~', ARGV[3], '*', 'mark', ARGV[4])
end
if place and ARGV[5] ~= '' then
  local told = redis.call('XRANGE', KEYS[2], ARGV[5], place)
  if told[1] and told[1][1] == ARGV[5] and told[1][2][2] == ARGV[6] then
    local digests, known = {}, {}
    for _, item in ipairs(told) do
      local digest = item[2][2]
      if item[2][1] == 'entry' and not known[digest] then
        known[digest] = true
        digests[#digests + 1] = digest
      end
    end
    local new = {}
    if #digests > 0 then
      for i, descriptor in ipairs(redis.call('HMGET', KEYS[1], unpack(digests))) do
        new[2 * i - 1], new[2 * i] = digests[i], descriptor
      end
    end
    return {place, 'told', new, redis.call('HINCRBY', KEYS[1], '#', 0)}
  end
end
local step = redis.call('HSCAN', KEYS[1], '0', 'COUNT', ARGV[1])
if remembers and not place and (step[1] ~= '0' or #step[2] > 2 * ARGV[2]) then
  place = redis.call('XADD', KEYS[2], '*', 'mark', ARGV[4])
end
return {place or '', step[1], step[2]}

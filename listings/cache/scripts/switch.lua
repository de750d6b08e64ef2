#!lua flags=allow-oom
-- Sets an operator's switch; a server whose memory is full is a reason to want to.
--
-- KEYS[1] s:horizon: hash with "near", "all" → 1 if that is switched off
-- ARGV[1] near or all   ARGV[2] 1: off, 0: on
redis.call('HSET', KEYS[1], ARGV[1], ARGV[2])

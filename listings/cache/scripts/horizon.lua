#!lua flags=allow-oom
-- Reads the horizon, or moves it. It belongs to one run of one server: a restart, or data of
-- another server, starts it at 0, and only who knows this run by its id can move it.
--
-- KEYS[1] s:horizon: hash of run id → counter; and of "near", "all" → 1 if that is switched off
-- ARGV[1] the run for which to move it; empty: only read   ARGV[2] not later than this, in µs
-- Returns {run id, counter, now in µs, near is off, all is off}
--
-- Read by adding 0, which does not count as a keyspace look-up.
local run = string.match(redis.call('INFO', 'server'), 'run_id:(%x+)')
local time = redis.call('TIME')
local now = time[1] * 1000000 + time[2]
local moves = ARGV[1] == run and now <= tonumber(ARGV[2])
local counter = redis.call('HINCRBY', KEYS[1], run, moves and 1 or 0)
local near_off = redis.call('HINCRBY', KEYS[1], 'near', 0)
local all_off = redis.call('HINCRBY', KEYS[1], 'all', 0)
return {run, counter, now, near_off, all_off}

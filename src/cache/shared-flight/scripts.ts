/** The lock of a flight: advisory, because losing it costs a second call and nothing else. */

/**
 * KEYS[1] lock, KEYS[2] counter of tokens, KEYS[3] record of the new leader; one slot. ARGV[1] lease in ms, ARGV[2]
 * output limit, ARGV[3] id of the record, ARGV[4] its time to live in ms.
 * @returns {1, token} to the new leader, or {0, 'token|limit|record'} of the one there is. Atomic: where there is a
 * lock there is a record, so that one which is missing has been evicted; tokens only grow.
 */
export const claimScript = `
local held = redis.call('GET', KEYS[1])
if held then return {0, held} end
local token = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], 3600000)
redis.call('SET', KEYS[1], token .. '|' .. ARGV[2] .. '|' .. ARGV[3], 'PX', ARGV[1])
redis.call('XADD', KEYS[3], '0-1', 'c', '1')
redis.call('PEXPIRE', KEYS[3], ARGV[4])
return {1, tostring(token)}`;

/**
 * KEYS[1] lock, KEYS[2] record; one slot. ARGV[1] token, ARGV[2] ms from now, 0 gives the lock up and -1 the
 * record as well, ARGV[3] time to live of the record in ms.
 * @returns 1 while it is ours and can be followed, 0 when it is not ours, -1 when the record is gone. Atomic: a leader
 * of the past cannot prolong the lock of its successor.
 */
export const holdScript = `
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1] + 1) ~= ARGV[1] .. '|' then return 0 end
local ms = tonumber(ARGV[2])
if ms <= 0 then
  redis.call('DEL', KEYS[1])
  if ms < 0 then redis.call('UNLINK', KEYS[2]) end
  return 1
end
redis.call('PEXPIRE', KEYS[1], ARGV[2])
if redis.call('PEXPIRE', KEYS[2], ARGV[3]) == 0 then return -1 end
return 1`;

/** The lock of a flight: advisory, because losing it costs a second call and nothing else. */

/**
 * KEYS[1] lock, KEYS[2] counter of tokens; one slot. ARGV[1] lease in ms, ARGV[2] output limit.
 * @returns {1, token} to the new leader, or {0, 'token|limit'} of the one there is. Atomic; tokens only grow.
 */
export const claimScript = `
local held = redis.call('GET', KEYS[1])
if held then return {0, held} end
local token = redis.call('INCR', KEYS[2])
redis.call('PEXPIRE', KEYS[2], 3600000)
redis.call('SET', KEYS[1], token .. '|' .. ARGV[2], 'PX', ARGV[1])
return {1, tostring(token)}`;

/**
 * KEYS[1] lock. ARGV[1] token, ARGV[2] ms from now, 0 gives it up.
 * @returns 1 while it is ours. Atomic: a leader of the past cannot prolong the lock of its successor.
 */
export const holdScript = `
local held = redis.call('GET', KEYS[1])
if not held or string.sub(held, 1, #ARGV[1] + 1) ~= ARGV[1] .. '|' then return 0 end
if ARGV[2] == '0' then redis.call('DEL', KEYS[1]) else redis.call('PEXPIRE', KEYS[1], ARGV[2]) end
return 1`;

/**
 * A UUID of version 7 (RFC 9562 section 5.7): 48 bits of `nowMs` (epoch milliseconds) and 74 bits of `random`, which
 * holds at least 16 bytes. Lower case.
 */
export function uuidv7(nowMs: number, random: Uint8Array): string {
  const time = Math.floor(nowMs).toString(16).padStart(12, '0')
  const noise = Array.from(random.subarray(0, 16), (byte) => byte.toString(16).padStart(2, '0')).join('')
  const variant = (((random[9] ?? 0) & 0x3f) | 0x80).toString(16)
  return `${time.slice(0, 8)}-${time.slice(8)}-7${noise.slice(1, 4)}-${variant}${noise.slice(4, 6)}-${noise.slice(20, 32)}`
}

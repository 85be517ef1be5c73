/** CRC_A of `bytes` (ISO/IEC 14443-3, annex B), low byte first, as a frame carries it. */
export function crcA(bytes: readonly number[]): [low: number, high: number] {
  let value = 0x6363
  for (const byte of bytes) {
    value ^= byte
    for (let bit = 0; bit < 8; bit++) value = value & 1 ? (value >> 1) ^ 0x8408 : value >> 1
  }
  return [value & 0xff, value >> 8]
}

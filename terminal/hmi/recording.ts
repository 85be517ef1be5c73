import type { SoundShape } from '../screen/sounds.ts'

const RATE = 22_050
const LOUDNESS = 0.5
/** A tone that begins or ends at once clicks. */
const FADE_MS = 8

/** A sound as a WAV of 16 bits, one channel, 22,050 samples a second. */
export function wav({ tones }: SoundShape): Buffer {
  const samples = tones.flatMap(({ hertz, ms }) => {
    const count = Math.round((RATE * ms) / 1_000)
    const fade = (RATE * FADE_MS) / 1_000
    return Array.from({ length: count }, (_, index) => {
      const loudness = LOUDNESS * Math.min(1, index / fade, (count - index) / fade)
      return Math.round(32_767 * loudness * Math.sin((2 * Math.PI * hertz * index) / RATE))
    })
  })
  const bytes = Buffer.alloc(44 + samples.length * 2)
  bytes.write('RIFF', 0, 'latin1')
  bytes.writeUInt32LE(36 + samples.length * 2, 4)
  bytes.write('WAVEfmt ', 8, 'latin1')
  bytes.writeUInt32LE(16, 16)
  bytes.writeUInt16LE(1, 20)
  bytes.writeUInt16LE(1, 22)
  bytes.writeUInt32LE(RATE, 24)
  bytes.writeUInt32LE(RATE * 2, 28)
  bytes.writeUInt16LE(2, 32)
  bytes.writeUInt16LE(16, 34)
  bytes.write('data', 36, 'latin1')
  bytes.writeUInt32LE(samples.length * 2, 40)
  for (const [index, sample] of samples.entries()) bytes.writeInt16LE(sample, 44 + index * 2)
  return bytes
}

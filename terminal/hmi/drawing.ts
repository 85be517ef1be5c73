import { crc32, deflateSync } from 'node:zlib'
import { type Pictogram, pictograms, type Shape } from '../screen/pictograms.ts'

/** Points tried for each pixel, in either direction; their share is how much of the pixel is covered. */
const SAMPLES = 4

type Colour = readonly [number, number, number]

/** '#rrggbb' as its three parts. */
function partsOf(colour: string): Colour {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
  return [red, green, blue]
}

/** Whether a point lies inside a closed line, by counting how often a ray from it crosses the line. */
function inside({ points }: Shape, x: number, y: number): boolean {
  let within = false
  for (const [index, [x1, y1]] of points.entries()) {
    const [x2, y2] = points[(index + points.length - 1) % points.length] ?? [x1, y1]
    if (y1 > y !== y2 > y && x < ((x2 - x1) * (y - y1)) / (y2 - y1) + x1) within = !within
  }
  return within
}

/** How much of a pixel shows the ink, from 0 to 1: at each point the shape drawn last decides. */
function inkAt(shapes: readonly Shape[], column: number, row: number, side: number): number {
  let inked = 0
  for (let sample = 0; sample < SAMPLES * SAMPLES; sample++) {
    const x = ((column + ((sample % SAMPLES) + 0.5) / SAMPLES) * 100) / side
    const y = ((row + (Math.floor(sample / SAMPLES) + 0.5) / SAMPLES) * 100) / side
    if (shapes.findLast((shape) => inside(shape, x, y))?.colour === 'ink') inked += 1
  }
  return inked / (SAMPLES * SAMPLES)
}

function chunk(type: string, data: Uint8Array): Buffer {
  const body = Buffer.concat([Buffer.from(type, 'latin1'), data])
  const [length, check] = [Buffer.alloc(4), Buffer.alloc(4)]
  length.writeUInt32BE(data.length)
  check.writeUInt32BE(crc32(body))
  return Buffer.concat([length, body, check])
}

/** A pictogram as a PNG of `side` by `side` pixels, in two colours given as '#rrggbb'. */
export function png(pictogram: Pictogram, side: number, colours: { background: string; ink: string }): Buffer {
  const [background, ink] = [partsOf(colours.background), partsOf(colours.ink)]
  const rows = Array.from({ length: side }, (_, row) => {
    const pixels = Array.from({ length: side }, (_, column) => {
      const share = inkAt(pictograms[pictogram], column, row, side)
      return ink.map((part, index) => Math.round(part * share + (background[index] ?? 0) * (1 - share)))
    })
    return [0, ...pixels.flat()] // Each row begins with its filter, none.
  })
  const header = Buffer.alloc(13)
  header.writeUInt32BE(side, 0)
  header.writeUInt32BE(side, 4)
  header.set([8, 2], 8) // 8 bits, red, green and blue.
  return Buffer.concat([
    Buffer.from([0x89, 0x50, 0x4e, 0x47, 0x0d, 0x0a, 0x1a, 0x0a]),
    chunk('IHDR', header),
    chunk('IDAT', deflateSync(Uint8Array.from(rows.flat()), { level: 9 })),
    chunk('IEND', Buffer.alloc(0)),
  ])
}

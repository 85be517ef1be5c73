import { Transform } from 'node:stream'

/**
 * One message from a Nextion display (Nextion Instruction Set, section 7, "Format of Nextion Return Data").
 * `other` is a well-formed message that says nothing to us: coordinates, file transfer.
 */
export type Frame =
  | { kind: 'status'; code: number }
  | { kind: 'touch'; page: number; component: number; pressed: boolean }
  | { kind: 'page'; page: number }
  | { kind: 'text'; text: string }
  | { kind: 'number'; value: number }
  | { kind: 'identity'; text: string }
  | { kind: 'started' }
  | { kind: 'ready' }
  | { kind: 'asleep' }
  | { kind: 'awake' }
  | { kind: 'other'; head: number }

const END = 0xff
const END_LENGTH = 3
/** More text than any of our components holds; a head byte made by noise can keep at most this much waiting. */
const TEXT_MAX = 512
const IDENTITY = Uint8Array.from('comok ', (letter) => letter.charCodeAt(0))

/** Heads up to this one are statuses: 00 to 23 answer a command, 24 tells of an overflow. */
const STATUS_MAX = 0x24
/** A frame's bytes follow each other closely, even at 2400 baud; what stays unfinished for this long is a torn one. */
const STALE_MS = 100
const LENGTHS = new Map([
  [0x65, 7],
  [0x66, 5],
  [0x67, 9],
  [0x68, 9],
  [0x71, 8],
  [0x86, 4],
  [0x87, 4],
  [0x88, 4],
  [0x89, 4],
  [0xfd, 4],
  [0xfe, 4],
])

/** The length of the frame at `from`, or that more bytes are needed to tell, or that no frame can start here. */
function measure(bytes: Uint8Array, from: number): number | 'unfinished' | 'garbage' {
  const head = bytes[from] ?? 0
  if (head === 0x70) return measureText(bytes, from, 1)
  if (head === IDENTITY[0]) {
    for (let at = 1; at < IDENTITY.length; at++) {
      if (from + at >= bytes.length) return 'unfinished'
      if (bytes[from + at] !== IDENTITY[at]) return 'garbage'
    }
    return measureText(bytes, from, IDENTITY.length)
  }
  const starting = head === 0 && bytes[from + 1] === 0
  const length = starting ? 6 : head <= STATUS_MAX ? 4 : LENGTHS.get(head)
  if (length === undefined) return 'garbage'
  // Each byte is judged as soon as it is there, so that a lost byte costs one frame and never the one behind it.
  for (let at = 1; at < length; at++) {
    const byte = bytes[from + at]
    if (byte === undefined) return 'unfinished'
    if (at >= length - END_LENGTH && byte !== END) return 'garbage'
    if (starting && at === 2 && byte !== 0) return 'garbage'
    if (head === 0x65 && at === 3 && byte > 1) return 'garbage'
  }
  return length
}

function measureText(bytes: Uint8Array, from: number, headLength: number): number | 'unfinished' | 'garbage' {
  let ends = 0
  for (let at = headLength; from + at < bytes.length; at++) {
    const byte = bytes[from + at] ?? 0
    ends = byte === END ? ends + 1 : 0
    if (ends === END_LENGTH) return at + 1
    if (at > TEXT_MAX || (byte < 0x20 && byte !== 0x0d && byte !== 0x0a)) return 'garbage'
  }
  return 'unfinished'
}

function decode(frame: Uint8Array): Frame {
  const head = frame[0] ?? 0
  const view = new DataView(frame.buffer, frame.byteOffset, frame.byteLength)
  switch (head) {
    case 0x65:
      return { kind: 'touch', page: view.getUint8(1), component: view.getUint8(2), pressed: view.getUint8(3) === 1 }
    case 0x66:
      return { kind: 'page', page: view.getUint8(1) }
    case 0x70:
      return { kind: 'text', text: latin1(frame.subarray(1, -END_LENGTH)) }
    case 0x71:
      return { kind: 'number', value: view.getInt32(1, true) }
    case 0x86:
      return { kind: 'asleep' }
    case 0x87:
      return { kind: 'awake' }
    case 0x88:
      return { kind: 'ready' }
    case IDENTITY[0]:
      return { kind: 'identity', text: latin1(frame.subarray(0, -END_LENGTH)) }
  }
  if (frame.length === 6) return { kind: 'started' }
  return head <= STATUS_MAX ? { kind: 'status', code: head } : { kind: 'other', head }
}

/** Byte for byte: the platform's 'latin1' decoder is windows-1252 and would change 80 to 9F. */
function latin1(bytes: Uint8Array): string {
  return Buffer.from(bytes).toString('latin1')
}

/**
 * Makes a reader of the display's bytes: chunks in, the frames that became complete out, wherever the chunks were cut.
 *
 * A frame is known by its head byte and its length, never by searching for FF FF FF, because −1 is sent as
 * `71 FF FF FF FF FF FF FF`. What cannot be a frame is skipped one byte at a time. It never throws, and it holds back at
 * most the beginning of one frame.
 */
export function nextionFrames(): (chunk: Uint8Array) => Frame[] {
  let held: Uint8Array = new Uint8Array()
  return (chunk) => {
    const bytes = Buffer.concat([held, chunk])
    const frames: Frame[] = []
    let from = 0
    while (from < bytes.length) {
      const length = measure(bytes, from)
      if (length === 'unfinished') break
      if (length === 'garbage') {
        from += 1
        continue
      }
      frames.push(decode(bytes.subarray(from, from + length)))
      from += length
    }
    held = bytes.subarray(from)
    return frames
  }
}

/**
 * The display's bytes as a stream of frames: bytes are written, `Frame` objects are read.
 *
 * The beginning of a frame whose end stays out is forgotten after `staleMs`, so that a torn touch and the answer that
 * comes a while later are never read as one. It never fails.
 */
export function frameStream({ staleMs = STALE_MS } = {}): Transform {
  let parse = nextionFrames()
  let torn: NodeJS.Timeout | undefined
  return new Transform({
    readableObjectMode: true,
    transform(chunk: Uint8Array, _encoding, done) {
      clearTimeout(torn)
      for (const frame of parse(chunk)) this.push(frame)
      torn = setTimeout(() => {
        parse = nextionFrames()
      }, staleMs).unref()
      done()
    },
    final(done) {
      clearTimeout(torn)
      done()
    },
  })
}

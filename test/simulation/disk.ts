import type { Random } from './random.ts'

/** What a disk does when it is written to: it works, it is full, or it fails at every write and flush. */
export type Health = 'well' | 'full' | 'failing'

/** A change that has been made to a file and is not known to be on the platter. */
type Change = { kind: 'bytes'; at: number; bytes: Uint8Array } | { kind: 'length'; length: number }

type Content = { bytes: Uint8Array; length: number }

/** `seen` is what a program reads back; `flushed` is what outlives a loss of power, null until the first flush. */
type File = { seen: Content; flushed: Content | null; changes: Change[] }

/** What a disk writes whole, or not at all, as the power goes. */
const SECTOR = 512

/**
 * The disk of one terminal. What is written is read back at once, and outlives the program; only what has been flushed
 * outlives a loss of power. Of the rest, some sectors get to the platter and some do not, in no order.
 */
export class Disk {
  health: Health = 'well'
  /** Counts the programs that have had this disk; one that has died reaches it no more. */
  program = 0
  /** Hears of every write and flush before it is done, and what it is; after a death in it nothing is done. */
  touched: (what: string) => void = () => {}
  /** Fails the writes and flushes after so many more, once; null to let them pass. */
  failAfter: number | null = null
  /** How often it has refused something. */
  faults = 0
  readonly #files: Map<string, File>

  constructor(files: Map<string, File> = new Map()) {
    this.#files = files
  }

  /** The same bytes on another card, as `dd` copies them while nothing runs. */
  copy(): Disk {
    const files = [...this.#files].map(([name, { seen }]): [string, File] => [
      name,
      { seen: cloned(seen), flushed: cloned(seen), changes: [] },
    ])
    return new Disk(new Map(files))
  }

  /** Puts back what a copy holds, as from a backup. */
  restore(copy: Disk) {
    this.#files.clear()
    for (const [name, file] of copy.copy().#files) this.#files.set(name, file)
  }

  has = (name: string): boolean => this.#files.has(name)

  /** Makes a file, where there is none; false where the disk will not. */
  create(name: string): boolean {
    if (this.has(name)) return true
    if (this.health !== 'well') {
      this.faults += 1
      return false
    }
    this.#files.set(name, { seen: empty(), flushed: null, changes: [] })
    return true
  }

  remove(name: string) {
    this.#files.delete(name)
  }

  length = (name: string): number => this.#file(name).seen.length

  /** Reads into `into`; resolves to how many bytes were there. */
  read(name: string, into: Uint8Array, at: number): number {
    const { seen } = this.#file(name)
    const there = seen.bytes.subarray(Math.min(at, seen.length), Math.min(at + into.length, seen.length))
    into.set(there)
    return there.length
  }

  /** Writes; 'full' and 'failed' leave the file as it was. */
  write(name: string, bytes: Uint8Array, at: number): 'written' | 'full' | 'failed' {
    const file = this.#file(name)
    if (this.#fails(`write ${name}`)) return 'failed'
    if (this.health === 'full' && at + bytes.length > file.seen.length) {
      this.faults += 1
      return 'full'
    }
    const change: Change = { kind: 'bytes', at, bytes: bytes.slice() }
    apply(file.seen, change)
    file.changes.push(change)
    return 'written'
  }

  truncate(name: string, length: number): 'written' | 'failed' {
    const file = this.#file(name)
    if (this.#fails(`truncate ${name}`)) return 'failed'
    const change: Change = { kind: 'length', length }
    apply(file.seen, change)
    file.changes.push(change)
    return 'written'
  }

  /** Everything written so far is on the platter when this returns 'written'. */
  flush(name: string): 'written' | 'failed' {
    const file = this.#file(name)
    if (this.#fails(`flush ${name}`)) return 'failed'
    file.flushed ??= empty()
    for (const change of file.changes) apply(file.flushed, change)
    file.changes = []
    return 'written'
  }

  /** The program ends where it stands; what it wrote is there for the next. */
  programDied() {
    this.program += 1
    this.failAfter = null
    this.touched = () => {}
  }

  /** The plug is pulled: of what was not flushed, each sector is there or not by a draw. */
  powerLost(random: Random) {
    this.programDied()
    const share = random.pick([0, 0, 0.5, 0.9, 1])
    for (const [name, file] of this.#files) {
      if (file.flushed === null) {
        this.#files.delete(name) // The folder's entry of a file that was never flushed.
        continue
      }
      for (const change of file.changes) {
        for (const part of sectors(change)) if (random.chance(share)) apply(file.flushed, part)
      }
      file.changes = []
      file.seen = cloned(file.flushed)
    }
  }

  #file(name: string): File {
    const file = this.#files.get(name)
    if (!file) throw new Error(`no file ${name} on this disk`)
    return file
  }

  #fails(what: string): boolean {
    const { program } = this
    try {
      this.touched(what)
    } catch {
      return true
    }
    if (program !== this.program) return true
    if (this.health !== 'failing') {
      if (this.failAfter === null) return false
      this.failAfter -= 1
      if (this.failAfter >= 0) return false
      this.failAfter = null
    }
    this.faults += 1
    return true
  }
}

const empty = (): Content => ({ bytes: new Uint8Array(4096), length: 0 })
const cloned = ({ bytes, length }: Content): Content => ({ bytes: bytes.slice(), length })

function apply(content: Content, change: Change) {
  if (change.kind === 'length') {
    content.bytes.fill(0, Math.min(change.length, content.length), content.length)
    content.length = change.length
    grow(content)
    return
  }
  const end = change.at + change.bytes.length
  content.length = Math.max(content.length, end)
  grow(content)
  content.bytes.set(change.bytes, change.at)
}

function grow(content: Content) {
  if (content.length <= content.bytes.length) return
  const larger = new Uint8Array(Math.max(content.length, content.bytes.length * 2))
  larger.set(content.bytes)
  content.bytes = larger
}

function sectors(change: Change): Change[] {
  if (change.kind === 'length') return [change]
  const parts: Change[] = []
  for (let from = 0; from < change.bytes.length; ) {
    const until = Math.min(change.bytes.length, (Math.floor((change.at + from) / SECTOR) + 1) * SECTOR - change.at)
    parts.push({ kind: 'bytes', at: change.at + from, bytes: change.bytes.subarray(from, until) })
    from = until
  }
  return parts
}

import init from '@sqlite.org/sqlite-wasm'
import type { Disk } from './disk.ts'

/*
 * SQLite itself, compiled to WebAssembly, on a disk of ours: every write and flush it makes goes through `Disk`, so that
 * a loss of power takes what a real one takes, and `synchronous` matters as it does on a card.
 */

type Pointer = number
type Members = Record<string, unknown>
type Struct = { pointer: Pointer; installMethods(methods: Members, check: boolean): void } & Members
type Statement = {
  bind(values: unknown[]): Statement
  step(): boolean
  get(into: Record<string, unknown>): Record<string, unknown>
  reset(): Statement
  finalize(): void
  columnCount: number
  parameterCount: number
}
type Sqlite3 = {
  capi: Record<string, number> & {
    sqlite3_io_methods: new () => Struct
    sqlite3_vfs: new () => Struct
    sqlite3_file: new (pointer: Pointer) => Struct
    sqlite3_extended_errcode(db: unknown): number
    sqlite3_extended_result_codes(db: unknown, on: number): number
  }
  wasm: {
    heap8u(): Uint8Array
    cstrToJs(pointer: Pointer): string
    cstrncpy(to: Pointer, from: Pointer, bytes: number): number
    poke(pointer: Pointer, value: number | bigint, type: string): void
  }
  vfs: { installVfs(wanted: object): void }
  oo1: {
    DB: new (
      path: string,
      flags: string,
      vfs: string,
    ) => {
      pointer: Pointer
      exec(sql: string): unknown
      prepare(sql: string): Statement
      changes(): number
      close(): void
    }
  }
}

const silent = () => {}
// Errors come back to whoever asked; SQLite's own lines about them would stand between those of the table.
Object.assign(globalThis, { sqlite3ApiConfig: { error: silent, warn: silent, log: silent, debug: silent } })
const sqlite3 = (await init()) as unknown as Sqlite3
const { capi, wasm } = sqlite3
const NAME = 'klubkort-disk'

const disks = new Map<string, Disk>()
type Handle = { disk: Disk; program: number; name: string }
const handles = new Map<Pointer, Handle>()

/** A program that has died reaches its disk no more. */
const reach = (file: Pointer): Handle | null => {
  const handle = handles.get(file)
  return handle && handle.program === handle.disk.program ? handle : null
}

const code = (name: string): number => {
  const value = capi[name]
  if (typeof value !== 'number') throw new Error(`SQLite has no ${name}`)
  return value
}
const OK = code('SQLITE_OK')
const IOERR = code('SQLITE_IOERR')
const codes = {
  write: { written: OK, full: code('SQLITE_FULL'), failed: code('SQLITE_IOERR_WRITE') },
  flush: { written: OK, failed: code('SQLITE_IOERR_FSYNC') },
  truncate: { written: OK, failed: code('SQLITE_IOERR_TRUNCATE') },
}
const SHORT_READ = code('SQLITE_IOERR_SHORT_READ')
const POWERSAFE = code('SQLITE_IOCAP_POWERSAFE_OVERWRITE')

const io = new capi.sqlite3_io_methods()
Object.assign(io, { $iVersion: 1 })
const vfs = new capi.sqlite3_vfs()
Object.assign(vfs, {
  $iVersion: 2,
  $szOsFile: (capi.sqlite3_file as unknown as { structInfo: { sizeof: number } }).structInfo.sizeof,
  $mxPathname: 512,
})

/** '/terminal 1/journal.db' is the file journal.db on the disk that is plugged in as 'terminal 1'. */
function found(path: string): { disk: Disk; name: string } | null {
  const [, where = '', name = ''] = path.split('/')
  const disk = disks.get(where)
  return disk ? { disk, name } : null
}

sqlite3.vfs.installVfs({
  io: {
    struct: io,
    methods: {
      xClose(file: Pointer) {
        handles.delete(file)
        return OK
      },
      xRead(file: Pointer, into: Pointer, length: number, at: bigint) {
        const handle = reach(file)
        if (!handle) return IOERR
        const room = wasm.heap8u().subarray(into, into + length)
        const count = handle.disk.read(handle.name, room, Number(at))
        if (count === length) return OK
        room.fill(0, count)
        return SHORT_READ
      },
      xWrite(file: Pointer, from: Pointer, length: number, at: bigint) {
        const handle = reach(file)
        if (!handle) return IOERR
        return codes.write[handle.disk.write(handle.name, wasm.heap8u().subarray(from, from + length), Number(at))]
      },
      xTruncate(file: Pointer, length: bigint) {
        const handle = reach(file)
        return handle ? codes.truncate[handle.disk.truncate(handle.name, Number(length))] : IOERR
      },
      xSync(file: Pointer) {
        const handle = reach(file)
        return handle ? codes.flush[handle.disk.flush(handle.name)] : IOERR
      },
      xFileSize(file: Pointer, to: Pointer) {
        const handle = reach(file)
        if (!handle) return IOERR
        wasm.poke(to, BigInt(handle.disk.length(handle.name)), 'i64')
        return OK
      },
      xLock: () => OK,
      xUnlock: () => OK,
      xCheckReservedLock(_file: Pointer, to: Pointer) {
        wasm.poke(to, 0, 'i32')
        return OK
      },
      xFileControl: () => code('SQLITE_NOTFOUND'),
      xSectorSize: () => 4096,
      xDeviceCharacteristics: () => POWERSAFE,
    },
  },
  vfs: {
    struct: vfs,
    name: NAME,
    methods: {
      xOpen(_vfs: Pointer, path: Pointer, file: Pointer, flags: number, flagsOut: Pointer) {
        const place = found(wasm.cstrToJs(path))
        if (!place) return code('SQLITE_CANTOPEN')
        if (!place.disk.create(place.name)) return code('SQLITE_CANTOPEN')
        new capi.sqlite3_file(file).$pMethods = io.pointer
        handles.set(file, { ...place, program: place.disk.program })
        if (flagsOut) wasm.poke(flagsOut, flags, 'i32')
        return OK
      },
      xDelete(_vfs: Pointer, path: Pointer) {
        const place = found(wasm.cstrToJs(path))
        if (!place) return IOERR
        place.disk.remove(place.name)
        return OK
      },
      xAccess(_vfs: Pointer, path: Pointer, _flags: number, to: Pointer) {
        const place = found(wasm.cstrToJs(path))
        wasm.poke(to, place?.disk.has(place.name) ? 1 : 0, 'i32')
        return OK
      },
      xFullPathname(_vfs: Pointer, path: Pointer, room: number, to: Pointer) {
        return wasm.cstrncpy(to, path, room) < room ? OK : code('SQLITE_CANTOPEN')
      },
      xRandomness(_vfs: Pointer, count: number, to: Pointer) {
        // Salts of the write-ahead log; the same each time, so that a story can be told again.
        salt = (Math.imul(salt, 1_664_525) + 1_013_904_223) >>> 0
        for (let byte = 0; byte < count; byte++) wasm.heap8u()[to + byte] = (salt >>> (8 * (byte % 4))) & 255
        return count
      },
      xSleep: () => OK,
      xCurrentTime(_vfs: Pointer, to: Pointer) {
        wasm.poke(to, 2_440_587.5, 'double')
        return OK
      },
      xGetLastError: () => OK,
    },
  },
})
let salt = 1

/** Plugs a disk in under a name; `openDatabase` finds it in paths that begin with '/<name>/'. */
export function plugIn(name: string, disk: Disk) {
  disks.set(name, disk)
}

/** Leaves nothing of one story for the next. */
export function unplugAll() {
  disks.clear()
  salt = 1
}

/** What the journal uses of node:sqlite's DatabaseSync. */
export type Database = {
  exec(sql: string): void
  prepare(sql: string): {
    run(...values: unknown[]): { changes: number | bigint; lastInsertRowid: number | bigint }
    get(...values: unknown[]): Record<string, unknown> | undefined
    all(...values: unknown[]): Record<string, unknown>[]
  }
  close(): void
}

/**
 * Opens a database as node:sqlite does, with its page size, alone on its disk: nobody else holds a write-ahead log in
 * shared memory here. `touched` is told before and after everything that is asked of it what it is.
 */
export function openDatabase(path: string, touched: (what: string) => void = () => {}): Database {
  const db = guarded(null, () => new sqlite3.oo1.DB(path, 'cw', NAME))
  capi.sqlite3_extended_result_codes(db.pointer, 1)
  const statements: Statement[] = []
  const asked = <T>(what: string, deed: () => T): T => {
    touched(`before ${what}`)
    const result = guarded(db.pointer, deed)
    touched(`after ${what}`)
    return result
  }
  asked('open', () => db.exec('PRAGMA page_size = 4096; PRAGMA locking_mode = EXCLUSIVE; PRAGMA cache_size = -2000'))
  return {
    exec: (sql) => void asked(sql, () => db.exec(sql)),
    prepare(sql) {
      const statement = asked(`preparing ${sql}`, () => db.prepare(sql))
      statements.push(statement)
      const rows = (values: unknown[], atMost: number) =>
        asked(sql, () => {
          const found: Record<string, unknown>[] = []
          try {
            if (values.length > 0) statement.bind(values)
            while (statement.step()) {
              found.push(statement.get({}))
              if (found.length === atMost) break
            }
          } finally {
            quietly(() => statement.reset())
          }
          return found
        })
      return {
        run(...values) {
          rows(values, Number.POSITIVE_INFINITY)
          return { changes: db.changes(), lastInsertRowid: 0 }
        },
        get: (...values) => rows(values, 1)[0],
        all: (...values) => rows(values, Number.POSITIVE_INFINITY),
      }
    },
    close() {
      for (const statement of statements) quietly(() => statement.finalize())
      quietly(() => db.close())
    },
  }
}

/** Ends what would only repeat an error that has been told already. */
function quietly(deed: () => void) {
  try {
    deed()
  } catch {
    return
  }
}

/** Errors as node:sqlite throws them. */
function guarded<T>(db: Pointer | null, deed: () => T): T {
  try {
    return deed()
  } catch (error) {
    const errcode = db === null ? 0 : capi.sqlite3_extended_errcode(db)
    throw Object.assign(new Error(error instanceof Error ? error.message : String(error)), {
      code: 'ERR_SQLITE_ERROR',
      errcode: errcode || ((error as { resultCode?: number }).resultCode ?? 1),
    })
  }
}

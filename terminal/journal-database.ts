import { DatabaseSync, type SQLInputValue } from 'node:sqlite'

/** The part of node:sqlite's DatabaseSync that the journal stands on: whatever throws here is a disk that has failed. */
export type Database = {
  exec(sql: string): void
  prepare(sql: string): {
    run(...values: SQLInputValue[]): unknown
    get(...values: SQLInputValue[]): unknown
    all(...values: SQLInputValue[]): unknown[]
  }
  close(): void
}

const onDisk = (path: string): Database => new DatabaseSync(path)

/** The disk has refused: nothing may be sold, since nothing can be kept. `cause` is what it said. */
export class DiskError extends Error {}

/** The same database, whose every refusal is a DiskError. */
function watched(db: () => Database): Database {
  const tried = <T>(deed: () => T): T => {
    try {
      return deed()
    } catch (cause) {
      throw new DiskError(`the journal's disk: ${cause instanceof Error ? cause.message : String(cause)}`, { cause })
    }
  }
  const opened = tried(db)
  return {
    exec: (sql) => tried(() => opened.exec(sql)),
    prepare(sql) {
      const statement = tried(() => opened.prepare(sql))
      return {
        run: (...values) => tried(() => statement.run(...values)),
        get: (...values) => tried(() => statement.get(...values)),
        all: (...values) => tried(() => statement.all(...values)),
      }
    },
    close: () => tried(() => opened.close()),
  }
}

const SCHEMA = `
CREATE TABLE IF NOT EXISTS message (
  seq INTEGER PRIMARY KEY,
  kind TEXT NOT NULL,
  sale TEXT NOT NULL,
  card TEXT NOT NULL,
  amount INTEGER NOT NULL,
  lines TEXT NOT NULL,
  at INTEGER NOT NULL,
  jws TEXT NOT NULL,
  hash TEXT NOT NULL,
  outcome TEXT,
  reason TEXT,
  balance INTEGER,
  acknowledged INTEGER NOT NULL DEFAULT 0,
  acknowledged_at INTEGER,
  shown INTEGER NOT NULL DEFAULT 0,
  diverged INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE TABLE IF NOT EXISTS card (
  hash TEXT PRIMARY KEY, status TEXT NOT NULL, stale INTEGER NOT NULL DEFAULT 0, closed TEXT NOT NULL DEFAULT ''
) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`

/* What an older program did not know of the cards is told only once the whole list is asked for again. */
const LIST_ANEW = "UPDATE setting SET value = json_set(value, '$.version', 0) WHERE name = 'site'"

/** What the tables of an older program lack, and what is to be done once it is there. */
const ADDED = [
  ['message', 'acknowledged_at', 'INTEGER', ''],
  ['message', 'diverged', 'INTEGER NOT NULL DEFAULT 0', ''],
  ['card', 'stale', 'INTEGER NOT NULL DEFAULT 0', ''],
  ['card', 'closed', "TEXT NOT NULL DEFAULT ''", LIST_ANEW],
] as const

const INDEXES = `
CREATE UNIQUE INDEX IF NOT EXISTS message_once_per_sale ON message (sale, kind);
CREATE INDEX IF NOT EXISTS message_unanswered ON message (seq) WHERE acknowledged = 0;
CREATE INDEX IF NOT EXISTS message_sold_unsent ON message (sale, amount) WHERE acknowledged = 0 AND kind = 'advice';
CREATE INDEX IF NOT EXISTS message_of_card ON message (card, seq) WHERE kind = 'advice';
CREATE INDEX IF NOT EXISTS message_diverged ON message (seq) WHERE diverged = 1;
CREATE INDEX IF NOT EXISTS card_stale ON card (hash) WHERE stale = 1;`

/**
 * The tables that a journal is kept in, of whatever age, with what a newer program has added (WAL with synchronous=FULL
 * lost nothing at any crash point that was tried; NORMAL did). Throws DiskError where the file is damaged or the disk
 * refuses, and so does whatever is done with it.
 */
export function journalDatabase(path: string, open: (path: string) => Database = onDisk): Database {
  const db = watched(() => open(path))
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;')
  const [check] = db.prepare('PRAGMA quick_check').all() as { quick_check: string }[]
  if (check?.quick_check !== 'ok') throw new DiskError(`the journal ${path} is damaged: ${check?.quick_check}`)
  db.exec(SCHEMA)
  for (const [table, column, type, then] of ADDED) {
    const columns = db.prepare(`PRAGMA table_info(${table})`).all() as { name: string }[]
    if (columns.some(({ name }) => name === column)) continue
    db.exec(`BEGIN IMMEDIATE; ALTER TABLE ${table} ADD COLUMN ${column} ${type}; ${then}; COMMIT`)
  }
  db.exec(INDEXES)
  return db
}

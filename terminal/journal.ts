import { DatabaseSync } from 'node:sqlite'
import type { DebitMessage, DebitResult, DeclineReason } from '../shared/debit.ts'
import type { ErrorCode } from '../shared/errors.ts'
import { digest } from '../shared/signing.ts'
import type { CardStatus, OfflineLimits, SyncAnswer, SyncProduct } from '../shared/wire.ts'

/**
 * A message as the journal keeps it: its exact bytes, and the worker's first answer, on which the till acted. That
 * answer stays, also when a restored worker has to be told again (`acknowledged` 0).
 */
export type Entry = {
  seq: number
  kind: DebitMessage['kind']
  sale: string
  card: string
  amount: number
  lines: DebitMessage['lines']
  at: number
  jws: string
  outcome: DebitResult['outcome'] | null
  reason: DeclineReason | null
  balance: number | null
}

/** What the last complete sync said, beside the cards. `syncedAt` is the worker's time; null before the first sync. */
export type Site = {
  terminal: string
  name: string
  products: SyncProduct[]
  limits: OfflineLimits
  version: number
  syncedAt: number | null
}

/** How much of what was sold without an answer the worker has not heard of, or of one card since the last sync; in øre. */
export type Exposure = { unsentCount: number; unsentSum: number; cardSum: number }

const NOTHING_KNOWN: Site = {
  terminal: '',
  name: '',
  products: [],
  limits: { saleMax: 0, cardSumMax: 0, unsentCountMax: 0, unsentSumMax: 0, listAgeMaxMs: 0 },
  version: 0,
  syncedAt: null,
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
  shown INTEGER NOT NULL DEFAULT 0
) STRICT;
CREATE UNIQUE INDEX IF NOT EXISTS message_once_per_sale ON message (sale, kind);
CREATE INDEX IF NOT EXISTS message_unanswered ON message (seq) WHERE acknowledged = 0;
CREATE INDEX IF NOT EXISTS message_of_card ON message (card, seq) WHERE kind = 'advice';
CREATE TABLE IF NOT EXISTS card (hash TEXT PRIMARY KEY, status TEXT NOT NULL) STRICT, WITHOUT ROWID;
CREATE TABLE IF NOT EXISTS setting (name TEXT PRIMARY KEY, value TEXT NOT NULL) STRICT, WITHOUT ROWID;`

/** An advice that no reversal has undone. */
const STANDING_ADVICE = `kind = 'advice' AND NOT EXISTS (
  SELECT 1 FROM message AS undone WHERE undone.sale = message.sale AND undone.kind = 'reversal')`

export type Journal = ReturnType<typeof openJournal>

/**
 * The terminal's own book: every message in order, on the disk before it is sent (WAL with synchronous=FULL lost
 * nothing at any crash point that was tried; NORMAL did), and the card list for when the network is gone.
 * Throws where the file is damaged or the disk refuses.
 */
export function openJournal(path: string) {
  const db = new DatabaseSync(path)
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA busy_timeout = 2000;')
  const [check] = db.prepare('PRAGMA quick_check').all() as { quick_check: string }[]
  if (check?.quick_check !== 'ok') throw new Error(`the journal ${path} is damaged: ${check?.quick_check}`)
  db.exec(SCHEMA)

  const newest = db.prepare('SELECT seq, hash FROM message ORDER BY seq DESC LIMIT 1')
  const insert = db.prepare(
    'INSERT INTO message (seq, kind, sale, card, amount, lines, at, jws, hash) VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)',
  )
  const answer = db.prepare(
    `UPDATE message SET reason = iif(outcome IS NULL, ?2, reason), balance = iif(outcome IS NULL, ?3, balance),
       outcome = coalesce(outcome, ?1), acknowledged = 1
     WHERE seq = ?4 AND sale = ?5`,
  )
  const ofSale = db.prepare('SELECT 1 FROM message WHERE sale = ? AND kind = ?')
  const latest = db.prepare('SELECT coalesce(max(at), 0) AS at FROM message')
  const one = db.prepare('SELECT * FROM message WHERE seq = ?')
  const unanswered = db.prepare('SELECT * FROM message WHERE acknowledged = 0 ORDER BY seq LIMIT ?')
  const unresolved = db.prepare(
    `SELECT * FROM message WHERE kind = 'request' AND outcome IS NULL
     AND NOT EXISTS (SELECT 1 FROM message AS later WHERE later.sale = message.sale AND later.kind <> 'request')
     ORDER BY seq`,
  )
  const exposure = db.prepare(
    `SELECT
       (SELECT count(*) FROM message WHERE acknowledged = 0) AS unsentCount,
       (SELECT coalesce(sum(amount), 0) FROM message WHERE acknowledged = 0 AND ${STANDING_ADVICE}) AS unsentSum,
       (SELECT coalesce(sum(amount), 0) FROM message
        WHERE card = ?1 AND ${STANDING_ADVICE} AND (acknowledged = 0 OR seq > ?2)) AS cardSum`,
  )
  const unshown = db.prepare(
    `SELECT * FROM message WHERE seq = (SELECT max(seq) FROM message) AND shown = 0
     AND (kind = 'advice' OR outcome = 'approved')`,
  )
  const reopen = db.prepare('UPDATE message SET acknowledged = 0 WHERE seq >= ?')
  const markShown = db.prepare('UPDATE message SET shown = 1 WHERE seq = ?')
  const cardStatus = db.prepare('SELECT status FROM card WHERE hash = ?')
  const putCard = db.prepare(
    'INSERT INTO card (hash, status) VALUES (?, ?) ON CONFLICT (hash) DO UPDATE SET status = excluded.status',
  )
  const setting = db.prepare('SELECT value FROM setting WHERE name = ?')
  const putSetting = db.prepare(
    'INSERT INTO setting (name, value) VALUES (?, ?) ON CONFLICT (name) DO UPDATE SET value = excluded.value',
  )
  const read = <T>(name: string, otherwise: T): T => {
    const row = setting.get(name) as { value: string } | undefined
    return row ? JSON.parse(row.value) : otherwise
  }
  const atomically = (change: () => void) => {
    db.exec('BEGIN IMMEDIATE')
    try {
      change()
      db.exec('COMMIT')
    } catch (error) {
      db.exec('ROLLBACK')
      throw error
    }
  }
  const head = () => (newest.get() as { seq: number; hash: string } | undefined) ?? { seq: 0, hash: '' }

  return {
    /** The number and digest of the newest message; 0 and '' before the first. */
    head,

    /** Puts a signed message on the disk. Its number must be the next one, or the database refuses. */
    async append(message: DebitMessage, jws: string): Promise<Entry> {
      const { seq, kind, sale, card, amount, lines, at } = message
      insert.run(seq, kind, sale, card, amount, JSON.stringify(lines), at, jws, await digest(jws))
      return entryOf(one.get(seq))
    },

    /**
     * Puts the worker's answers on the disk. An answer that is there already stays; the messages of which a restored
     * worker now says otherwise come back, since the till has acted on the first answer.
     */
    answer(results: readonly DebitResult[]): Entry[] {
      const diverged: Entry[] = []
      atomically(() => {
        for (const { seq, sale, outcome, reason, balance } of results) {
          answer.run(outcome, reason ?? null, balance ?? null, seq, sale)
          const kept = entryOf(one.get(seq))
          if (kept.outcome !== outcome) diverged.push(kept)
        }
      })
      return diverged
    },

    /** The message of a number that is in the journal. */
    entry: (seq: number): Entry => entryOf(one.get(seq)),

    /** The oldest messages that the worker is not known to have, at most so many. */
    unanswered: (atMost: number): Entry[] => unanswered.all(atMost).map(entryOf),

    /** Requests that the till asked and, before it knew the answer, lost its power. */
    unresolved: (): Entry[] => unresolved.all().map(entryOf),

    /** The newest message, where it let a sale pass and the screen has not confirmed to have shown so. */
    unshown(): Entry | null {
      const row = unshown.get()
      return row === undefined ? null : entryOf(row)
    },

    /** Notes that the screen has shown the answer to a message. */
    shown: (seq: number) => void markShown.run(seq),

    /** The worker's database was restored: it is told again from this number on. */
    reopen: (seq: number) => void reopen.run(seq),

    /** Whether this sale has a message of this kind. */
    has: (sale: string, kind: Entry['kind']): boolean => ofSale.get(sale, kind) !== undefined,

    /** Why the worker will not have this terminal, kept over a restart; null where nothing is known against it. */
    barred: (): ErrorCode | null => read('barred', null),

    bar: (code: ErrorCode | null) => void putSetting.run('barred', JSON.stringify(code)),

    /** The latest time that is known to have passed, in epoch milliseconds: it cannot be earlier than that now. */
    notBefore: (): number => Math.max(read('site', NOTHING_KNOWN).syncedAt ?? 0, (latest.get() as { at: number }).at),

    exposure: (card: string): Exposure => exposure.get(card, read('syncedSeq', 0)) as Exposure,

    card(hash: string): CardStatus | null {
      return (cardStatus.get(hash) as { status: CardStatus } | undefined)?.status ?? null
    },

    site: (): Site => read('site', NOTHING_KNOWN),

    /** Takes one page of a sync, whole. Only the last page makes the list as fresh as its time says. */
    synced(page: SyncAnswer) {
      atomically(() => {
        if (page.restart) db.exec('DELETE FROM card')
        for (const card of page.cards) putCard.run(card.hash, card.status)
        const { terminal, products, limits, version } = page
        const syncedAt = page.more ? read('site', NOTHING_KNOWN).syncedAt : page.time
        const site: Site = { terminal: terminal.name, name: terminal.site, products, limits, version, syncedAt }
        putSetting.run('site', JSON.stringify(site))
        if (!page.more) putSetting.run('syncedSeq', JSON.stringify(head().seq))
      })
    },

    close: () => db.close(),
  }
}

function entryOf(row: unknown): Entry {
  if (row === undefined) throw new Error('the journal has no such message')
  const { lines, ...entry } = row as Omit<Entry, 'lines'> & { lines: string }
  return { ...entry, lines: JSON.parse(lines) }
}

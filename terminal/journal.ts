import type { DebitMessage, DebitResult, DeclineReason, TokenType } from '../shared/debit.ts'
import type { ErrorCode } from '../shared/errors.ts'
import { digest } from '../shared/signing.ts'
import type { CardStatus, Language, OfflineLimits, SyncAnswer, SyncProduct } from '../shared/wire.ts'
import { type Database, journalDatabase } from './journal-database.ts'

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
  /** The card types that carry a token; none where the municipality does not look for copies. */
  tokenTypes: TokenType[]
  language: Language
  version: number
  syncedAt: number | null
}

/** How much of what was sold without an answer the worker has not heard of, or of one card since the last sync; in øre. */
export type Exposure = { unsentCount: number; unsentSum: number; cardSum: number }

const NOTHING_KNOWN: Site = {
  terminal: '',
  name: '',
  products: [],
  limits: {
    saleMax: 0,
    cardSumMax: 0,
    weakSaleMax: 0,
    weakCardSumMax: 0,
    unsentCountMax: 0,
    unsentSumMax: 0,
    listAgeMaxMs: 0,
  },
  tokenTypes: [],
  language: 'da',
  version: 0,
  syncedAt: null,
}

/** An advice that no reversal has undone. */
const STANDING_ADVICE = `kind = 'advice' AND NOT EXISTS (
  SELECT 1 FROM message AS undone WHERE undone.sale = message.sale AND undone.kind = 'reversal')`

/** The newest message's number and digest: what the next one is chained to. */
export type Head = { seq: number; hash: string }

/** How much waits for its answer: messages, the worth of what was sold in øre, and when the oldest was written. */
export type Queue = { count: number; sum: number; oldestAt: number | null }

export type Journal = ReturnType<typeof openJournal>

/**
 * How long a message is kept after the worker had it. The worker's database can be brought back to any moment of the
 * last 30 days, and is then told anew.
 */
export const KEPT_MS = 60 * 24 * 3_600_000

/** So many messages are trimmed at once: a few milliseconds, so that no tap waits for it. */
const TRIMMED_AT_ONCE = 200

/**
 * The terminal's own book: every message in order, on the disk before it is sent, and the card list for when the network
 * is gone. Throws where the file is damaged or the disk refuses; after that nothing may be sold on it.
 */
export function openJournal(path: string, open?: (path: string) => Database) {
  const db = journalDatabase(path, open)
  const newest = db.prepare('SELECT seq, hash FROM message ORDER BY seq DESC LIMIT 1')
  const insert = db.prepare(
    `INSERT INTO message (seq, kind, sale, card, amount, lines, at, jws, hash, shown)
     VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?, ?)`,
  )
  const answer = db.prepare(
    `UPDATE message SET reason = iif(outcome IS NULL, ?2, reason), balance = iif(outcome IS NULL, ?3, balance),
       diverged = diverged OR (?7 AND coalesce(outcome <> ?1, 0)),
       outcome = coalesce(outcome, ?1), acknowledged = 1, acknowledged_at = ?6
     WHERE seq = ?4 AND sale = ?5`,
  )
  const ofSale = db.prepare('SELECT 1 FROM message WHERE sale = ? AND kind = ?')
  const diverged = db.prepare('SELECT * FROM message WHERE diverged = 1 ORDER BY seq')
  const insisted = db.prepare('UPDATE message SET diverged = 0 WHERE seq = ?')
  const latest = db.prepare('SELECT coalesce(max(at), 0) AS at FROM message WHERE seq > ?')
  const one = db.prepare('SELECT * FROM message WHERE seq = ?')
  const oldest = db.prepare('SELECT seq FROM message ORDER BY seq LIMIT 1')
  // The newest message is the one that the next is chained to, and what is not delivered is not old, whatever its age.
  // Only the oldest are looked at, up to the first that is kept: no tap waits for a walk through the whole journal.
  const trim = db.prepare(
    `DELETE FROM message WHERE seq IN (
       SELECT seq FROM message
       WHERE seq < min((SELECT max(seq) FROM message), coalesce(
         (SELECT seq FROM message WHERE acknowledged = 0 OR coalesce(acknowledged_at, at) >= ?1 ORDER BY seq LIMIT 1),
         9007199254740991))
       ORDER BY seq LIMIT ${TRIMMED_AT_ONCE})
     RETURNING seq`,
  )
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
  const queue = db.prepare(
    `SELECT count(*) AS count, coalesce(sum(iif(${STANDING_ADVICE}, amount, 0)), 0) AS sum, min(at) AS oldestAt
     FROM message WHERE acknowledged = 0`,
  )
  const unshown = db.prepare(
    `SELECT * FROM message WHERE seq = (SELECT seq FROM message WHERE shown < 2 ORDER BY seq DESC LIMIT 1) AND shown = 0
     AND (kind = 'advice' OR outcome = 'approved')`,
  )
  const reopen = db.prepare('UPDATE message SET acknowledged = 0 WHERE seq >= ?')
  const markShown = db.prepare('UPDATE message SET shown = 1 WHERE seq = ?')
  const cardOf = db.prepare('SELECT status, closed FROM card WHERE hash = ?')
  const putCard = db.prepare(
    `INSERT INTO card (hash, status, closed) VALUES (?, ?, ?)
     ON CONFLICT (hash) DO UPDATE SET status = excluded.status, closed = excluded.closed, stale = 0`,
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
      try {
        db.exec('ROLLBACK')
      } catch {
        // A full disk rolls back by itself, and a dead one not at all. What went wrong first is what is told.
      }
      throw error
    }
  }
  /** What an older program kept lacks what it did not know. */
  const site = (): Site => ({ ...NOTHING_KNOWN, ...read<Partial<Site>>('site', {}) })
  const head = () => (newest.get() as Head | undefined) ?? read<Head>('begins', { seq: 0, hash: '' })

  return {
    /** The number and digest of the newest message; before the first 0 and '', or what the journal began after. */
    head,

    /** Lets an empty journal go on after a message that is in another, as when the terminal is enrolled again. */
    begin(after: Head) {
      if (newest.get() !== undefined) throw new Error('a journal that has messages goes on after its newest one')
      putSetting.run('begins', JSON.stringify(after))
    },

    /** The number of the oldest message that is still here, or else of the next one. */
    oldest: (): number => (oldest.get() as { seq: number } | undefined)?.seq ?? head().seq + 1,

    /**
     * Forgets messages that the worker has had for so long that it cannot ask for them again, the oldest first, a few
     * at once; resolves to how many. The numbers and the chain go on as if they were here. `nowMs` is the worker's time.
     */
    trim: (nowMs: number): number => trim.all(nowMs - KEPT_MS).length,

    /** Writes to the disk and waits until it is there; throws where the disk refuses. */
    probe: (nowMs: number) => void putSetting.run('probed', JSON.stringify(nowMs)),

    /**
     * Puts a signed message on the disk. Its number must be the next one, or the database refuses. One that is `shown`
     * already has nobody who waits to see what became of it.
     */
    async append(message: DebitMessage, jws: string, { shown = false } = {}): Promise<Entry> {
      const { seq, kind, sale, card, amount, lines, at } = message
      insert.run(seq, kind, sale, card, amount, JSON.stringify(lines), at, jws, await digest(jws), shown ? 2 : 0)
      return entryOf(one.get(seq))
    },

    /**
     * Puts the worker's answers on the disk. An answer that is there already stays, since the till has acted on it; where
     * a restored worker now says otherwise, that is kept too, unless it has `putAside` what it was told. `nowMs` is the
     * worker's time.
     */
    answer(results: readonly DebitResult[], nowMs: number, { putAside = false } = {}) {
      atomically(() => {
        for (const { seq, sale, outcome, reason, balance } of results)
          answer.run(outcome, reason ?? null, balance ?? null, seq, sale, nowMs, Number(!putAside))
      })
    },

    /** The messages of which a restored worker said otherwise than at first, and has not been held to it. */
    diverged: (): Entry[] => diverged.all().map(entryOf),

    /** Notes that the worker is held to its first answer to a message. */
    insisted: (seq: number) => void insisted.run(seq),

    /** The message of a number that is in the journal. */
    entry: (seq: number): Entry => entryOf(one.get(seq)),

    /** The oldest messages that the worker is not known to have, at most so many. */
    unanswered: (atMost: number): Entry[] => unanswered.all(atMost).map(entryOf),

    /** Requests that the till asked and, before it knew the answer, lost its power. */
    unresolved: (): Entry[] => unresolved.all().map(entryOf),

    /**
     * The newest message, where it let a sale pass and the screen has not confirmed to have shown so. What nobody waits
     * to see (`shown` 2) does not come between.
     */
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

    /**
     * The latest time that is known to have passed, in epoch milliseconds: it cannot be earlier than that now. The last
     * sync told the right time, whatever the clock had been before it.
     */
    notBefore: (): number => Math.max(site().syncedAt ?? 0, (latest.get(read('syncedSeq', 0)) as { at: number }).at),

    queue: () => queue.get() as Queue,

    exposure: (card: string): Exposure => exposure.get(card, read('syncedSeq', 0)) as Exposure,

    card(hash: string): CardStatus | null {
      return (cardOf.get(hash) as { status: CardStatus } | undefined)?.status ?? null
    },

    /** The categories of products that a card may not buy. */
    closed: (hash: string): ReadonlySet<string> =>
      new Set((cardOf.get(hash) as { closed: string } | undefined)?.closed.split(',')),

    site,

    /**
     * Takes one page of a sync, whole. Only the last page makes the list as fresh as its time says, and forgets what a
     * list that began anew has not named.
     */
    synced(page: SyncAnswer) {
      atomically(() => {
        if (page.restart) db.exec('UPDATE card SET stale = 1')
        for (const card of page.cards) putCard.run(card.hash, card.status, card.closed?.join() ?? '')
        if (!page.more) db.exec('DELETE FROM card WHERE stale = 1')
        const { terminal, products, limits, tokenTypes, language, version } = page
        const syncedAt = page.more ? site().syncedAt : page.time
        const { name, site: place } = terminal
        const told: Site = { terminal: name, name: place, products, limits, tokenTypes, language, version, syncedAt }
        putSetting.run('site', JSON.stringify(told))
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

import type { CardToken } from '../shared/debit.ts'
import type { ErrorCode } from '../shared/errors.ts'
import type { Journal } from './journal.ts'
import type { Link } from './link.ts'

/** How the worker is to be had: not asked yet, answering, out of reach, or known not to have us. */
export type Connection = { kind: 'unknown' | 'online' | 'offline' } | { kind: 'refused'; code: ErrorCode }

/**
 * What came of asking: 'answered' when the answer is in the journal, with the token that the card is to carry from now
 * where the worker gave one, and the products that it says are closed for the card; 'unreachable' as soon as a try has
 * failed; 'late' when the time is up.
 */
export type Asked =
  | { how: 'answered'; token: CardToken | null; closed: readonly number[] }
  | { how: 'unreachable' | 'late' }

export type Forwarder = ReturnType<typeof forwarder>

/**
 * How many messages go in one call: half of what the worker takes, since it may need ten statements and more for each,
 * and its database does a thousand for one call.
 */
export const SENT_AT_ONCE = 50

const BACKOFF_FIRST_MS = 500
const BACKOFF_MAX_MS = 30_000

/** What only another enrolment ends: another terminal goes by this name, or this journal is not what it was. */
export const ENDED_BY_ENROLMENT: ReadonlySet<ErrorCode> = new Set(['terminal_stopped', 'message_conflict', 'seq_gap'])

const stays = (code: ErrorCode | null) => code !== null && ENDED_BY_ENROLMENT.has(code)

/**
 * Sends what has no answer, in order, one call at a time, until it has its answer. The till's request goes the same
 * way, behind whatever is waiting, so that no message ever overtakes another.
 */
export function forwarder({
  journal,
  link,
  sleep,
  random,
  log,
  onChange,
  diverged,
}: {
  journal: Journal
  link: Link
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  /** A number from 0 to below 1, so that terminals do not come back all at once. */
  random: () => number
  log: (event: string, fields?: Record<string, unknown>) => void
  onChange: (connection: Connection) => void
  /** Hears that the journal has messages of which a restored worker now says otherwise than what the till acted on. */
  diverged: () => void
}) {
  let reach: 'unknown' | 'online' | 'offline' = 'unknown'
  let barred = journal.barred()
  let failures = 0
  /** How many messages go in one call until all are sent: fewer, once a call of more has failed. */
  let atOnce = SENT_AT_ONCE
  let wakeUp = () => {}
  const waiting = new Set<{ seq: number; settle: (asked: Asked) => void }>()

  const connection = (): Connection => (barred === null ? { kind: reach } : { kind: 'refused', code: barred })

  /** A terminal that is barred stays so when the network goes, and over a restart, until the worker has it again. */
  function change(to: { reach?: typeof reach; barred?: ErrorCode | null }) {
    const before = connection()
    reach = to.reach ?? reach
    if (to.barred !== undefined && to.barred !== barred) {
      barred = to.barred
      journal.bar(barred)
    }
    if (before.kind === connection().kind) return
    log('connection', { ...connection() })
    onChange(connection())
  }

  function fail(to: Parameters<typeof change>[0]) {
    failures += 1
    change(to)
    for (const waiter of waiting) waiter.settle({ how: 'unreachable' })
  }

  async function sendOnce() {
    const batch = journal.unanswered(Math.max(1, atOnce >> failures))
    if (batch.length === 0) return
    const sent = await link.send(batch.map(({ jws }) => jws))
    const brokeDown = sent.kind === 'unreachable' || (sent.kind === 'refused' && sent.status >= 500)
    // What may have been too much at once goes in parts; where one alone fails too, it was not that.
    if (brokeDown && failures === 0) atOnce = batch.length === 1 ? SENT_AT_ONCE : batch.length >> 1
    switch (sent.kind) {
      case 'answer': {
        const { results, time, quarantined } = sent.value
        journal.answer(results, time, { putAside: quarantined })
        failures = 0
        if (journal.unanswered(1).length === 0) atOnce = SENT_AT_ONCE
        // What is put aside for staff has arrived, and nothing more is booked for this terminal.
        if (quarantined) change({ reach: 'online', barred: stays(barred) ? barred : 'terminal_revoked' })
        else {
          change({ reach: 'online', ...(!stays(barred) && { barred: null }) })
          if (journal.diverged().length > 0) diverged()
        }
        for (const waiter of waiting) {
          const result = results.find(({ seq }) => seq === waiter.seq)
          if (result) waiter.settle({ how: 'answered', token: result.token ?? null, closed: result.closed ?? [] })
        }
        return
      }
      case 'unreachable':
        return fail({ reach: 'offline' })
      case 'refused':
        if (sent.code === 'seq_gap') {
          const gap = await rewind()
          if (gap === 'told_again') return
          if (gap === 'unreachable') return fail({ reach: 'offline' })
        }
        log('refused', { code: sent.code, message: sent.message, from: batch[0]?.seq, count: batch.length })
        if (brokeDown && failures === 0 && batch.length > 1) return // The worker answers: the half is tried at once.
        return fail(sent.code === 'too_often' || sent.status >= 500 ? { reach: 'offline' } : { barred: sent.code })
    }
  }

  /**
   * The worker misses what it once answered, as after a restored backup: it is told again from there. What this journal
   * does not have cannot be told.
   */
  async function rewind(): Promise<'told_again' | 'unreachable' | 'not_here'> {
    const synced = await link.sync(0, journal.head(), journal.queue())
    if (synced.kind !== 'answer') return 'unreachable'
    return tellAgain(synced.value.nextSeq) ? 'told_again' : 'not_here'
  }

  function tellAgain(from: number): boolean {
    if (from > journal.head().seq || from < journal.oldest()) return false
    log('rewind', { to: from })
    journal.reopen(from)
    return true
  }

  return {
    connection,

    /** Tries at once, whatever pause is being kept. */
    wake: () => wakeUp(),

    /** Tells a restored worker again what it has lost, from this number on; false where that is not all here. */
    tellAgain,

    /** Hears from a sync that the worker answers, and so knows this terminal; what it said of messages stands. */
    reached() {
      failures = 0
      change({ reach: 'online', ...(barred?.startsWith('terminal_') && !stays(barred) && { barred: null }) })
      wakeUp()
    },

    /** Hears from a sync that the worker is out of reach, or will not have this terminal. */
    missed(why: 'offline' | ErrorCode) {
      change(why === 'offline' ? { reach: 'offline' } : { barred: why })
    },

    /** Sends, and waits for the answer to a message, for so many milliseconds at most. */
    async ask(seq: number, timeoutMs: number): Promise<Asked> {
      const deadline = new AbortController()
      const answered = new Promise<Asked>((resolve) => {
        const waiter = {
          seq,
          settle(asked: Asked) {
            waiting.delete(waiter)
            resolve(asked)
          },
        }
        waiting.add(waiter)
        deadline.signal.addEventListener('abort', () => waiting.delete(waiter))
      })
      wakeUp()
      const late = sleep(timeoutMs, deadline.signal).then(
        () => ({ how: 'late' }) as const,
        () => ({ how: 'late' }) as const,
      )
      const asked = await Promise.race([answered, late])
      deadline.abort()
      if (asked.how === 'answered' || journal.entry(seq).outcome === null) return asked
      return { how: 'answered', token: null, closed: [] }
    },

    /** Runs until the signal aborts. An error of the journal ends it, since nothing may be sold without one. */
    async run(signal: AbortSignal) {
      while (!signal.aborted) {
        const awoken = new AbortController()
        let knocked = false
        wakeUp = () => {
          knocked = true
          awoken.abort()
        }
        await sendOnce()
        if (knocked && failures === 0) continue
        if (failures === 0 && journal.unanswered(1).length > 0) continue
        const pause = Math.min(BACKOFF_MAX_MS, BACKOFF_FIRST_MS * 2 ** Math.min(failures - 1, 10))
        const pauseMs = failures === 0 ? BACKOFF_MAX_MS : pause * (0.5 + random() / 2)
        if (!knocked) await sleep(pauseMs, AbortSignal.any([signal, awoken.signal])).catch(() => undefined)
      }
    },
  }
}

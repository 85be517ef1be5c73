import type { ErrorCode } from '../shared/errors.ts'
import { MESSAGES_MAX } from '../shared/wire.ts'
import type { Entry, Journal } from './journal.ts'
import type { Link } from './link.ts'

/** How the worker is to be had: not asked yet, answering, out of reach, or known not to have us. */
export type Connection = { kind: 'unknown' | 'online' | 'offline' } | { kind: 'refused'; code: ErrorCode }

export type Forwarder = ReturnType<typeof forwarder>

const BACKOFF_FIRST_MS = 500
const BACKOFF_MAX_MS = 30_000

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
  /** Hears of messages of which a restored worker now says otherwise than what the till acted on. */
  diverged: (entries: readonly Entry[]) => void
}) {
  let reach: 'unknown' | 'online' | 'offline' = 'unknown'
  let barred = journal.barred()
  let failures = 0
  let wakeUp = () => {}
  const waiting = new Set<{ seq: number; settle: (how: 'answered' | 'unreachable') => void }>()

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
    for (const waiter of waiting) waiter.settle('unreachable')
  }

  async function sendOnce() {
    const batch = journal.unanswered(Math.max(1, MESSAGES_MAX >> failures)) // What was too much at once goes in parts.
    if (batch.length === 0) return
    const sent = await link.send(batch.map(({ jws }) => jws))
    switch (sent.kind) {
      case 'answer':
        diverged(journal.answer(sent.value.results))
        failures = 0
        change({ reach: 'online', barred: null })
        for (const waiter of waiting) if (journal.entry(waiter.seq).outcome !== null) waiter.settle('answered')
        return
      case 'unreachable':
        return fail({ reach: 'offline' })
      case 'refused':
        if (sent.code === 'seq_gap' && (await rewind())) return
        log('refused', { code: sent.code, message: sent.message, from: batch[0]?.seq })
        return fail(sent.code === 'too_often' || sent.status >= 500 ? { reach: 'offline' } : { barred: sent.code })
    }
  }

  /** The worker misses what it once answered, as after a restored backup: it is told again from there. */
  async function rewind(): Promise<boolean> {
    const synced = await link.sync(0)
    if (synced.kind !== 'answer' || synced.value.nextSeq > journal.head().seq) return false
    log('rewind', { to: synced.value.nextSeq })
    journal.reopen(synced.value.nextSeq)
    return true
  }

  return {
    connection,

    /** Tries at once, whatever pause is being kept. */
    wake: () => wakeUp(),

    /** Hears from a sync that the worker answers, and so knows this terminal; what it said of messages stands. */
    reached() {
      failures = 0
      change({ reach: 'online', ...(barred?.startsWith('terminal_') && { barred: null }) })
      wakeUp()
    },

    /** Hears from a sync that the worker is out of reach, or will not have this terminal. */
    missed(why: 'offline' | ErrorCode) {
      change(why === 'offline' ? { reach: 'offline' } : { barred: why })
    },

    /**
     * Sends, and waits for the answer to a message: 'answered' when it is in the journal, 'unreachable' as soon as a
     * try has failed, 'late' when the time is up or the signal aborts.
     */
    async ask(seq: number, timeoutMs: number): Promise<'answered' | 'unreachable' | 'late'> {
      const deadline = new AbortController()
      const answered = new Promise<'answered' | 'unreachable'>((resolve) => {
        const waiter = {
          seq,
          settle(how: 'answered' | 'unreachable') {
            waiting.delete(waiter)
            resolve(how)
          },
        }
        waiting.add(waiter)
        deadline.signal.addEventListener('abort', () => waiting.delete(waiter))
      })
      wakeUp()
      const late = sleep(timeoutMs, deadline.signal).then(
        () => 'late' as const,
        () => 'late' as const,
      )
      const how = await Promise.race([answered, late])
      deadline.abort()
      return journal.entry(seq).outcome === null ? how : 'answered'
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

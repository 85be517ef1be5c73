import type { ErrorCode } from '../shared/errors.ts'
import { MESSAGES_MAX } from '../shared/wire.ts'
import type { Journal } from './journal.ts'
import type { Link } from './link.ts'

/** How the worker is to be had: not asked yet, answering, out of reach, or answering that it will not have us. */
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
}: {
  journal: Journal
  link: Link
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  /** A number from 0 to below 1, so that terminals do not come back all at once. */
  random: () => number
  log: (event: string, fields?: Record<string, unknown>) => void
  onChange: (connection: Connection) => void
}) {
  let connection: Connection = { kind: 'unknown' }
  let failures = 0
  let wakeUp = () => {}
  const waiting = new Set<{ seq: number; settle: (how: 'answered' | 'unreachable') => void }>()

  function change(to: Connection) {
    const before = connection
    connection = to
    if (before.kind === to.kind) return
    log('connection', { ...to })
    onChange(to)
  }

  function fail(to: Connection) {
    failures += 1
    change(to)
    for (const waiter of waiting) waiter.settle('unreachable')
  }

  async function sendOnce() {
    const batch = journal.unanswered(MESSAGES_MAX)
    if (batch.length === 0) return
    const sent = await link.send(batch.map(({ jws }) => jws))
    switch (sent.kind) {
      case 'answer':
        journal.answer(sent.value.results)
        failures = 0
        change({ kind: 'online' })
        for (const waiter of waiting) if (journal.entry(waiter.seq).outcome !== null) waiter.settle('answered')
        return
      case 'unreachable':
        return fail({ kind: 'offline' })
      case 'refused':
        if (sent.code === 'seq_gap' && (await rewind())) return
        log('refused', { code: sent.code, message: sent.message, from: batch[0]?.seq })
        return fail(
          sent.code === 'too_often' || sent.status >= 500 ? { kind: 'offline' } : { kind: 'refused', code: sent.code },
        )
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
    connection: () => connection,

    /** Tries at once, whatever pause is being kept. */
    wake: () => wakeUp(),

    /** Hears from elsewhere (a sync) that the worker answers. */
    reached() {
      if (connection.kind === 'refused') return
      failures = 0
      change({ kind: 'online' })
      wakeUp()
    },

    /** Hears from elsewhere that the worker is out of reach, or will not have us. */
    missed(to: Connection) {
      change(to)
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

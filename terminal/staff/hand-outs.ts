import { setTimeout } from 'node:timers/promises'
import { z } from 'zod'
import { HandOut, HandOutOpenCall, type HandOutReason } from '../../shared/office/card-making.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { type Asked, change, type Desk, type Outcome, read } from './desk.ts'
import { onScreen, plain } from './output.ts'

/** Hands a card out by a tap: opens a hand-out at a terminal, and waits until a card has come to it. */

export type HandingOut = { child?: number; order?: string; terminal: string }

type View = z.infer<typeof HandOut>

const POLL_MS = 1_000
/** How often in a row the worker may be out of reach before the waiting ends. */
const SILENCES_MAX = 5

const REASONS: Record<HandOutReason, string> = {
  card_taken: 'the card belongs to somebody else',
  card_own: 'it is a card that the child has already',
  card_closed: 'the card is closed for good',
  card_of_other_order: 'the card was made for somebody else, whose name is on it',
  order_ended: 'the order has ended meanwhile',
  child_left: 'the child has left',
}

export async function handOutByTap(desk: Desk, { child, order, terminal }: HandingOut): Promise<Outcome> {
  if ((child === undefined) === (order === undefined)) {
    return { kind: 'usage', message: 'say whose card it is, by --child or by --order' }
  }
  const id = uuidv7(desk.nowMs(), desk.random(16))
  const body = { id, terminal, ...(child !== undefined && { child }), ...(order !== undefined && { order }) }
  const opened = await change(desk, '/hand-outs', HandOutOpenCall, body, HandOut)
  if (opened.kind !== 'answer') return opened
  const interrupted = new AbortController()
  const interrupt = () => interrupted.abort()
  for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, interrupt)
  // For whoever stands at the till; what comes of it is the answer. Said only once Ctrl-C does what it says.
  const words = `Lay the card on terminal ${plain(terminal)} now, with nothing chosen there. Ctrl-C cancels.`
  process.stderr.write(`${onScreen(words, process.stderr)}\n`)
  try {
    return await ended(desk, opened.value, interrupted.signal)
  } finally {
    for (const signal of ['SIGINT', 'SIGTERM'] as const) process.removeListener(signal, interrupt)
  }
}

async function ended(desk: Desk, { id, expiresAt }: View, interrupted: AbortSignal): Promise<Outcome> {
  for (let silences = 0; silences < SILENCES_MAX; ) {
    await setTimeout(POLL_MS, undefined, { signal: interrupted }).catch(() => {})
    const asked: Asked<View> = interrupted.aborted
      ? await change(desk, `/hand-outs/${id}/cancel`, z.strictObject({}), {}, HandOut)
      : await read(desk, `/hand-outs/${id}`, HandOut)
    if (asked.kind === 'unreachable') {
      if (interrupted.aborted || silences === SILENCES_MAX - 1) {
        return { ...asked, hint: `the terminal awaits the card until ${new Date(expiresAt).toISOString()}` }
      }
      silences += 1
      continue
    }
    if (asked.kind !== 'answer') return asked
    silences = 0
    const outcome = outcomeOf(asked.value)
    if (outcome !== null) return outcome
  }
  throw new Error('the waiting never ended')
}

/** What became of it; null while it waits. */
function outcomeOf(view: View): Outcome | null {
  const refused = (code: string, message: string): Outcome => ({ kind: 'refused', code, message })
  switch (view.status) {
    case 'waiting':
      return null
    case 'done':
      return { kind: 'done', value: view, text: `Card ${view.card} is handed out and active.` }
    case 'refused':
      return refused(view.reason ?? 'card_taken', `not handed out: ${REASONS[view.reason ?? 'card_taken']}`)
    case 'cancelled':
      return refused('hand_out_cancelled', 'cancelled, and no card is handed out')
    case 'expired':
      return refused('hand_out_expired', 'no card was laid on the terminal within a minute')
  }
}

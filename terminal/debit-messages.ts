import type { DebitMessage } from '../shared/debit.ts'
import { sign } from '../shared/signing.ts'
import type { Clock } from './clock.ts'
import type { Enrolment, KeyPair } from './identity.ts'
import type { Entry, Journal } from './journal.ts'

/** What the messages of one sale have in common. */
export type Content = Pick<DebitMessage, 'sale' | 'card' | 'amount' | 'lines' | 'token'>

/** Who signs what a journal is told next. */
export type Author = { journal: Journal; enrolment: Enrolment; key: KeyPair; clock: Clock }

/** Signs the next message of a journal, made at `at`, and puts it on the disk; `shown` where nobody waits to see it. */
export async function append(
  { journal, enrolment, key, clock }: Author,
  kind: DebitMessage['kind'],
  { sale, card, amount, lines, token }: Content,
  at = Math.max(0, Math.round(clock.now())),
  shown = false,
): Promise<Entry> {
  const { seq, hash } = journal.head()
  const message: DebitMessage = { v: 1, kind, sale, seq: seq + 1, prev: hash, card, amount, lines, at }
  if (token !== undefined && kind !== 'reversal') message.token = token
  return journal.append(message, await sign(key.privateKey, 'klubkort-debit', enrolment.terminal, message), { shown })
}

/** Settles what a power cut left open: a request whose answer nobody knew is undone. */
export async function undoUnresolved(author: Author, told: (open: Entry) => void = () => undefined) {
  for (const open of author.journal.unresolved()) {
    told(open)
    await append(author, 'reversal', open)
  }
}

import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { learningClock, type Machine } from '../clock.ts'
import { undoUnresolved } from '../debit-messages.ts'
import { hold } from '../hold.ts'
import { dropKey } from '../identity.ts'
import { openJournal } from '../journal.ts'
import { enrolAt, link as linkOf } from '../link.ts'
import { asideName, closeWhole, enrollingKey, identityIn, journalFile, sendLeft, take } from '../reenrolment.ts'
import { Refused } from './refused.ts'
import { rotation as rotationOf } from './rotation.ts'

/**
 * Enrols a state folder with a one-time code, also one that was enrolled before: what its journal has unsent goes first,
 * and what the worker has lost since is told again, for staff. Resolves to who it is now, the name under which the
 * journal before is kept (null where there was none), and how many messages of that could not be delivered. Throws
 * Refused where a till is at work there or somebody reads its journal, where the worker refuses, and where it does not
 * answer; the same code may be tried again then.
 */
export async function enrolHere(url: string, code: string, state: string, machine: Machine) {
  const lock = hold(state)
  if (!lock) throw new Refused(`a till is at work in ${state}: stop it first (systemctl stop klubkort-terminal)`)
  try {
    await sendUnsent(state, machine)
    if (existsSync(journalFile(state))) closeWhole(state)
    const enrolled = await enrolWithNewKey(url, code, state, machine)
    if (enrolled.kind === 'refused') throw new Refused(`${enrolled.message} (${enrolled.code})`)
    if (enrolled.kind === 'unreachable')
      throw new Refused(`no answer from ${url}: ${enrolled.cause}; the same code may be tried again`)
    const { terminal, municipality, cardKey, name, site, nextSeq, prev, time } = enrolled.value
    const left = await sendUnsent(state, machine, nextSeq)
    const aside = existsSync(journalFile(state)) ? asideName(time) : null
    await take(state, {
      enrolment: { terminal, municipality, cardKey, url, keySince: time },
      begins: { seq: nextSeq - 1, hash: prev },
      aside,
    })
    return { terminal, name, site, aside, left }
  } finally {
    lock.release()
  }
}

/** What is said of the key, or of a code that it was shown with: the key is of no more use. */
const SPENT: ReadonlySet<string> = new Set(['proof_invalid', 'code_expired', 'code_used'])

/**
 * Enrols the key that is kept for it. The worker may have taken that one already and its answer been lost, until its code
 * ran out: then it is no new key to any other code, and another is made.
 */
async function enrolWithNewKey(url: string, code: string, state: string, machine: Machine) {
  const once = async () => {
    const answered = await enrolAt(url, code, await enrollingKey(state), machine.epoch())
    if (answered.kind === 'refused' && SPENT.has(answered.code)) await dropKey(state, 'key-enrolling')
    return answered
  }
  const answered = await once()
  return answered.kind === 'refused' && answered.code === 'proof_invalid' ? once() : answered
}

/**
 * Sends what an earlier enrolment has not delivered, a sale that the power ended undone first; resolves to how many
 * messages are left. From number `lost` on the worker has none of them any more, and is told again.
 */
async function sendUnsent(state: string, machine: Machine, lost = Number.MAX_SAFE_INTEGER): Promise<number> {
  const identity = await identityIn(state)
  if (!identity || !existsSync(journalFile(state))) return 0
  const { enrolled, key } = identity
  const journal = openJournal(journalFile(state))
  try {
    const clock = learningClock(machine, journal.notBefore())
    journal.reopen(lost)
    const { settle } = await rotationOf({ state, enrolment: enrolled, key, clock, uuid: randomUUID })
    await undoUnresolved({ journal, enrolment: enrolled, key, clock })
    return await sendLeft(journal, linkOf({ enrolment: enrolled, key, clock, uuid: randomUUID, settle }))
  } finally {
    journal.close()
  }
}

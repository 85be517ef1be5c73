import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { learningClock, type Machine } from '../clock.ts'
import { hold } from '../hold.ts'
import { openJournal } from '../journal.ts'
import { enrolAt, link as linkOf } from '../link.ts'
import { asideName, enrollingKey, identityIn, journalFile, sendLeft, take } from '../reenrolment.ts'
import { Refused } from './refused.ts'
import { rotation as rotationOf } from './rotation.ts'

/**
 * Enrols a state folder with a one-time code, also one that was enrolled before: what its journal has unsent goes first.
 * Resolves to who it is now, the name under which the journal before is kept (null where there was none), and how many
 * messages of that could not be delivered. Throws Refused where a till is at work there, where the worker refuses, and
 * where it does not answer; the same code may be tried again then.
 */
export async function enrolHere(url: string, code: string, state: string, machine: Machine) {
  const lock = hold(state)
  if (!lock) throw new Refused(`a till is at work in ${state}: stop it first (systemctl stop klubkort-terminal)`)
  try {
    const left = await sendUnsent(state, machine)
    const enrolled = await enrolAt(url, code, await enrollingKey(state), machine.epoch())
    if (enrolled.kind === 'refused') throw new Refused(`${enrolled.message} (${enrolled.code})`)
    if (enrolled.kind === 'unreachable')
      throw new Refused(`no answer from ${url}: ${enrolled.cause}; the same code may be tried again`)
    const { terminal, municipality, cardKey, name, site, nextSeq, prev, time } = enrolled.value
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

/** What an earlier enrolment has not delivered goes first; resolves to how many messages could not be. */
async function sendUnsent(state: string, machine: Machine): Promise<number> {
  const identity = await identityIn(state)
  if (!identity || !existsSync(journalFile(state))) return 0
  const { enrolled, key } = identity
  const journal = openJournal(journalFile(state))
  try {
    const clock = learningClock(machine, journal.notBefore())
    const { settle } = await rotationOf({ state, enrolment: enrolled, key, clock, uuid: randomUUID })
    return await sendLeft(journal, linkOf({ enrolment: enrolled, key, clock, uuid: randomUUID, settle }))
  } finally {
    journal.close()
  }
}

import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { rm, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { setTimeout } from 'node:timers/promises'
import { learningClock, type Machine } from '../clock.ts'
import { hold } from '../hold.ts'
import { enrolment, heldKey } from '../identity.ts'
import { openJournal } from '../journal.ts'
import { identityIn, journalFile } from '../reenrolment.ts'
import { Refused } from './refused.ts'
import { rotation as rotationOf } from './rotation.ts'

/** A running till looks for a wish every ten seconds. */
const ROTATION_WAIT_MS = 30_000

/** Where a running till is asked for another key; it takes the file away when it has tried. */
export const rotationWanted = (state: string) => join(state, 'rotation-wanted')

/**
 * Changes the key of a state folder's terminal now; a till that is at work there does it itself, between two sales.
 * Throws Refused where no terminal is enrolled, where messages are unsent, and where the worker has not taken the key.
 */
export async function rotateHere(state: string, machine: Machine) {
  const before = await heldKey(state, 'key')
  if (!before || !(await enrolment(state))) throw new Refused(`no terminal is enrolled in ${state}`)
  const lock = hold(state)
  if (!lock) return wish(state, before.publicKey, machine)
  try {
    await rotateAlone(state, machine)
  } finally {
    lock.release()
  }
}

async function rotateAlone(state: string, machine: Machine) {
  const identity = await identityIn(state)
  if (!identity) throw new Refused(`no terminal is enrolled in ${state}`)
  const { enrolled, key } = identity
  const journal = openJournal(journalFile(state))
  const { count } = journal.queue()
  const clock = learningClock(machine, journal.notBefore())
  journal.close()
  if (count > 0) throw new Refused(`${count} messages are unsent: the key stays until they are delivered`)
  const { rotate } = await rotationOf({ state, enrolment: enrolled, key, clock, uuid: randomUUID })
  const changed = await rotate()
  if (changed.kind === 'refused') throw new Refused(`${changed.message} (${changed.code})`)
  if (changed.kind === 'unreachable')
    throw new Refused(`no answer from ${enrolled.url}: ${changed.cause}; it is asked again at the next start`)
}

async function wish(state: string, before: string, machine: Machine) {
  const file = rotationWanted(state)
  await writeFile(file, '')
  for (const until = machine.monotonic() + ROTATION_WAIT_MS; machine.monotonic() < until; await setTimeout(250)) {
    if (existsSync(file)) continue
    const after = await heldKey(state, 'key')
    if (after?.publicKey === before) throw new Refused('the worker did not take another key; the log says why')
    return
  }
  await rm(file, { force: true })
  throw new Refused('the till has not changed its key: it is offline, busy, or has unsent messages')
}

import { existsSync } from 'node:fs'
import { join } from 'node:path'
import { z } from 'zod'
import { SENT_AT_ONCE } from './forwarder.ts'
import { dropKey, Enrolment, enrolment, heldKey, keepEnrolment, keyPair, promoteKey, readJson } from './identity.ts'
import { type Journal, openJournal } from './journal.ts'
import type { Database } from './journal-database.ts'
import type { Link } from './link.ts'
import { disk, type Files } from './upkeep/files.ts'
import { Refused } from './upkeep/refused.ts'

/**
 * What an enrolment has still to do here, once the worker has taken it. `aside` is where the old journal goes; null where
 * there is none.
 */
const Taken = z.object({
  enrolment: Enrolment,
  begins: z.object({ seq: z.int().min(0), hash: z.string() }),
  aside: z.string().nullable(),
})
export type Taken = z.infer<typeof Taken>

const takenFile = (state: string) => join(state, 'enrolling.json')

export const journalFile = (state: string) => join(state, 'journal.db')

/** How an old journal is called: 'journal-20261121T143105123.db'. It is kept. */
export const asideName = (nowMs: number) => `journal-${new Date(nowMs).toISOString().replaceAll(/[-:.Z]/g, '')}.db`

/** The key to enrol with, made here. It stays the same until the worker has taken it, so that a lost answer does no harm. */
export const enrollingKey = (state: string, files: Files = disk) => keyPair(state, 'key-enrolling', files)

/**
 * Makes a journal whole in its one file, with no log beside it, so that it can be moved. Throws Refused where somebody
 * reads it: the log that they hold would become part of the next journal.
 */
export function closeWhole(state: string, open?: (path: string) => Database) {
  const path = journalFile(state)
  openJournal(path, open).close()
  if (!existsSync(`${path}-wal`)) return
  throw new Refused(`somebody reads ${path}, such as \`klubkort-terminal doctor\`: end that, and try again`)
}

/** Keeps that the worker has taken an enrolment, and completes it. */
export async function take(state: string, taken: Taken, open?: (path: string) => Database, files: Files = disk) {
  await files.write(takenFile(state), JSON.stringify(taken))
  await complete(state, open, files)
}

/**
 * Completes an enrolment that the worker has taken, from wherever the power left it: the old journal is moved aside, a
 * new one begins after the newest message that the worker has, and the new key comes into use. Nothing is there to
 * complete most of the time.
 */
export async function complete(state: string, open?: (path: string) => Database, files: Files = disk) {
  const taken = await readJson(takenFile(state), Taken, files)
  if (taken === null) return
  const path = journalFile(state)
  if (taken.aside !== null && !existsSync(join(state, taken.aside))) {
    closeWhole(state, open)
    await files.move(path, join(state, taken.aside))
  }
  const journal = openJournal(path, open)
  try {
    if (journal.head().seq === 0) journal.begin(taken.begins)
  } finally {
    journal.close()
  }
  await promoteKey(state, 'key-enrolling', files)
  await dropKey(state, 'key-rotating', files)
  await keepEnrolment(state, taken.enrolment, files)
  await files.remove(takenFile(state))
}

/**
 * Sends what a journal has unsent, as before another takes its place; resolves to how many messages are left, because
 * the worker is not there or will not have them.
 */
export async function sendLeft(journal: Journal, link: Pick<Link, 'send'>): Promise<number> {
  let failures = 0
  for (;;) {
    const atOnce = SENT_AT_ONCE >> failures // What was too much at once goes in parts.
    const batch = journal.unanswered(atOnce)
    if (atOnce === 0 || batch.length === 0) return journal.queue().count
    const sent = await link.send(batch.map(({ jws }) => jws))
    if (sent.kind === 'answer' && sent.value.results.length > 0) {
      const { results, time, quarantined } = sent.value
      journal.answer(results, time, { putAside: Boolean(quarantined) })
      failures = 0
    } else failures += 1
  }
}

/** What a state folder says of its terminal, an interrupted enrolment completed first. */
export async function identityIn(state: string, open?: (path: string) => Database, files: Files = disk) {
  await complete(state, open, files)
  const enrolled = await enrolment(state, files)
  const key = enrolled && (await heldKey(state, 'key', files))
  return enrolled && key ? { enrolled, key } : null
}

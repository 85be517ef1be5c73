import { once } from 'node:events'
import { Dead } from './box.ts'
import { type Order, playSeed } from './seed.ts'
import { town } from './town.ts'
import { workerAt } from './worker-call.ts'
import { withoutThreads } from './world.ts'

/*
 * One process that plays seeds, one after the other, against a worker of its own: told by its parent which, and telling
 * what came of each. It goes with its parent.
 */

withoutThreads()
const [port = '', setupKey = ''] = process.argv.slice(2)
const worker = workerAt(Number(port), setupKey)
const built = await town(worker, setupKey)

/** What a program that has died still says is heard by nobody. */
const isDead = (error: unknown): boolean =>
  error instanceof Dead || (error instanceof Error && error.cause !== undefined && isDead(error.cause))
process.on('unhandledRejection', (error) => {
  if (isDead(error)) return
  throw error
})

const tell = (message: object) => process.send?.(message)
process.on('disconnect', () => process.exit())
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.on(signal, () => {}) // Its parent says when to end.
tell({ kind: 'ready' })
while (true) {
  const [order] = (await once(process, 'message')) as [Order]
  const { user, system } = process.cpuUsage()
  try {
    const outcome = await playSeed(order, built, worker)
    const used = process.cpuUsage({ user, system })
    tell({ kind: 'outcome', outcome, cpuMs: (used.user + used.system) / 1000 })
  } catch (error) {
    tell({ kind: 'crashed', order, error: error instanceof Error ? (error.stack ?? error.message) : String(error) })
  }
}

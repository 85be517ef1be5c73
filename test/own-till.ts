import { rmSync } from 'node:fs'
import { afterEach, beforeEach } from 'vitest'
import type { KeyPair } from '../terminal/identity.ts'
import { counter, scratch, someKey, type Worker } from './counter.ts'

type Desk = Awaited<ReturnType<typeof counter>>
type More = Partial<Parameters<typeof counter>[0]>

/** Gives each test of a file a folder and a key of its own; the till that it sets up there is stopped at its end. */
export function ownTill() {
  let folder: string
  let key: KeyPair
  let desk: Desk | null = null
  beforeEach(async () => {
    folder = scratch()
    key = await someKey(folder)
  })
  afterEach(leave)

  async function leave(): Promise<void> {
    await desk?.stop()
    desk = null
    rmSync(folder, { recursive: true })
  }
  /** A till that has not begun yet. */
  async function set(worker: Worker, more: More = {}): Promise<Desk> {
    desk = await counter({ folder, worker, key, ...more })
    return desk
  }
  /** A till that has begun, and has synced where it could. */
  async function open(worker: Worker, more: More = {}): Promise<Desk> {
    const opened = await set(worker, more)
    await opened.start()
    return opened
  }
  return {
    ...{ set, open, folder: () => folder, key: () => key, desk: () => desk },
    /** Leaves the till and all that it knows, and goes on in a new folder. */
    async moveOn() {
      await leave()
      folder = scratch()
    },
  }
}

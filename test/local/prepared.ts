import { cp } from 'node:fs/promises'
import { join } from 'node:path'
import { build, migrate } from './worker.ts'

/** The worker, and a clock that can be put back. */
export const DATED_WORKER = 'test/local/dated.mjs'

/** What every first start would make anew and alike: databases that are up to date and empty, and the worker, built. */
export type Prepared = { databases: string; worker: string; datedWorker: string }

/** Makes it all in a folder, with the commands that a deployment uses. */
export async function prepare(folder: string): Promise<Prepared> {
  const [worker, datedWorker] = await Promise.all([
    build(folder),
    build(folder, DATED_WORKER),
    migrate(folder, 4000),
    migrate(folder, 7620),
  ])
  return { databases: join(folder, 'd1'), worker, datedWorker }
}

/** Gives a folder databases of its own. */
export async function copyDatabases({ databases }: Prepared, folder: string): Promise<void> {
  await cp(databases, join(folder, 'd1'), { recursive: true })
}

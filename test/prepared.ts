import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestProject } from 'vitest/node'
import { type Prepared, prepare } from './local/prepared.ts'

declare module 'vitest' {
  interface ProvidedContext {
    prepared: Prepared
  }
}

/** Makes once what all files that start the whole system begin with. */
export default async function setup({ provide }: TestProject) {
  const folder = await mkdtemp(join(tmpdir(), 'klubkort-prepared-'))
  provide('prepared', await prepare(folder))
  return () => rm(folder, { recursive: true, force: true })
}

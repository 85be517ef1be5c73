import { mkdir, open, readFile, rename, rm } from 'node:fs/promises'
import { dirname } from 'node:path'

/** What is kept in small files: each is there whole or not at all, even if the power goes. */
export type Files = {
  /** The text of a file; null where there is none. */
  read(path: string): Promise<string | null>
  /** Readable by its owner only. */
  write(path: string, text: string): Promise<void>
  /** Puts a file in another's place. */
  move(from: string, to: string): Promise<void>
  remove(path: string): Promise<void>
}

/** The real disk. Every change is on it when its promise resolves. */
export const disk: Files = {
  async read(path) {
    try {
      return await readFile(path, 'utf8')
    } catch (error) {
      if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return null
      throw error
    }
  },

  async write(path, text) {
    await mkdir(dirname(path), { recursive: true, mode: 0o700 })
    const file = await open(`${path}.new`, 'w', 0o600)
    try {
      await file.chmod(0o600)
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    await disk.move(`${path}.new`, path)
  },

  async move(from, to) {
    await rename(from, to)
    await synced(dirname(to))
  },

  async remove(path) {
    await rm(path, { force: true })
    await synced(dirname(path))
  },
}

async function synced(folder: string) {
  const opened = await open(folder, 'r')
  await opened.sync().finally(() => opened.close())
}

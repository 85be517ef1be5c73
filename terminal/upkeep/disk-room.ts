import { open, rm, statfs } from 'node:fs/promises'
import { join } from 'node:path'

/** Below this nothing is sold. A sale takes some kilobytes; the rest is for the write-ahead log and for other programs. */
export const ROOM_MIN_BYTES = 16 * 1024 * 1024

/** What is wrong with the disk under a folder. */
export type DiskTrouble = { kind: 'full'; freeBytes: number } | { kind: 'refuses'; cause: string }

/** How many bytes are free on the disk under a folder, for programs that are not root. */
export async function roomIn(folder: string): Promise<number> {
  const { bavail, bsize } = await statfs(folder)
  return bavail * bsize
}

/** Whether the disk under a folder has room and takes a file; null where it does. */
export async function diskTrouble(folder: string, room: typeof roomIn = roomIn): Promise<DiskTrouble | null> {
  try {
    const freeBytes = await room(folder)
    if (freeBytes < ROOM_MIN_BYTES) return { kind: 'full', freeBytes }
    const path = join(folder, 'probe')
    const file = await open(path, 'w', 0o600)
    try {
      await file.writeFile('probe')
      await file.sync()
    } finally {
      await file.close()
    }
    await rm(path)
    return null
  } catch (error) {
    return { kind: 'refuses', cause: error instanceof Error ? error.message : String(error) }
  }
}

/** The same in words. */
export function troubleText(trouble: DiskTrouble): string {
  return trouble.kind === 'full'
    ? `only ${Math.floor(trouble.freeBytes / 1024 / 1024)} MB are free, and ${ROOM_MIN_BYTES / 1024 / 1024} are needed`
    : trouble.cause
}

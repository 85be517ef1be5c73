import { open, readFile } from 'node:fs/promises'

/** Why a file or a folder cannot be written, or read, in words; what is rare keeps its code. */
export function diskTrouble(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? String(error.code) : String(error)
  return WORDS[code] ?? code
}

const WORDS: Readonly<Record<string, string>> = {
  ENOENT: 'there is no such folder',
  ENOTDIR: 'a part of the path is a file, not a folder',
  EISDIR: 'it is a folder, not a file',
  EEXIST: 'something of that name is there',
  EACCES: 'you have no leave to',
  EPERM: 'you have no leave to',
  EROFS: 'that disk is read-only',
  ENOSPC: 'the disk is full',
}

/** Writes a file for its owner's eyes only. One that is there is left alone, and is well if it is the same. Null, or why not. */
export async function writeNew(path: string, text: string): Promise<string | null> {
  try {
    const file = await open(path, 'wx', 0o600)
    try {
      await file.writeFile(text)
      await file.sync()
    } finally {
      await file.close()
    }
    return null
  } catch (error) {
    if ((error as NodeJS.ErrnoException).code !== 'EEXIST') return diskTrouble(error)
    const there = await readFile(path, 'utf8').catch(() => null)
    return there === text ? null : 'it exists with other content, and is not overwritten'
  }
}

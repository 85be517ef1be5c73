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

import { mkdirSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { files } from './recipe.ts'

/** Writes the recipe of the display's file, with its pictures and sounds, beside this program. */
for (const [path, content] of files()) {
  const file = join(import.meta.dirname, path)
  mkdirSync(dirname(file), { recursive: true })
  writeFileSync(file, content)
  console.log(`${path}: ${content.length} bytes`)
}

// Plain JavaScript, so that even a Node that cannot run TypeScript can say what is missing.
import { existsSync } from 'node:fs'

const [major, minor] = process.versions.node.split('.').map(Number)
const missing = ['wrangler', 'serialport', 'hono', '@lydell/node-pty'].find(
  (name) => !existsSync(new URL(`../../node_modules/${name}`, import.meta.url)),
)
if (missing) {
  console.error(`klubkort: ${missing} is not installed; run 'npm ci' first`)
  process.exit(1)
}
if (major < 22 || (major === 22 && minor < 18)) {
  console.error(
    `klubkort: Node ${process.versions.node} is too old and npm has not installed its own; run 'npm ci' first`,
  )
  process.exit(1)
}
const program = process.argv[2]
await import(`./${program}.ts`)

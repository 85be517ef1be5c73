import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: ['./worker/schema.ts', './worker/money-schema.ts', './worker/terminal-schema.ts'],
  out: './migrations',
})

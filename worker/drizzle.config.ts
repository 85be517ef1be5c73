import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: ['./worker/schema.ts', './worker/payments/money-schema.ts', './worker/terminals/terminal-schema.ts'],
  out: './migrations',
})

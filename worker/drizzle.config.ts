import { defineConfig } from 'drizzle-kit'

export default defineConfig({
  dialect: 'sqlite',
  schema: [
    './worker/schema/core.ts',
    './worker/schema/money.ts',
    './worker/schema/terminals.ts',
    './worker/schema/office.ts',
  ],
  out: './migrations',
})

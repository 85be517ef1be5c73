import { Hono } from 'hono'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { disclosure } from '../people/disclosure.ts'
import type { GuardianEnv } from '../portal/view.ts'
import { privacy as texts } from '../texts/privacy.ts'

/** What is stored about a guardian and their children, as a file to keep. */
export const privacyRoutes = new Hono<GuardianEnv>().get('/privatliv/mine-data', async (c) => {
  const { view, db, now } = c.var
  const { guardian, accounts } = view.visit
  const own = { guardian: guardian.id, accounts: accounts.map(({ id }) => id) }
  const about = Object.values(texts.file).map(view.say)
  return c.body(JSON.stringify({ about, ...(await disclosure(db, own, now)) }, null, 2), 200, {
    'content-type': 'application/json; charset=utf-8',
    'content-disposition': `attachment; filename="klubkort-${copenhagenDay(now)}.json"`,
    'cache-control': 'no-store',
  })
})

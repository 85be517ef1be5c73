import { Hono } from 'hono'
import { type Waiting, waitingQuery } from '../cards/order-views.ts'
import { localPath } from '../login/logins.ts'
import { viewedAccounts } from '../people/viewings.ts'
import { AccountsPage } from '../portal/accounts.tsx'
import { page } from '../portal/layout.tsx'
import type { AccountEnv, GuardianEnv } from '../portal/view.ts'
import { latestQuery, type StatementRow, statementLine } from '../statements/statements.ts'
import { accounts } from '../texts/accounts.ts'

const LATEST = 5

/** Konti, and the choice of the account that the other pages are about. */
export const accountsRoutes = new Hono<GuardianEnv>().get('/konti', async (c) => {
  const { view, db, now } = c.var
  const { accounts: own, guardian } = view.visit
  const ids = own.map(({ id }) => id)
  const results = own.length
    ? await db.batch([
        ...ids.map((id) => latestQuery(db, id, LATEST)),
        viewedAccounts(db, ids, { guardian: guardian.id }, now),
        waitingQuery(db, ids, guardian.id),
      ])
    : []
  const latest = own.map((_, index) => ((results[index]?.results ?? []) as StatementRow[]).map(statementLine))
  const waiting = (results.at(-1)?.results ?? []) as Waiting[]
  return page(c, { title: view.say(accounts.title), at: 'accounts' }, AccountsPage({ view, latest, waiting }))
})

export const choiceRoutes = new Hono<AccountEnv>().get('/konto/:account/vaelg', (c) =>
  c.redirect(localPath(c.req.query('tilbage')), 303),
)

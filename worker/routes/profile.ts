import { type Context, Hono } from 'hono'
import { ProductCategory } from '../../shared/office/products.ts'
import { setStatus } from '../cards/cards.ts'
import { type ClosedCategory, closedQuery, setClosed } from '../cards/closed-categories.ts'
import { ordersQuery, orderViewOf } from '../cards/order-views.ts'
import { viewed } from '../people/viewings.ts'
import { type Typed, untouched } from '../portal/form.tsx'
import { page } from '../portal/layout.tsx'
import { type Done, ProfilePage, stored } from '../portal/profile.tsx'
import type { AccountEnv, GuardianEnv } from '../portal/view.ts'
import { setDailyLimit } from '../statements/accounts.ts'
import { type ToldTerminal, toldTerminalsQuery } from '../terminals/terminals.ts'
import { profile as texts } from '../texts/profile.ts'
import { amountIn } from './amounts.ts'
import { fieldsOf } from './door.ts'

const DONE = new Map<string, Done>([
  ['spaerret', 'blocked'],
  ['aktiveret', 'activated'],
  ['maks', 'limitSaved'],
  ['om', 'aboutSaved'],
  ['lukket', 'categoryHasClosed'],
  ['aabnet', 'categoryHasOpened'],
])

/** What the address says has been done; of cards only what is so, for anybody can send a link. */
function doneIn(c: Context<AccountEnv>): Done | null {
  const done = DONE.get(c.req.query('gjort') ?? '') ?? null
  const status = done === 'blocked' ? 'blocked' : done === 'activated' ? 'active' : null
  return status === null || c.var.view.account.cards.some((card) => card.status === status) ? done : null
}

/** The page of an account that is the guardian's own. */
export async function showProfile(
  c: Context<GuardianEnv> | Context<AccountEnv>,
  view: AccountEnv['Variables']['view'],
  typed: Typed,
  status: 200 | 400,
  done: Done | null = null,
) {
  const { db, now } = c.var
  const guardian = view.visit.guardian.id
  const [, terminals, ordered, closedFound] = await db.batch([
    viewed(db, { child: view.account.child.id }, { guardian }, now),
    toldTerminalsQuery(db),
    ordersQuery(db, view.account.id),
    closedQuery(db, view.account.id),
  ])
  const closed = (closedFound?.results ?? []) as ClosedCategory[]
  const orders = (ordered?.results ?? []).map((row) => orderViewOf(row, guardian))
  return page(
    c,
    { title: view.say(texts.title), at: 'profile', status },
    ProfilePage({ view, terminals: (terminals?.results ?? []) as ToldTerminal[], orders, closed, typed, done }),
  )
}

/** Shows the page again with what was typed and what is wrong with it. */
function again(c: Context<AccountEnv>, fields: Record<string, string>, errors: Record<string, string>) {
  const { account, visit } = c.var.view
  return showProfile(c, c.var.view, { fields: { ...stored(account, visit.guardian), ...fields }, errors }, 400)
}

/** Brugerinfo of an account: its cards, its daily limit, and what may not be bought. */
export const profileRoutes = new Hono<AccountEnv>()
  .get('/konto/:account/brugerinfo', (c) => {
    const { account, visit } = c.var.view
    const draft = visit.draft?.path === c.var.view.path ? visit.draft.fields : null
    const typed = untouched({ ...stored(account, visit.guardian), ...draft })
    return showProfile(c, c.var.view, typed, 200, draft ? null : doneIn(c))
  })
  .post('/konto/:account/kort/:card/:verb{spaer|aktiver}', async (c) => {
    const { view, db, now } = c.var
    const card = view.account.cards.find(({ id }) => String(id) === c.req.param('card'))
    if (!card) return c.notFound()
    const blocking = c.req.param('verb') === 'spaer'
    const actor = { guardian: view.visit.guardian.id }
    const set = await setStatus(db, card.id, blocking ? 'blocked' : 'active', actor, now)
    if (set === 'not_found') return c.notFound()
    if (set === 'card_closed') return again(c, {}, { cards: view.say(texts.cardClosed) })
    if (set === 'child_left') return again(c, {}, { cards: view.say(texts.cardFrozen)(view.account.child.name) })
    return c.redirect(`/konto/${view.account.id}/brugerinfo?gjort=${blocking ? 'spaerret' : 'aktiveret'}`, 303)
  })
  .post('/konto/:account/maks-forbrug', async (c) => {
    const { view, db, now } = c.var
    const { limit = '' } = (await fieldsOf(c)) ?? {}
    const amount = limit.trim() === '' ? null : amountIn(limit)
    if (amount === null && limit.trim() !== '') return again(c, { limit }, { limit: view.say(texts.limitWrong) })
    const set = await setDailyLimit(db, view.account.id, amount, { guardian: view.visit.guardian.id }, now)
    if (set === 'not_found') return c.notFound()
    return c.redirect(`/konto/${view.account.id}/brugerinfo?gjort=maks`, 303)
  })
  .post('/konto/:account/varegrupper/:category/:verb{luk|aabn}', async (c) => {
    const { view, db, now } = c.var
    const category = ProductCategory.safeParse(c.req.param('category'))
    if (!category.success) return c.notFound()
    const closed = c.req.param('verb') === 'luk'
    const { account, visit } = view
    const set = await setClosed(db, account.id, { category: category.data, closed }, visit.guardian.id, now)
    if (set === 'not_found') return c.notFound()
    return c.redirect(`/konto/${account.id}/brugerinfo?gjort=${closed ? 'lukket' : 'aabnet'}`, 303)
  })

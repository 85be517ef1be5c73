import { type Context, Hono } from 'hono'
import { CardOrderId, City, PostalCode, Recipient, Street } from '../../shared/office/cards.ts'
import { type Ordering, orderCard } from '../cards/card-orders.ts'
import { isUnderWay, type OrderView, orderQuery, ordersQuery, orderViewOf } from '../cards/order-views.ts'
import { activateSent } from '../cards/received-cards.ts'
import { approve, refuseReplacement } from '../cards/same-day.ts'
import { beginCardFee } from '../payments/payments.ts'
import { cancelPayment, settle } from '../payments/settlements.ts'
import { BROWSER_PATIENCE_MS, stripeOf } from '../payments/stripe/stripe.ts'
import { viewed } from '../people/viewings.ts'
import { versionName } from '../portal/acceptance.tsx'
import { OrderFormPage, openCards, orderPath, type PayWays } from '../portal/card-order.tsx'
import { type Typed, untouched } from '../portal/form.tsx'
import { page } from '../portal/layout.tsx'
import { type OrderError, OrderPage, titleOf } from '../portal/ordered-card.tsx'
import type { AccountEnv } from '../portal/view.ts'
import { currentPublicationQuery, type PublicationText, publicationOf } from '../support/publications.ts'
import { cardOrder as texts } from '../texts/card-order.ts'
import { payment as common } from '../texts/payment.ts'
import { acceptanceFault, FormId, formIdOr, MailAddress, shownAgain } from './acceptance.ts'
import { fieldsOf } from './door.ts'

type Fields = Record<string, string>
type Account = Context<AccountEnv>

/** What the form is made from beside the account: the terms in force, and the orders there are. */
type Standing = {
  terms: PublicationText | null
  underWay: OrderView | null
  awaited: OrderView | null
  again: OrderView | null
}

async function standingOf(c: Account, again: string | null): Promise<Standing> {
  const { view, db, now } = c.var
  const guardian = view.visit.guardian.id
  const [terms, orders, former] = await db.batch([
    currentPublicationQuery(db, 'terms', view.language),
    ordersQuery(db, view.account.id),
    orderQuery(db, view.account.id, again),
    viewed(db, { child: view.account.child.id }, { guardian }, now),
  ])
  const views = (orders?.results ?? []).map((row) => orderViewOf(row, guardian))
  return {
    terms: publicationOf(terms?.results[0]),
    underWay: views.find(isUnderWay) ?? null,
    awaited: views.find(({ state }) => state === 'awaiting') ?? null,
    again: former?.results[0] ? orderViewOf(former.results[0], guardian) : null,
  }
}

/** The ways of paying that are open now; without a fee there is nothing to pay. */
function waysOf(c: Account): PayWays {
  const { view, municipality } = c.var
  const fee = view.settings.money.cardFee
  return { account: view.account.balance >= fee, checkout: fee > 0 && stripeOf(c.env, municipality) !== null }
}

function show(c: Account, { terms, underWay }: Standing, typed: Typed, status: 200 | 400 | 409 | 503) {
  const { view } = c.var
  const again = { ...typed, fields: shownAgain(typed.fields, terms) }
  return page(
    c,
    { title: view.say(texts.title), at: 'profile', status },
    <OrderFormPage view={view} terms={terms} underWay={underWay} ways={waysOf(c)} typed={again} />,
  )
}

/** What the form orders, or what is wrong with it. */
function orderingIn(c: Account, fields: Fields, terms: PublicationText): { ordering: Ordering } | { errors: Fields } {
  const { view } = c.var
  const { say, account, settings } = view
  const fee = settings.money.cardFee
  const ways = waysOf(c)
  const id = FormId.safeParse(fields.id).data
  const lost = openCards(account).find((card) => String(card.id) === fields.lostCard)?.id ?? null
  const recipient = Recipient.safeParse(fields.recipient).data
  const street = Street.safeParse(fields.street).data
  const postalCode = PostalCode.safeParse(fields.postalCode).data
  const city = City.safeParse(fields.city).data
  const free = fee === 0
  const from = free || (fields.pay === 'account' && ways.account) ? 'account' : 'checkout'
  const chosen = free || (fields.pay === 'account' && ways.account) || (fields.pay === 'checkout' && ways.checkout)
  const mail = MailAddress.safeParse(fields.mail?.trim()).data
  const wrongMail = mail === undefined && ((from === 'checkout' && chosen) || (fields.mail ?? '').trim() !== '')
  const accept = acceptanceFault(view, fields, terms)
  const errors: Fields = {
    ...(id === undefined && { order: say(texts.sendAgain) }),
    ...(fields.price !== String(fee) && { order: say(texts.priceChanged) }),
    ...(lost === null && openCards(account).length > 0 && { lostCard: say(texts.lostCardWrong) }),
    ...(recipient === undefined && { recipient: say(texts.recipientWrong) }),
    ...(street === undefined && { street: say(texts.streetWrong) }),
    ...(postalCode === undefined && { postalCode: say(texts.postalCodeWrong) }),
    ...(city === undefined && { city: say(texts.cityWrong) }),
    ...(!chosen && { pay: say(fields.pay === 'account' ? texts.payShort : texts.payWrong) }),
    ...(wrongMail && { mail: say(common.mailWrong) }),
    ...(accept !== null && { accept }),
  }
  const whole = id && recipient && street && postalCode && city
  if (!whole || Object.keys(errors).length > 0) return { errors }
  const [owner, guardian] = [account.id, view.visit.guardian.id]
  return {
    ordering: {
      ...{
        id,
        account: owner,
        guardian,
        lostCard: lost,
        recipient,
        street,
        postalCode,
        city,
        fee: fee as Ordering['fee'],
      },
      ...{ terms: versionName(terms), from, ...(mail !== undefined && { mail }) },
    },
  }
}

/** The fields of an order that came to nothing, to be sent again. */
function fieldsOfOrder({ own, lostCard, paidFrom }: OrderView): Fields {
  if (own === null) return {}
  const { address, mail } = own
  return { ...address, ...(mail !== null && { mail }), lostCard: String(lostCard ?? ''), pay: paidFrom }
}

/**
 * Opens the page at Stripe for an order that awaits its payment. The payment has the order's id, so that a form sent twice
 * opens one page; where that payment never got a page, another one is begun.
 */
async function pay(c: Account, standing: Standing, { id }: Ordering, fields: Fields) {
  const { view, db, now, municipality } = c.var
  const stripe = stripeOf(c.env, municipality, BROWSER_PATIENCE_MS)
  if (stripe === null) return show(c, standing, untouched(fields), 409)
  const [account, guardian] = [view.account.id, view.visit.guardian.id]
  const origin = new URL(c.req.url).origin
  const mail = (fields.mail ?? '').trim()
  const fee = { id, order: id, account, guardian, mail, language: view.language, origin }
  const first = await beginCardFee(db, stripe, fee, now)
  const begun =
    first.kind === 'refused' ? await beginCardFee(db, stripe, { ...fee, id: formIdOr(undefined, now) }, now) : first
  switch (begun.kind) {
    case 'page':
      return c.redirect(begun.address, 303)
    case 'ended':
      return c.redirect(orderPath(view, { id }), 303)
    case 'refused':
      return show(c, standing, { fields, errors: { order: view.say(common.refused) } }, 503)
    case 'unavailable':
      return show(c, standing, { fields, errors: { order: view.say(common.unavailable) } }, 503)
    case 'changed':
    case 'amount_too_small':
    case 'amount_too_large':
      return show(c, standing, { fields, errors: { order: view.say(texts.sendAgain) } }, 409)
    case 'child_left':
      return left(c, standing, fields)
    case 'not_found':
      return c.notFound()
  }
}

/** The page as it is once the child has left, which it had not when the door was passed. */
function left(c: Account, standing: Standing, fields: Fields) {
  const { view } = c.var
  c.set('view', { ...view, account: { ...view.account, child: { ...view.account.child, left: true } } })
  return show(c, standing, untouched(fields), 409)
}

/** What a guardian may do with an order, by the address that does it. */
const DECISIONS = { godkend: approve, afvis: refuseReplacement, modtaget: activateSent }

function showOrder(
  c: Account,
  order: OrderView,
  { stale, error }: { stale: boolean; error: OrderError | null },
  status: 200 | 409,
) {
  const { view } = c.var
  return page(
    c,
    { title: view.say(titleOf(order)), at: 'profile', status },
    <OrderPage view={view} order={order} stale={stale} error={error} />,
  )
}

/** Nyt kort: an order of a new card in the place of a lost one, and where it is. */
export const cardOrderRoutes = new Hono<AccountEnv>()
  .get('/konto/:account/nyt-kort', async (c) => {
    const { view, now } = c.var
    const { guardian, draft } = view.visit
    const standing = await standingOf(c, FormId.safeParse(c.req.query('igen')).data ?? null)
    const blocked = openCards(view.account).filter(({ status }) => status === 'blocked')
    const typed: Fields = {
      recipient: view.account.child.name,
      mail: guardian.mail ?? '',
      lostCard: blocked.length === 1 ? String(blocked[0]?.id) : '',
      ...(standing.again && fieldsOfOrder(standing.again)),
      ...(draft?.path === view.path ? draft.fields : {}),
    }
    return show(c, standing, untouched({ ...typed, id: formIdOr(typed.id, now) }), 200)
  })
  .post('/konto/:account/nyt-kort', async (c) => {
    const { view, db, now } = c.var
    const sent = (await fieldsOf(c)) ?? {}
    const fields = { ...sent, id: formIdOr(sent.id, now) }
    const standing = await standingOf(c, FormId.safeParse(sent.id).data ?? null)
    const { terms } = standing
    if (terms === null || view.account.child.left) return show(c, standing, untouched(fields), 409)
    // A form that was sent before is led on to what it has ordered, whatever else it says by now.
    const before = standing.again
    if (before?.own && before.state !== 'awaiting' && before.state !== 'abandoned') {
      return c.redirect(orderPath(view, before), 303)
    }
    const read = orderingIn(c, sent, terms)
    if ('errors' in read) return show(c, standing, { fields, errors: read.errors }, 400)
    const ordered = await orderCard(db, read.ordering, now)
    const again = (errors: Fields) => show(c, standing, { fields, errors }, 409)
    switch (ordered) {
      case 'ordered':
        return c.redirect(orderPath(view, read.ordering), 303)
      case 'unpaid':
        return pay(c, standing, read.ordering, fields)
      case 'not_found':
        return c.notFound()
      case 'id_taken': {
        const anew = { ...fields, id: formIdOr(undefined, now) }
        return show(c, standing, { fields: anew, errors: { order: view.say(common.changed) } }, 409)
      }
      case 'child_left':
        return left(c, standing, fields)
      case 'under_way': {
        const now = await standingOf(c, null)
        if (now.awaited !== null) return c.redirect(orderPath(view, now.awaited), 303)
        return show(c, now, untouched(fields), 409)
      }
      case 'first_card':
      case 'card_unknown':
        return again({ lostCard: view.say(texts.lostCardWrong) })
      case 'insufficient_funds':
        return again({ pay: view.say(texts.payShort) })
    }
  })
  .get('/konto/:account/nyt-kort/:order', async (c) => {
    const { view, db, now, municipality } = c.var
    const guardian = view.visit.guardian.id
    const id = CardOrderId.safeParse(c.req.param('order')).data
    if (!id) return c.notFound()
    const query = orderQuery(db, view.account.id, id)
    const [found] = await db.batch([query, viewed(db, { child: view.account.child.id }, { guardian }, now)])
    if (!found?.results[0]) return c.notFound()
    let order = orderViewOf(found.results[0], guardian)
    let stale = false
    const stripe = stripeOf(c.env, municipality, BROWSER_PATIENCE_MS)
    const awaited = order.own?.payment
    if (awaited && stripe) {
      const payer = { guardian, account: view.account.id }
      if (c.req.query('afbrudt') !== undefined) {
        await cancelPayment(db, stripe, { ...payer, id: awaited.id }, now)
        return c.redirect(orderPath(view, order), 303)
      }
      const settlement = await settle(db, stripe, awaited.id, now, payer)
      stale = settlement?.stale ?? false
      const [fresh] = await db.batch([query])
      if (fresh?.results[0]) order = orderViewOf(fresh.results[0], guardian)
    }
    return showOrder(c, order, { stale, error: null }, 200)
  })
  .post('/konto/:account/nyt-kort/:order/:verb{godkend|afvis|modtaget}', async (c) => {
    const { view, db, now } = c.var
    const guardian = view.visit.guardian.id
    const id = CardOrderId.safeParse(c.req.param('order')).data
    if (!id) return c.notFound()
    const deciding = { id, account: view.account.id, guardian }
    const verb = c.req.param('verb') as keyof typeof DECISIONS
    const decided = await DECISIONS[verb](db, deciding, now)
    switch (decided) {
      case 'approved':
      case 'refused':
      case 'activated':
        return c.redirect(orderPath(view, { id }), 303)
      case 'not_found':
        return c.notFound()
      case 'insufficient_funds':
      case 'too_late':
      case 'not_received': {
        const [found] = await db.batch([orderQuery(db, view.account.id, id)])
        if (!found?.results[0]) return c.notFound()
        return showOrder(c, orderViewOf(found.results[0], guardian), { stale: false, error: decided }, 409)
      }
    }
  })

import { type Context, Hono } from 'hono'
import { parseKroner } from '../../shared/money.ts'
import { beginDeposit, type PaymentView, paymentOf, paymentQuery } from '../payments/payments.ts'
import { cancelPayment, settle } from '../payments/settlements.ts'
import { BROWSER_PATIENCE_MS, stripeOf } from '../payments/stripe/stripe.ts'
import { viewed } from '../people/viewings.ts'
import { versionName } from '../portal/acceptance.tsx'
import { DepositPage, ReceiptPage, receiptTitle } from '../portal/deposit.tsx'
import { type Typed, untouched } from '../portal/form.tsx'
import { page } from '../portal/layout.tsx'
import type { AccountEnv } from '../portal/view.ts'
import {
  currentPublication,
  currentPublicationQuery,
  type PublicationText,
  publicationOf,
} from '../support/publications.ts'
import { deposit as texts } from '../texts/deposit.ts'
import { amountField, evenKr } from '../texts/format.ts'
import { payment as common } from '../texts/payment.ts'
import { acceptanceFault, FormId, formIdOr, MailAddress, shownAgain } from './acceptance.ts'
import { fieldsOf } from './door.ts'

type Fields = Record<string, string>

/** Shows the form. Without an account at Stripe, or terms to accept, there is nothing to fill in. */
function show(c: Context<AccountEnv>, terms: PublicationText | null, typed: Typed, status: 200 | 400 | 409 | 503) {
  const { view, municipality } = c.var
  const open = stripeOf(c.env, municipality) === null ? null : terms
  return page(
    c,
    { title: view.say(texts.title), at: 'deposit', status },
    DepositPage({ view, terms: open, typed: { ...typed, fields: shownAgain(typed.fields, open) } }),
  )
}

/** What is wrong with a deposit's fields, and its amount where that is one. */
function readIn({ view }: AccountEnv['Variables'], fields: Fields, terms: PublicationText) {
  const { depositMin, depositMax } = view.settings.money
  const amount = parseKroner(fields.amount ?? '')
  const fits = amount !== null && amount >= depositMin && amount <= depositMax
  const accept = acceptanceFault(view, fields, terms)
  const errors: Fields = {
    ...(!FormId.safeParse(fields.id).success && { deposit: view.say(texts.sendAgain) }),
    ...(!MailAddress.safeParse(fields.mail?.trim()).success && { mail: view.say(common.mailWrong) }),
    ...(!fits && { amount: view.say(texts.amountWrong)(evenKr(depositMin), evenKr(depositMax)) }),
    ...(accept !== null && { accept }),
  }
  return { amount, errors }
}

/** The statement that reads a deposit of this guardian and account, for a batch; `depositOf` reads its row. */
function ownQuery({ var: { view, db } }: Context<AccountEnv>, id: string) {
  return paymentQuery(db, id, { guardian: view.visit.guardian.id, account: view.account.id })
}

function depositOf(found: D1Result | undefined): PaymentView | null {
  const payment = paymentOf(found?.results[0])
  return payment?.purpose === 'deposit' ? payment : null
}

/** The deposit of the path, of this guardian and account; null where there is none. */
async function ownDeposit(c: Context<AccountEnv>): Promise<PaymentView | null> {
  const { view, db, now } = c.var
  const id = FormId.safeParse(c.req.param('payment')).data
  if (!id) return null
  const guardian = view.visit.guardian.id
  const [found] = await db.batch([ownQuery(c, id), viewed(db, { child: view.account.child.id }, { guardian }, now)])
  return depositOf(found)
}

/** The fields of a deposit that came to nothing, to be sent again. */
const fieldsOfDeposit = ({ mail, amount }: PaymentView): Fields => ({ mail, amount: amountField(amount) })

/** Indbetaling, first tab: money into an account now, and the receipt that Stripe's page leads back to. */
export const depositRoutes = new Hono<AccountEnv>()
  .get('/konto/:account/indbetaling', async (c) => {
    const { view, db, now } = c.var
    const { guardian, draft } = view.visit
    const again = FormId.safeParse(c.req.query('igen')).data
    const [found, , former] = await db.batch([
      currentPublicationQuery(db, 'terms', view.language),
      viewed(db, { child: view.account.child.id }, { guardian: guardian.id }, now),
      ...(again ? [ownQuery(c, again)] : []),
    ])
    const before = depositOf(former)
    const typed: Fields = {
      mail: guardian.mail ?? '',
      ...(before && fieldsOfDeposit(before)),
      ...(draft?.path === view.path ? draft.fields : {}),
    }
    return show(c, publicationOf(found?.results[0]), untouched({ ...typed, id: formIdOr(typed.id, now) }), 200)
  })
  .post('/konto/:account/indbetaling', async (c) => {
    const { view, db, now, municipality } = c.var
    const { say, language, account, visit } = view
    const sent = (await fieldsOf(c)) ?? {}
    const fields = { ...sent, id: formIdOr(sent.id, now) }
    const terms = await currentPublication(db, 'terms', language)
    const stripe = stripeOf(c.env, municipality, BROWSER_PATIENCE_MS)
    if (terms === null || stripe === null || account.child.left) return show(c, terms, untouched(fields), 409)
    const { amount, errors } = readIn(c.var, sent, terms)
    if (amount === null || Object.keys(errors).length > 0) return show(c, terms, { fields, errors }, 400)
    const begun = await beginDeposit(
      db,
      stripe,
      {
        id: fields.id,
        account: account.id,
        guardian: visit.guardian.id,
        amount,
        mail: (sent.mail ?? '').trim(),
        terms: versionName(terms),
        language,
        origin: new URL(c.req.url).origin,
      },
      now,
    )
    const anew = { ...fields, id: formIdOr(undefined, now) }
    switch (begun.kind) {
      case 'page':
        return c.redirect(begun.address, 303)
      case 'ended':
        return c.redirect(`/konto/${account.id}/indbetaling/${fields.id}`, 303)
      case 'amount_too_small':
      case 'amount_too_large': {
        const amountWrong = say(texts.amountWrong)(evenKr(begun.min), evenKr(begun.max))
        return show(c, terms, { fields, errors: { amount: amountWrong } }, 400)
      }
      case 'changed':
        return show(c, terms, { fields: anew, errors: { deposit: say(common.changed) } }, 409)
      case 'refused':
      case 'unavailable':
        return show(c, terms, { fields: anew, errors: { deposit: say(common[begun.kind]) } }, 503)
      case 'child_left': {
        const left = { ...account, child: { ...account.child, left: true } }
        c.set('view', { ...view, account: left })
        return show(c, terms, untouched(fields), 409)
      }
      case 'not_found':
        return c.notFound()
    }
  })
  .get('/konto/:account/indbetaling/:payment', async (c) => {
    const { view, db, now, municipality } = c.var
    const own = await ownDeposit(c)
    if (!own) return c.notFound()
    const stripe = stripeOf(c.env, municipality, BROWSER_PATIENCE_MS)
    const payer = { guardian: view.visit.guardian.id, account: view.account.id }
    // Stripe's page leads back by a GET. The id is nobody's to guess, and what is lost is a page that can be opened anew.
    if (c.req.query('afbrudt') !== undefined) {
      if (own.status === 'waiting' && stripe) await cancelPayment(db, stripe, { ...payer, id: own.id }, now)
      return c.redirect(`/konto/${view.account.id}/indbetaling/${own.id}`, 303)
    }
    const asked = own.status === 'waiting' && stripe ? await settle(db, stripe, own.id, now, payer) : null
    const payment = asked ?? own
    return page(
      c,
      { title: receiptTitle(view, payment), at: 'deposit' },
      ReceiptPage({ view, payment, stale: asked?.stale ?? false }),
    )
  })

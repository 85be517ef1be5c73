import { type Context, Hono } from 'hono'
import { type BankDetails, bankDetailsOf } from '../../shared/bank-accounts.ts'
import { parseKroner } from '../../shared/money.ts'
import { reachQuery } from '../letters/outbox.ts'
import {
  DRAFT_LIFE_MS,
  type Drafted,
  draftPayout,
  limitsQuery,
  type PayoutLimits,
  type PayoutView,
  payoutQuery,
  payoutsQuery,
  payoutViewOf,
} from '../payouts/payouts.ts'
import { viewed } from '../people/viewings.ts'
import { type Typed, untouched } from '../portal/form.tsx'
import { page } from '../portal/layout.tsx'
import { PayoutPage, PayoutReceipt, PayoutSummary } from '../portal/payout.tsx'
import type { AccountEnv } from '../portal/view.ts'
import { amountField, kr, plainKr } from '../texts/format.ts'
import { payment as common } from '../texts/payment.ts'
import { payout as texts } from '../texts/payout.ts'
import { FormId, formIdOr, MailAddress } from './acceptance.ts'
import { fieldsOf } from './door.ts'
import { stepUp } from './step-up.ts'

type Fields = Record<string, string>

/** The account's payouts, what it may pay out now, where news of it would go, and the payout `id` if it is one of this guardian's own. */
async function read(c: Context<AccountEnv>, id: string | undefined) {
  const { view, db, now } = c.var
  const [account, guardian] = [view.account.id, view.visit.guardian.id]
  const [all, may, reached, , one] = await db.batch([
    payoutsQuery(db, account, guardian),
    limitsQuery(db, account, now),
    reachQuery(db, guardian, account),
    viewed(db, { child: view.account.child.id }, { guardian }, now),
    ...(id === undefined ? [] : [payoutQuery(db, id, account, guardian)]),
  ])
  const payouts = (all?.results ?? []).map(payoutViewOf)
  const limits = (may?.results[0] as PayoutLimits | undefined) ?? { there: 0, left: 0 }
  const { mail } = (reached?.results[0] ?? { mail: null }) as { mail: string | null }
  return { payouts, limits, mail, own: one?.results[0] ? payoutViewOf(one.results[0]) : null }
}

/** The form as it is shown first: whole balance, the name that MitID told, unless that is protected, and what is known of a mail address. */
function empty({ visit }: AccountEnv['Variables']['view'], { there, left }: PayoutLimits, mail: string | null): Fields {
  const amount = Math.min(there, left)
  return { name: visit.guardian.name ?? '', amount: amount > 0 ? amountField(amount) : '', mail: mail ?? '' }
}

/** The form as a draft filled it in. The account number is the guardian's own. */
function filledBy({ details, amount, mail }: PayoutView): Fields {
  return { ...details, amount: amountField(amount), mail: mail ?? '' }
}

/** What is wrong with what was typed, or what is to be drafted. */
function readIn(
  { say, account }: AccountEnv['Variables']['view'],
  fields: Fields,
): { details: BankDetails; amount: number; mail?: string } | { errors: Fields } {
  const { name = '', registration = '', bankAccount = '', message = '' } = fields
  const read = bankDetailsOf({ name, registration, bankAccount, message })
  const amount = parseKroner(fields.amount ?? '')
  const written = fields.mail?.trim() ?? ''
  const mail = MailAddress.safeParse(written).data
  const faults = read.kind === 'faults' ? read.faults : {}
  const errors = {
    ...(faults.name && { name: say(texts.faults.name[faults.name]) }),
    ...(faults.registration && { registration: say(texts.faults.registration[faults.registration]) }),
    ...(faults.bankAccount && { bankAccount: say(texts.faults.bankAccount[faults.bankAccount]) }),
    ...(faults.message && { message: say(texts.faults.message[faults.message]) }),
    ...(amount === null && { amount: say(texts.amountWrong) }),
    ...(amount === 0 && { amount: say(texts.amountZero) }),
    ...(amount !== null && amount > account.balance && { amount: say(texts.overBalance)(kr(account.balance)) }),
    ...(written !== '' && mail === undefined && { mail: say(common.mailWrong) }),
  }
  if (read.kind === 'faults' || amount === null || Object.keys(errors).length > 0) return { errors }
  return { details: read.details, amount, ...(mail !== undefined && { mail }) }
}

async function again(c: Context<AccountEnv>, fields: Fields, errors: Fields, status: 400 | 409) {
  const { payouts, limits } = await read(c, undefined)
  return showForm(c, { fields, errors }, payouts, limits, status)
}

function showForm(
  c: Context<AccountEnv>,
  typed: Typed,
  payouts: PayoutView[],
  limits: PayoutLimits,
  status: 200 | 400 | 409 = 200,
) {
  const { view } = c.var
  const body = PayoutPage({ view, typed, payouts, limits })
  return page(c, { title: view.say(texts.title), at: 'accounts', status }, body)
}

/** Why a draft can be confirmed no longer, in words; null where it can. */
function staleness(c: Context<AccountEnv>, draft: PayoutView, { there, left }: PayoutLimits): string | null {
  const { view, now } = c.var
  const { say, account, settings } = view
  if (draft.createdAt <= now - DRAFT_LIFE_MS) return say(texts.tooOld)
  if (draft.amount > account.balance) return say(texts.gone)(kr(account.balance))
  if (draft.amount > there) return say(texts.held)(kr(there))
  if (draft.amount > left) return say(texts.overDay)(kr(left), kr(settings.money.payoutDayMax))
  return null
}

/** What a draft that came to nothing says at its field. */
function refusal(
  { say, settings, account }: AccountEnv['Variables']['view'],
  drafted: Exclude<Drafted, { kind: 'drafted' | 'not_found' }>,
): Fields {
  switch (drafted.kind) {
    case 'below_min':
      return { amount: say(texts.amountZero) }
    case 'over_balance':
      return { amount: say(drafted.balance < account.balance ? texts.held : texts.overBalance)(kr(drafted.balance)) }
    case 'over_day_max':
      return { amount: say(texts.overDay)(kr(drafted.left), kr(settings.money.payoutDayMax)) }
    case 'changed':
      return { payout: say(texts.sendAgain) }
  }
}

/** Udbetal: the form, the summary of a draft, and the receipt of what has been confirmed by a fresh log-in. */
export const payoutRoutes = new Hono<AccountEnv>()
  .get('/konto/:account/udbetal', async (c) => {
    const { view, now } = c.var
    const { draft } = view.visit
    const { payouts, limits, mail, own } = await read(c, FormId.safeParse(c.req.query('ret')).data)
    const interrupted: Fields = draft?.path === view.path ? draft.fields : {}
    const fields = { ...empty(view, limits, mail), ...(own && filledBy(own)), ...interrupted }
    return showForm(c, untouched({ ...fields, id: formIdOr(interrupted.id, now) }), payouts, limits)
  })
  .post('/konto/:account/udbetal', async (c) => {
    const { view, db, now } = c.var
    const { account, visit } = view
    const sent = (await fieldsOf(c)) ?? {}
    const fields = { ...sent, id: formIdOr(sent.id, now) }
    const typed = readIn(view, sent)
    if ('errors' in typed) return again(c, fields, typed.errors, 400)
    const { details, ...rest } = typed
    const wanted = { ...details, ...rest, account: account.id, guardian: visit.guardian.id }
    const first = await draftPayout(db, { ...wanted, id: fields.id }, now)
    // Whoever went back to the form and wrote something else wants that now; the other draft is never confirmed.
    const id = first.kind === 'changed' ? formIdOr(undefined, now) : fields.id
    const drafted = first.kind === 'changed' ? await draftPayout(db, { ...wanted, id }, now) : first
    if (drafted.kind === 'drafted') return c.redirect(`/konto/${account.id}/udbetal/${id}`, 303)
    if (drafted.kind === 'not_found') return c.notFound()
    return again(c, fields, refusal(view, drafted), 409)
  })
  .get('/konto/:account/udbetal/:payout', async (c) => {
    const { view } = c.var
    const id = FormId.safeParse(c.req.param('payout')).data
    const found = id ? await read(c, id) : null
    if (!found?.own) return c.notFound()
    const { own, limits } = found
    if (own.status !== 'draft') {
      return page(c, { title: view.say(texts.receipt), at: 'accounts' }, PayoutReceipt({ view, payout: own }))
    }
    const stale = staleness(c, own, limits)
    return page(c, { title: view.say(texts.summaryTitle), at: 'accounts' }, PayoutSummary({ view, payout: own, stale }))
  })
  .post('/konto/:account/udbetal/:payout/bekraeft', async (c) => {
    const { account, say } = c.var.view
    const id = FormId.safeParse(c.req.param('payout')).data
    const found = id ? await read(c, id) : null
    if (!found?.own) return c.notFound()
    const { own, limits } = found
    const summary = `/konto/${account.id}/udbetal/${own.id}`
    // What is stale is told where it can be mended, and not by way of MitID.
    if (own.status !== 'draft' || staleness(c, own, limits) !== null) return c.redirect(summary, 303)
    const message = say(texts.stepUpMessage)(plainKr(own.amount))
    return stepUp(c, { confirms: `payout:${own.id}`, returnTo: summary, message })
  })

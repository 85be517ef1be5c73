import { type Context, Hono } from 'hono'
import { parseKroner } from '../../shared/money.ts'
import { completeSetup } from '../payments/agreement-setup.ts'
import {
  type AgreementView,
  agreementIn,
  agreementOf,
  agreementsIn,
  agreementsOf,
  cancelAgreement,
  draftAgreement,
  dropSetup,
  resumeAgreement,
  stands,
  topUpBounds,
} from '../payments/agreements.ts'
import { BROWSER_PATIENCE_MS, stripeOf } from '../payments/stripe/stripe.ts'
import { viewed } from '../people/viewings.ts'
import { versionName } from '../portal/acceptance.tsx'
import { AgreementPage, type Done, type Found } from '../portal/agreement.tsx'
import { type Typed, untouched } from '../portal/form.tsx'
import { page } from '../portal/layout.tsx'
import type { AccountEnv } from '../portal/view.ts'
import { currentPublicationQuery, publicationOf } from '../support/publications.ts'
import { agreement as texts } from '../texts/agreement.ts'
import { deposit } from '../texts/deposit.ts'
import { evenKr, firstName } from '../texts/format.ts'
import { payment as common } from '../texts/payment.ts'
import { acceptanceFault, FormId, formIdOr, MailAddress, shownAgain } from './acceptance.ts'
import { fieldsOf } from './door.ts'
import { stepUp } from './step-up.ts'
import { topUpLater } from './top-up.ts'

type Fields = Record<string, string>
type AccountContext = Context<AccountEnv>

const DONE = new Map<string, Done>([
  ['oprettet', 'created'],
  ['kort', 'cardChanged'],
  ['annulleret', 'cancelled'],
  ['genoptaget', 'resumed'],
  ['afbrudt', 'interrupted'],
  ['kort-afbrudt', 'changeInterrupted'],
])

/** What the address says has been done, where it is so: anybody can send a link. */
function doneIn(c: AccountContext, { own, others }: Found): Done | null {
  const done = DONE.get(c.req.query('gjort') ?? '')
  switch (done) {
    case undefined:
      return null
    case 'created':
    case 'cardChanged':
      return own?.status === 'waiting' || own?.status === 'active' ? done : null
    case 'resumed':
      return own?.status === 'active' ? done : null
    case 'changeInterrupted':
      return own && stands(own.status) && own.pageOpen ? done : null
    case 'cancelled':
    case 'interrupted':
      return own || others ? null : done
  }
}

/** What the account has now, in one round trip that also records that the guardian looked. */
async function foundBy(c: AccountContext): Promise<Found> {
  const { view, db, now, municipality } = c.var
  const guardian = view.visit.guardian.id
  const [terms, agreements] = await db.batch([
    currentPublicationQuery(db, 'terms', view.language),
    agreementsOf(db, view.account.id, guardian),
    viewed(db, { child: view.account.child.id }, { guardian }, now),
  ])
  const open = stripeOf(c.env, municipality) !== null
  return { ...agreementsIn(agreements), terms: open ? publicationOf(terms?.results[0]) : null }
}

function show(c: AccountContext, found: Found, typed: Typed, status: 200 | 400 | 409 | 503, done: Done | null) {
  const { view, now } = c.var
  const fields = shownAgain({ ...typed.fields, id: formIdOr(typed.fields.id, now) }, found.terms)
  return page(
    c,
    { title: view.say(texts.tab), at: 'deposit', status },
    AgreementPage({ view, found, typed: { ...typed, fields }, done, now }),
  )
}

/** The page with what an answer was, whatever the account has by now. */
async function showAgain(c: AccountContext, error: string, status: 409 | 503) {
  const { mail } = c.var.view.visit.guardian
  return show(c, await foundBy(c), { fields: { mail: mail ?? '' }, errors: { agreement: error } }, status, null)
}

/** What is wrong with the fields of a new agreement, and its amount where that is one. */
function readIn({ view }: AccountEnv['Variables'], fields: Fields, terms: NonNullable<Found['terms']>) {
  const { least, most } = topUpBounds(view.settings.money)
  const amount = parseKroner(fields.amount ?? '')
  const fits = amount !== null && amount >= least && amount <= most
  const accept = acceptanceFault(view, fields, terms)
  const errors: Fields = {
    ...(!FormId.safeParse(fields.id).success && { agreement: view.say(deposit.sendAgain) }),
    ...(!MailAddress.safeParse(fields.mail?.trim()).success && { mail: view.say(common.mailWrong) }),
    ...(!fits && { amount: view.say(deposit.amountWrong)(evenKr(least), evenKr(most)) }),
    ...(accept !== null && { accept }),
  }
  return { amount, errors }
}

/** The agreement of the path, the guardian's own on this account, whatever its state; null where there is none. */
async function ownAgreement(c: AccountContext): Promise<AgreementView | null> {
  const { view, db, now } = c.var
  const id = FormId.safeParse(c.req.param('agreement')).data
  if (!id) return null
  const [guardian, account] = [view.visit.guardian.id, view.account.id]
  const [found] = await db.batch([
    agreementOf(db, { id, account, guardian }),
    viewed(db, { child: view.account.child.id }, { guardian }, now),
  ])
  return agreementIn(found)
}

const isUnfinished = ({ status }: AgreementView) => status === 'draft' || status === 'setting_up'

/** Indbetaling, second tab: a stored card that tops the account up. Whatever gives a card asks for a fresh log-in. */
export const agreementRoutes = new Hono<AccountEnv>()
  .get('/konto/:account/optankning', async (c) => {
    const { guardian, draft } = c.var.view.visit
    const found = await foundBy(c)
    const typed = draft?.path === c.var.view.path ? draft.fields : {}
    return show(c, found, untouched({ mail: guardian.mail ?? '', ...typed }), 200, doneIn(c, found))
  })
  .post('/konto/:account/optankning', async (c) => {
    const { view, db, now } = c.var
    const { say, account, visit } = view
    const fields = (await fieldsOf(c)) ?? {}
    const found = await foundBy(c)
    const { own, others, terms } = found
    if (own || others || terms === null || account.child.left) {
      const errors: Fields = own ? { agreement: say(stands(own.status) ? texts.exists : texts.unfinished) } : {}
      return show(c, found, { fields, errors }, 409, null)
    }
    const { amount, errors } = readIn(c.var, fields, terms)
    if (amount === null || Object.keys(errors).length > 0) return show(c, found, { fields, errors }, 400, null)
    const id = FormId.parse(fields.id)
    const mail = (fields.mail ?? '').trim()
    const guardian = visit.guardian.id
    const draft = { id, account: account.id, guardian, amount, mail, terms: versionName(terms) }
    const drafted = await draftAgreement(db, draft, now)
    switch (drafted) {
      case 'drafted':
        return stepUp(c, {
          confirms: `agreement:${id}`,
          returnTo: `/konto/${account.id}/optankning`,
          message: say(texts.stepUpMessage)(firstName(account.child.name)),
        })
      case 'amount_too_small':
      case 'amount_too_large': {
        const { least, most } = topUpBounds(view.settings.money)
        const wrong = say(deposit.amountWrong)(evenKr(least), evenKr(most))
        return show(c, found, { fields, errors: { amount: wrong } }, 400, null)
      }
      case 'changed': {
        const anew = { ...fields, id: formIdOr(undefined, now) }
        return show(c, found, { fields: anew, errors: { agreement: say(common.changed) } }, 409, null)
      }
      case 'already':
      case 'child_left':
        return showAgain(c, say(texts.stale), 409)
      case 'not_found':
        return c.notFound()
    }
  })
  .get('/konto/:account/optankning/:agreement', async (c) => {
    const { view, db, now, municipality } = c.var
    const before = await ownAgreement(c)
    if (!before) return c.notFound()
    const tab = `/konto/${view.account.id}/optankning`
    const stripe = stripeOf(c.env, municipality, BROWSER_PATIENCE_MS)
    const settled = before.pageOpen && stripe ? await completeSetup(db, stripe, before.id, now) : 'settled'
    if (before.pageOpen && settled === 'settled') topUpLater(c, [view.account.id])
    const after = settled === 'settled' && before.pageOpen ? await ownAgreement(c) : before
    const turnedBack = settled === 'open' && c.req.query('afbrudt') !== undefined
    if (after && stands(after.status)) {
      if (turnedBack) return c.redirect(`${tab}?gjort=kort-afbrudt`, 303)
      if (settled !== 'settled') return c.redirect(tab, 303)
      // Where Stripe's webhook was quicker than the browser, the address says what its page was for.
      const said = ['oprettet', 'kort'].find((done) => done === c.req.query('gjort'))
      const done = before.pageOpen ? (isUnfinished(before) ? 'oprettet' : 'kort') : said
      return c.redirect(done === undefined ? tab : `${tab}?gjort=${done}`, 303)
    }
    if (!after || !isUnfinished(after)) return c.redirect(tab, 303)
    if (turnedBack && stripe) {
      await dropSetup(db, { id: after.id, guardian: view.visit.guardian.id }, now)
      c.executionCtx.waitUntil(completeSetup(db, stripe, after.id, now)) // Closes the page; where it fails, the cron does.
      return c.redirect(`${tab}?gjort=afbrudt`, 303)
    }
    const found = { own: after, others: false, terms: null }
    const errors: Fields = settled === 'unavailable' ? { agreement: view.say(texts.unanswered) } : {}
    return show(c, found, { fields: {}, errors }, 200, null)
  })
  .post('/konto/:account/optankning/:agreement/annuller', async (c) => {
    const { view, db, now } = c.var
    const own = await ownAgreement(c)
    if (!own) return c.notFound()
    const cancelled = await cancelAgreement(db, { id: own.id, guardian: view.visit.guardian.id }, now)
    if (cancelled === 'not_found') return c.notFound()
    return c.redirect(`/konto/${view.account.id}/optankning?gjort=annulleret`, 303)
  })
  .post('/konto/:account/optankning/:agreement/kort', async (c) => {
    const { say, account } = c.var.view
    const own = await ownAgreement(c)
    if (!own) return c.notFound()
    if (!stands(own.status)) return showAgain(c, say(texts.stale), 409)
    return stepUp(c, {
      confirms: `card:${own.id}`,
      returnTo: `/konto/${account.id}/optankning`,
      message: say(texts.stepUpMessage)(firstName(account.child.name)),
    })
  })
  .post('/konto/:account/optankning/:agreement/genoptag', async (c) => {
    const { view, db, now } = c.var
    const own = await ownAgreement(c)
    if (!own) return c.notFound()
    const resumed = await resumeAgreement(db, { id: own.id, guardian: view.visit.guardian.id }, now)
    switch (resumed) {
      case 'resumed':
        topUpLater(c, [view.account.id])
        return c.redirect(`/konto/${view.account.id}/optankning?gjort=genoptaget`, 303)
      case 'card_needed':
      case 'ended':
        return showAgain(c, view.say(texts.stale), 409)
      case 'not_found':
        return c.notFound()
    }
  })

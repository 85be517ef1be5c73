import type { Language } from '../../shared/wire.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { maySteer } from '../people/guardianships.ts'
import { type AgreementStatus, GO_ON, MAY_CHARGE, STANDING, stands, standsSql } from './agreements.ts'
import {
  type CheckoutState,
  checkoutOf,
  closeCheckout,
  forgetCard,
  openSetup,
  type Refused,
  type StoredCard,
  type StripeAccount,
  type Unavailable,
} from './stripe/stripe.ts'

/**
 * The card of an agreement: given on a page at Stripe, changed on another one, and forgotten there when nothing is
 * charged to it any more. Whoever comes by (the browser that returns, a webhook, the cron) asks Stripe and writes what is
 * so; only the page that stands on the row counts.
 */

const MINUTE_MS = 60_000

/** Who asks for a page, after a fresh log-in; `consent` is what Stripe's page says, `origin` where the portal is. */
export type PageWanted = { id: string; guardian: number; language: Language; consent: string; origin: string }

export type PageOpened =
  | { kind: 'page'; address: string }
  | { kind: 'not_found' } // No agreement of this guardian's, or not one whose account they may steer now.
  | { kind: 'child_left' }
  | { kind: 'already' } // Another agreement has been made meanwhile.
  | { kind: 'in_force' } // The agreement has its card.
  | { kind: 'ended' } // It was cancelled or given up, or, for a change, has no card yet.
  | { kind: 'unavailable'; reason: string } // Stripe has no page for us now; `reason` is for the log.

/** Opens the page at Stripe where a draft is given its card. Asked again it is the same page, while that is open. */
export async function beginSetup(
  db: D1Database,
  stripe: StripeAccount,
  wanted: PageWanted,
  nowMs: number,
): Promise<PageOpened> {
  return openPage(db, stripe, wanted, ['draft', 'setting_up'], nowMs)
}

/** Opens the page at Stripe where an agreement that stands is given another card. */
export async function beginCardChange(
  db: D1Database,
  stripe: StripeAccount,
  wanted: PageWanted,
  nowMs: number,
): Promise<PageOpened> {
  return openPage(db, stripe, wanted, STANDING, nowMs)
}

type Asked = {
  account: number
  mail: string
  status: AgreementStatus
  checkout: string | null
  address: string | null
  childLeft: 0 | 1
  others: 0 | 1
}

const askedFor = (db: D1Database, { id, guardian }: PageWanted) =>
  db
    .prepare(
      `SELECT agreement.account, mail, agreement.status, checkout, address, child.left_at IS NOT NULL AS childLeft,
         EXISTS (SELECT 1 FROM agreement AS other WHERE other.account = agreement.account AND other.id <> agreement.id
                   AND ${standsSql('other')}) AS others
       FROM agreement JOIN account ON account.id = agreement.account JOIN child ON child.id = account.child
       WHERE agreement.id = ?1 AND agreement.guardian = ?2 AND ${maySteer('agreement.account', '?2')}`,
    )
    .bind(id, guardian)

async function openPage(
  db: D1Database,
  stripe: StripeAccount,
  wanted: PageWanted,
  from: readonly AgreementStatus[],
  nowMs: number,
): Promise<PageOpened> {
  const { id, guardian, language, consent, origin } = wanted
  let row = await askedFor(db, wanted).first<Asked>()
  if (row?.checkout) {
    // The page may have been finished, or have ended, since it was opened.
    if ((await completeSetup(db, stripe, id, nowMs)) === 'unavailable') return { kind: 'unavailable', reason: 'page' }
    row = await askedFor(db, wanted).first<Asked>()
  }
  if (!row) return { kind: 'not_found' }
  if (row.childLeft) return { kind: 'child_left' }
  if (!from.includes(row.status)) return { kind: stands(row.status) ? 'in_force' : 'ended' }
  if (row.others) return { kind: 'already' }
  if (row.address !== null) return { kind: 'page', address: row.address }

  const page = `${origin}/konto/${row.account}/optankning/${id}`
  const done = `${page}?gjort=${stands(row.status) ? 'kort' : 'oprettet'}`
  const attempt = `${id}:${nowMs}` // A page that is never answered costs nobody anything, so another key may open another.
  const opened = await openSetup(
    stripe,
    { agreement: id, attempt, mail: row.mail, consent, language, done, back: `${page}?afbrudt=1` },
    nowMs,
  )
  if (opened.kind !== 'page')
    return { kind: 'unavailable', reason: opened.kind === 'refused' ? opened.code : opened.reason }
  const [, stored] = await db.batch<Asked>([
    db
      .prepare(
        `UPDATE agreement SET status = iif(status = 'draft', 'setting_up', status), checkout = ?2, address = ?3,
           check_at = ?4, checks = 0
         WHERE id = ?1 AND checkout IS NULL AND status IN (SELECT value FROM json_each(?5))`,
      )
      .bind(id, opened.checkout, opened.address, nowMs + pauseMs(0), JSON.stringify(from)),
    askedFor(db, { ...wanted, guardian }),
  ])
  const address = stored?.results[0]?.address // Of two pages opened at once, the one that stands is the page.
  return address ? { kind: 'page', address } : { kind: 'ended' }
}

const hasEnded = (status: AgreementStatus) => status === 'cancelled' || status === 'abandoned'

/** How long until Stripe is asked again, when so many times nothing had changed: 5, 10, 20, 40, then 60 minutes. */
const pauseMs = (checks: number) => Math.min(5 * MINUTE_MS * 2 ** Math.min(checks, 4), 60 * MINUTE_MS)

/** How often Stripe may refuse before what was asked is given up: more than two days. */
const CHECKS_MAX = 60

/** A charge that is under way ends first: it is sent again with the very card that it was begun with. */
const NO_CHARGE = `NOT EXISTS (SELECT 1 FROM payment WHERE payment.account = agreement.account
  AND payment.purpose = 'top_up' AND payment.status IN ('created', 'open'))`

type Awaited = {
  id: string
  guardian: number
  status: AgreementStatus
  checkout: string | null
  paymentMethod: string | null
  leftCard: string | null
  checks: number
  idle: 0 | 1
}

/**
 * `settled`: nothing of an agreement is awaited of Stripe any more, and its row says what became of it. `open`: its page
 * has not been finished, or a charge under way is waited for. `unavailable`: Stripe did not say.
 */
export type Settled = 'settled' | 'open' | 'unavailable' | 'not_found'

/**
 * Asks Stripe what has become of an agreement's page, and writes it: the card is stored and the agreement comes into
 * force, or waits for a balance of `activation`, or has another card than before. A page that has ended unfinished gives
 * a new agreement up. Cards that nothing will be charged to are forgotten at Stripe. Safe in parallel and again.
 */
export async function completeSetup(
  db: D1Database,
  stripe: StripeAccount,
  id: string,
  nowMs: number,
): Promise<Settled> {
  const row = await db
    .prepare(
      `SELECT id, guardian, status, checkout, payment_method AS paymentMethod, left_card AS leftCard, checks,
         ${NO_CHARGE} AS idle
       FROM agreement WHERE id = ?`,
    )
    .bind(id)
    .first<Awaited>()
  if (!row) return 'not_found'
  const left = row.leftCard ?? (hasEnded(row.status) ? row.paymentMethod : null)
  if (left !== null && (row.leftCard !== null || row.idle)) {
    if (!(await forgotten(db, stripe, row, left, nowMs))) return 'unavailable'
  } else if (left !== null) {
    await later(db, row, nowMs).run()
    return 'open'
  }
  if (row.checkout === null) {
    if (left !== null) await restOf(db, id, nowMs).run()
    return 'settled'
  }
  const ended = hasEnded(row.status)
  const found = await (ended ? closeCheckout(stripe, row.checkout) : checkoutOf(stripe, row.checkout))
  const state = pageOf(row, found, stripe)
  if (state === 'unavailable' || state === 'open' || (state.kind === 'card' && stands(row.status) && !row.idle)) {
    await later(db, row, nowMs).run()
    return state === 'unavailable' ? 'unavailable' : 'open'
  }
  if (state.kind === 'expired') {
    await db.batch([gaveUp(db, row, nowMs), restOf(db, id, nowMs)])
    return 'settled'
  }
  await db.batch([...given(db, { ...row, checkout: row.checkout }, state.card, nowMs), restOf(db, id, nowMs)])
  return 'settled'
}

type PageState = 'unavailable' | 'open' | { kind: 'expired' } | { kind: 'card'; card: StoredCard }

/** What a page means for the agreement: one that is not the agreement's, or gave no card, is as good as expired. */
function pageOf(row: Awaited, found: CheckoutState | Refused | Unavailable, stripe: StripeAccount): PageState {
  if ('kind' in found) {
    return found.kind === 'refused' && row.checks >= CHECKS_MAX ? { kind: 'expired' } : 'unavailable'
  }
  const ours = found.origin.agreement === row.id && found.origin.municipality === stripe.municipality
  switch (found.status) {
    case 'open':
      return 'open'
    case 'complete':
      return ours && found.card ? { kind: 'card', card: found.card } : { kind: 'expired' }
    case 'expired':
      return { kind: 'expired' }
  }
}

/** The statements that store a card which has been given; only while its page is still the agreement's. */
function given(
  db: D1Database,
  row: Awaited & { checkout: string },
  card: StoredCard,
  nowMs: number,
): D1PreparedStatement[] {
  const { customer, paymentMethod, brand, last4, expires } = card
  const bound = [row.id, row.checkout, nowMs, customer, paymentMethod, brand, last4, expires]
  const stored = `customer = ?4, payment_method = ?5, card_brand = ?6, card_last4 = ?7, card_expires = ?8,
    checkout = NULL, address = NULL`
  const audit = (action: string) =>
    recordedIfChanged(db, { guardian: row.guardian, action, subject: `agreement:${row.id}` }, nowMs)
  return [
    db
      .prepare(
        `UPDATE agreement SET ${stored}, ${GO_ON}
         WHERE id = ?1 AND checkout = ?2 AND status = 'setting_up' AND ${MAY_CHARGE}
           AND NOT EXISTS (SELECT 1 FROM agreement AS other
                           WHERE other.account = agreement.account AND ${standsSql('other')})`,
      )
      .bind(...bound),
    audit('agreement_made'),
    // Too late, or no longer theirs: the card is kept just long enough to be forgotten at Stripe.
    db
      .prepare(
        `UPDATE agreement SET ${stored}, status = iif(status = 'setting_up', 'abandoned', status),
           ended_at = coalesce(ended_at, ?3)
         WHERE id = ?1 AND checkout = ?2 AND status IN ('setting_up', 'cancelled', 'abandoned') AND left_card IS NULL`,
      )
      .bind(...bound),
    db
      .prepare(
        `UPDATE agreement SET ${stored}, left_card = nullif(payment_method, ?5), failures = 0, retry_at = NULL, paused_for = NULL,
           ${GO_ON}
         WHERE id = ?1 AND checkout = ?2 AND ${standsSql()} AND left_card IS NULL AND ${NO_CHARGE}`,
      )
      .bind(...bound),
    audit('agreement_card_changed'),
  ]
}

/** The statement for a page that ended without a card: a new agreement is given up, one that stands keeps the card it has. */
function gaveUp(db: D1Database, { id, checkout }: Awaited, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE agreement SET checkout = NULL, address = NULL, status = iif(status = 'setting_up', 'abandoned', status),
         ended_at = iif(status = 'setting_up', ?3, ended_at)
       WHERE id = ?1 AND checkout = ?2`,
    )
    .bind(id, checkout, nowMs)
}

/** Has Stripe forget a card, and the row too. A card that Stripe will not forget is given up at last. */
async function forgotten(
  db: D1Database,
  stripe: StripeAccount,
  row: Awaited,
  card: string,
  nowMs: number,
): Promise<boolean> {
  const { kind } = await forgetCard(stripe, card)
  if (kind === 'unavailable' || (kind === 'refused' && row.checks < CHECKS_MAX)) {
    await later(db, row, nowMs).run()
    return false
  }
  await db
    .prepare(
      `UPDATE agreement SET left_card = nullif(left_card, ?2),
         payment_method = iif(status IN ('cancelled', 'abandoned'), nullif(payment_method, ?2), payment_method)
       WHERE id = ?1`,
    )
    .bind(row.id, card)
    .run()
  return true
}

/** The statement after which Stripe is asked again in a while. */
function later(db: D1Database, { id, checks }: Awaited, nowMs: number): D1PreparedStatement {
  return db
    .prepare('UPDATE agreement SET check_at = ?2, checks = checks + 1 WHERE id = ?1 AND check_at <= ?3')
    .bind(id, nowMs + pauseMs(checks), nowMs)
}

/** The statement that says whether anything of an agreement is still to be done: at once, where there is. */
function restOf(db: D1Database, id: string, nowMs: number): D1PreparedStatement {
  return db
    .prepare(
      `UPDATE agreement SET checks = 0, check_at = CASE
         WHEN left_card IS NOT NULL OR checkout IS NOT NULL
           OR (status IN ('cancelled', 'abandoned') AND payment_method IS NOT NULL) THEN ?2
       END
       WHERE id = ?1`,
    )
    .bind(id, nowMs)
}

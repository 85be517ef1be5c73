import { dayOf } from './ledger-model.ts'

/**
 * Top-up agreements of one account as they are meant, without a database and without Stripe. The property test holds the
 * worker against it, so nothing here is taken from the SQL. Amounts are øre, instants epoch milliseconds.
 */

const MINUTE_MS = 60_000
const HOUR_MS = 60 * MINUTE_MS

export type Card = 'good' | 'declining' | 'lost' | 'authenticating'
export type Weather = 'fine' | 'down' | 'answer lost'

export type AgreementModel = {
  guardian: number
  amount: number
  status: 'draft' | 'setting_up' | 'waiting' | 'active' | 'paused' | 'cancelled' | 'abandoned'
  pausedFor: 'declined' | 'authentication_required' | 'card_unusable' | 'disputed' | null
  /** Whether it goes on without waiting for its balance, once it is paused no more. */
  inForce: boolean
  card: Card | null
  failures: number
  retryAt: number | null
  page: boolean
  draftedAt: number
}

export type ChargeModel = {
  agreement: number
  at: number
  status: 'under way' | 'paid' | 'failed'
  /** What Stripe made of it; null where it has not come there. */
  atStripe: 'paid' | Exclude<Card, 'good'> | null
  checkAt: number
  checks: number
}

export type AccountModel = {
  now: number
  balance: number
  guardians: Set<number>
  childLeft: boolean
  weather: Weather
  agreements: AgreementModel[]
  charges: ChargeModel[]
}

export const THRESHOLD = 5_000
export const ACTIVATION = 10_000
export const TOP_UPS_A_DAY = 2

export const STANDING = ['waiting', 'active', 'paused']
const agreementOf = (model: AccountModel, index: number) => {
  const agreement = model.agreements[index]
  if (!agreement) throw new Error(`the model has no agreement ${index}`)
  return agreement
}
export const standing = (model: AccountModel) => model.agreements.findIndex(({ status }) => STANDING.includes(status))
export const underWay = (model: AccountModel) => model.charges.find(({ status }) => status === 'under way')
const rightful = (model: AccountModel, { guardian }: AgreementModel) =>
  !model.childLeft && model.guardians.has(guardian)
const wanted = (model: AccountModel, agreement: AgreementModel) =>
  agreement.status === 'active' && model.balance < THRESHOLD && rightful(model, agreement)

export function draft(model: AccountModel, guardian: number, amount: number) {
  if (standing(model) >= 0 || !rightful(model, { guardian } as AgreementModel)) return
  model.agreements.push({
    ...{ guardian, amount, status: 'draft', pausedFor: null, card: null, failures: 0, retryAt: null, page: false },
    ...{ inForce: false, draftedAt: model.now },
  })
}

/** A page is opened: for a new agreement, or to change the card of the one that stands. */
export function open(model: AccountModel, index: number) {
  const agreement = agreementOf(model, index)
  if (model.weather === 'down' || !rightful(model, agreement)) return
  const others = standing(model) >= 0 && standing(model) !== index
  if (others || ['cancelled', 'abandoned'].includes(agreement.status)) return
  if (agreement.status === 'draft') agreement.status = 'setting_up'
  agreement.page = true
}

/** The page is finished with a card, or ends without one (null), and the browser comes back. */
export function finish(model: AccountModel, index: number, card: Card | null) {
  const agreement = agreementOf(model, index)
  if (!agreement.page || model.weather === 'down') return
  if (STANDING.includes(agreement.status)) {
    if (card !== null && underWay(model)) return // The change waits for the charge.
    agreement.page = false
    if (card === null) return
    agreement.card = card
    goOn(model, agreement)
    return
  }
  agreement.page = false
  if (agreement.status !== 'setting_up') return
  if (card === null || standing(model) >= 0 || !rightful(model, agreement)) {
    agreement.status = 'abandoned'
    return
  }
  agreement.card = card
  goOn(model, agreement)
}

/** An agreement has its card, and is paused no more: it goes, or waits where it is not in force. */
function goOn(model: AccountModel, agreement: AgreementModel) {
  Object.assign(agreement, { failures: 0, retryAt: null, pausedFor: null, status: 'waiting' })
  agreement.inForce ||= model.balance >= ACTIVATION
  if (agreement.inForce) agreement.status = 'active'
}

export function comeIntoForce(model: AccountModel) {
  for (const agreement of model.agreements) {
    if (agreement.status !== 'waiting' || model.balance < ACTIVATION) continue
    Object.assign(agreement, { status: 'active', inForce: true })
  }
}

export function cancel(model: AccountModel, index: number) {
  const agreement = agreementOf(model, index)
  if (['cancelled', 'abandoned'].includes(agreement.status)) return
  Object.assign(agreement, { status: 'cancelled', pausedFor: null, retryAt: null })
}

export function resume(model: AccountModel, index: number) {
  const agreement = agreementOf(model, index)
  if (agreement.pausedFor !== 'declined' || !rightful(model, agreement)) return
  goOn(model, agreement)
}

/** Money has gone back to a guardian: what is low by that is not fetched back, and the agreement waits anew. */
export function rest(model: AccountModel) {
  const agreement = model.agreements[standing(model)]
  if (!agreement || model.balance >= THRESHOLD) return
  Object.assign(agreement, {
    inForce: false,
    retryAt: null,
    ...(agreement.status === 'active' && { status: 'waiting' }),
  })
}

/** A guardian contests a payment to the account, whose agreement is theirs or is not. */
export function dispute(model: AccountModel, guardian: number) {
  const agreement = model.agreements[standing(model)]
  if (agreement?.guardian !== guardian) return
  Object.assign(agreement, { status: 'paused', pausedFor: 'disputed', inForce: false, retryAt: null })
}

export function leave(model: AccountModel) {
  model.childLeft = true
  for (const index of model.agreements.keys()) cancel(model, index)
}

/** A charge that is wanted now is made, if Stripe is there. */
export function topUp(model: AccountModel) {
  const index = standing(model)
  const agreement = model.agreements[index]
  if (!agreement || !wanted(model, agreement) || underWay(model)) return
  if (agreement.retryAt !== null && agreement.retryAt > model.now) return
  const today = model.charges.filter(({ at }) => dayOf(at) === dayOf(model.now))
  if (today.length >= 10 || today.filter(({ status }) => status !== 'failed').length >= TOP_UPS_A_DAY) return
  const charge: ChargeModel = {
    ...{
      agreement: index,
      at: model.now,
      status: 'under way',
      atStripe: null,
      checkAt: model.now + MINUTE_MS,
      checks: 0,
    },
  }
  model.charges.push(charge)
  send(model, charge)
}

function send(model: AccountModel, charge: ChargeModel) {
  const { card } = agreementOf(model, charge.agreement)
  if (model.weather !== 'down') charge.atStripe ??= card === null || card === 'good' ? 'paid' : card
  if (model.weather === 'fine') apply(model, charge)
  else waitFor(model, charge)
}

function waitFor(model: AccountModel, charge: ChargeModel) {
  charge.checkAt = model.now + Math.min(2 ** charge.checks, 30) * MINUTE_MS
  charge.checks += 1
}

function apply(model: AccountModel, charge: ChargeModel) {
  const agreement = agreementOf(model, charge.agreement)
  if (charge.atStripe === 'paid') {
    charge.status = 'paid'
    model.balance += agreement.amount
    Object.assign(agreement, agreement.failures > 0 && { failures: 0, retryAt: null })
    comeIntoForce(model)
    return
  }
  charge.status = 'failed'
  if (charge.atStripe === null || agreement.status !== 'active') return
  agreement.failures += 1
  if (charge.atStripe === 'declining' && agreement.failures < 3) {
    agreement.retryAt = model.now + (agreement.failures === 1 ? HOUR_MS : 24 * HOUR_MS)
    return
  }
  const reasons = { declining: 'declined', lost: 'card_unusable', authenticating: 'authentication_required' } as const
  Object.assign(agreement, { status: 'paused', pausedFor: reasons[charge.atStripe], retryAt: null })
}

/** What the cron does: it makes the charge that is wanted, follows up the one under way, and ends what has lost its right. */
export function cron(model: AccountModel) {
  const charge = underWay(model)
  topUp(model)
  if (charge && charge.checkAt <= model.now) follow(model, charge)
  for (const [index, agreement] of model.agreements.entries()) {
    if (STANDING.includes(agreement.status) && !rightful(model, agreement)) cancel(model, index)
    if (agreement.status === 'draft' && model.now - agreement.draftedAt >= HOUR_MS) agreement.status = 'abandoned'
  }
  comeIntoForce(model)
}

function follow(model: AccountModel, charge: ChargeModel) {
  const agreement = agreementOf(model, charge.agreement)
  const age = model.now - charge.at
  const again = wanted(model, agreement) && age < HOUR_MS
  if (model.weather === 'down') waitFor(model, charge)
  else if (charge.atStripe !== null) apply(model, charge)
  else if (again) send(model, charge)
  else if (age < (wanted(model, agreement) ? 70 : 10) * MINUTE_MS) waitFor(model, charge)
  else apply(model, charge)
}

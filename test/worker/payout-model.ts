/**
 * What payouts should do, without a database: the pure model that the property test holds the worker against. Amounts
 * are whole øre; `now` and all instants are epoch milliseconds, and a day is a number that grows.
 */

export type Rules = { dayMax: number; refundDays: number; draftLifeMs: number }

/** `contested`: the payer contests it, and nobody knows yet how that ends; its money has not been taken. */
export type ModelPayment = {
  id: string
  amount: number
  settledAt: number
  refunded: number
  failed: boolean
  contested: boolean
}
export type ModelPart = { payment: string; amount: number; failed: boolean }
export type ModelPayout = {
  id: string
  amount: number
  parts: ModelPart[]
  status: 'draft' | 'requested' | 'approved' | 'exported' | 'paid' | 'rejected'
  createdAt: number
  requestedDay: number | null
  approvedBy: number | null
  file: string | null
  exportedBy: number | null
}

export type PayoutModel = {
  rules: Rules
  wallet: number
  payable: number
  bank: number
  clearing: number
  payments: ModelPayment[]
  payouts: Map<string, ModelPayout>
}

export const emptyModel = (rules: Rules): PayoutModel => ({
  rules,
  wallet: 0,
  payable: 0,
  bank: 0,
  clearing: 0,
  payments: [],
  payouts: new Map(),
})

export const bankPart = ({ amount, parts }: ModelPayout) => amount - parts.reduce((sum, part) => sum + part.amount, 0)

export function deposit(model: PayoutModel, id: string, amount: number, now: number) {
  model.payments.push({ id, amount, settledAt: now, refunded: 0, failed: false, contested: false })
  model.wallet += amount
  model.clearing -= amount
}

/** Money that no card brought, by the hand of staff; below 0 what a purchase took, where there was enough. */
export function move(model: PayoutModel, amount: number) {
  if (model.wallet + amount >= 0) model.wallet += amount
}

/** How an amount is divided now: the newest payments first, each up to what is left of it; the rest is the bank's. */
function divide(model: PayoutModel, amount: number, now: number): ModelPart[] {
  const parts: ModelPart[] = []
  let left = amount
  for (const payment of [...model.payments].sort((a, b) => b.settledAt - a.settledAt || (a.id < b.id ? 1 : -1))) {
    const recent = payment.settledAt > now - model.rules.refundDays * 86_400_000
    const taken =
      recent && !payment.failed && !payment.contested ? Math.min(left, payment.amount - payment.refunded) : 0
    if (taken > 0) parts.push({ payment: payment.id, amount: taken, failed: false })
    left -= taken
  }
  return parts
}

/** What the wallet may pay out: what is there beside contested payments, and in any case what goes back to other cards. */
function payable(model: PayoutModel, now: number): number {
  const contested = model.payments.filter((payment) => payment.contested)
  const held = contested.reduce((sum, { amount, refunded }) => sum + amount - refunded, 0)
  if (held === 0) return model.wallet
  const back = divide(model, model.wallet, now).reduce((sum, { amount }) => sum + amount, 0)
  return Math.max(0, model.wallet - held, back)
}

/** The payer contests a payment, or that is over, and the money stays. */
export function contest(model: PayoutModel, id: string, contested: boolean) {
  const payment = model.payments.find((one) => one.id === id)
  if (payment) payment.contested = contested
}

/** What of a payout that was requested has not come back. */
function stayedOut(payout: ModelPayout): number {
  const parts = payout.parts.filter(({ failed }) => !failed).reduce((sum, { amount }) => sum + amount, 0)
  return parts + (payout.status === 'rejected' ? 0 : bankPart(payout))
}

function dayLeft(model: PayoutModel, day: number): number {
  const today = [...model.payouts.values()].filter(({ requestedDay }) => requestedDay === day)
  return model.rules.dayMax - today.reduce((sum, payout) => sum + stayedOut(payout), 0)
}

export function draft(model: PayoutModel, id: string, amount: number, now: number, day: number): string {
  if (amount < 1) return 'below_min'
  const before = model.payouts.get(id)
  if (before) return before.amount === amount ? 'drafted' : 'changed'
  if (amount > payable(model, now)) return 'over_balance'
  if (amount > dayLeft(model, day)) return 'over_day_max'
  const fresh = { requestedDay: null, approvedBy: null, file: null, exportedBy: null }
  model.payouts.set(id, { id, amount, parts: divide(model, amount, now), status: 'draft', createdAt: now, ...fresh })
  return 'drafted'
}

export function request(model: PayoutModel, id: string, now: number, day: number): string {
  const payout = model.payouts.get(id)
  if (!payout) return 'not_found'
  if (payout.status !== 'draft') return 'requested'
  if (now >= payout.createdAt + model.rules.draftLifeMs) return 'too_old'
  if (payout.amount > payable(model, now)) return 'not_enough'
  if (payout.amount > dayLeft(model, day)) return 'over_day_max'
  const paymentOf = (part: ModelPart) => model.payments.find(({ id }) => id === part.payment)
  const fits = payout.parts.every((part) => {
    const payment = paymentOf(part)
    return payment && !payment.failed && !payment.contested && part.amount <= payment.amount - payment.refunded
  })
  const rule = divide(model, payout.amount, now).reduce((sum, part) => sum + part.amount, 0)
  if (!fits || bankPart(payout) > payout.amount - rule) return 'changed'
  for (const part of payout.parts) {
    const payment = paymentOf(part)
    if (payment) payment.refunded += part.amount
    model.clearing += part.amount
  }
  model.wallet -= payout.amount
  model.payable += bankPart(payout)
  payout.requestedDay = day
  payout.status = bankPart(payout) === 0 ? 'paid' : 'requested'
  return 'requested'
}

/** Stripe's word that a part could not be given back: it returns to the wallet, and its payment takes no more. */
export function failRefund(model: PayoutModel, id: string, at: number): boolean {
  const payout = model.payouts.get(id)
  const part = payout?.parts[at]
  const payment = model.payments.find((one) => one.id === part?.payment)
  if (!payout || payout.status === 'draft' || !part || part.failed || !payment) return false
  part.failed = true
  payment.failed = true
  payment.refunded -= part.amount
  model.wallet += part.amount
  model.clearing -= part.amount
  return true
}

export function approve(model: PayoutModel, id: string, staff: number): string {
  const payout = model.payouts.get(id)
  if (!payout || payout.status === 'draft') return 'unknown'
  if (payout.status === 'requested') {
    payout.status = 'approved'
    payout.approvedBy = staff
  }
  return payout.status === 'approved' || payout.status === 'exported' ? 'done' : 'too_late'
}

function giveBack(model: PayoutModel, payout: ModelPayout) {
  payout.status = 'rejected'
  model.payable -= bankPart(payout)
  model.wallet += bankPart(payout)
}

export function reject(model: PayoutModel, id: string): string {
  const payout = model.payouts.get(id)
  if (!payout || payout.status === 'draft') return 'unknown'
  if (payout.status === 'requested' || payout.status === 'approved') giveBack(model, payout)
  return payout.status === 'rejected' && payout.file === null ? 'done' : 'too_late'
}

/** The ids that go into a new file of this member of staff. */
export function exportAll(model: PayoutModel, file: string, staff: number): string[] {
  const taken = [...model.payouts.values()].filter(
    ({ status, approvedBy }) => status === 'approved' && approvedBy !== staff,
  )
  for (const payout of taken) {
    payout.status = 'exported'
    payout.file = file
    payout.exportedBy = staff
  }
  return taken.map(({ id }) => id)
}

/** The ids that come back because the bank did not take their file; null where this member of staff made it. */
export function release(model: PayoutModel, file: string, staff: number): string[] | null {
  const inFile = [...model.payouts.values()].filter((payout) => payout.file === file)
  if (inFile.some(({ exportedBy }) => exportedBy === staff)) return null
  const released = inFile.filter(({ status }) => status === 'exported')
  for (const payout of released) giveBack(model, payout)
  return released.map(({ id }) => id)
}

/** The bank's word about one payout of a file. */
export function report(
  model: PayoutModel,
  id: string,
  word: 'ACSC' | 'RJCT' | 'PDNG',
): 'paid' | 'returned' | 'unchanged' {
  const payout = model.payouts.get(id)
  if (!payout?.file) return 'unchanged'
  if (word === 'ACSC' && payout.status === 'exported') {
    payout.status = 'paid'
    model.payable -= bankPart(payout)
    model.bank += bankPart(payout)
    return 'paid'
  }
  if (word === 'RJCT' && payout.status !== 'rejected') {
    if (payout.status === 'paid') {
      model.bank -= bankPart(payout)
      model.payable += bankPart(payout)
    }
    giveBack(model, payout)
    return 'returned'
  }
  return 'unchanged'
}

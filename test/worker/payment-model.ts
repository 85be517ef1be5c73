/**
 * Deposits of one wallet as they are meant, without a database and without Stripe's objects. The property test holds the
 * worker against it, so nothing here is taken from the SQL. What has happened at Stripe and what is known here are two
 * things: `heard` and its like bring the second up to the first. Amounts are øre, instants epoch milliseconds.
 */

const MINUTE_MS = 60_000
/** Stripe's page lives for this long after the payment was begun, and is opened in the first of these minutes alone. */
const PAGE_MS = 31 * MINUTE_MS
const OPENED_WITHIN_MS = MINUTE_MS
/** After this long a try that fails is the last one of its id. */
const LAST_TRY_MS = 50_000
/** A payment that never got a page is given up by the cron after this long. */
const PAGELESS_MS = 35 * MINUTE_MS

export type Answer = 'fine' | 'busy' | 'answer lost' | 'kept failure'

/**
 * Money that went back: where it was taken from once that is known, and whether it has come again. `short` is what
 * suspense bore for the wallet, `collected` what of that it has had from the wallet since.
 */
export type BackModel = {
  amount: number
  short: number
  collected: number
  atStripe: 'gone' | 'returned' | 'lost'
  taken: { wallet: number; suspense: number } | null
  over: boolean
}

export type PaymentModel = {
  amount: number
  createdAt: number
  status: 'created' | 'open' | 'paid' | 'mismatch' | 'failed' | 'expired' | 'cancelled'
  /** Whether the page, and whether the intent, is written in the payment's row. */
  pageKnown: boolean
  intentKnown: boolean
  page: 'none' | 'open' | 'complete' | 'expired'
  tried: boolean
  declined: boolean
  keptFailure: boolean
  paid: { amount: number; currency: string } | null
  refunds: BackModel[]
  disputes: BackModel[]
  /** What events have not been told yet, by what they are about. */
  untold: Set<'intent' | 'checkout'>
}

export type WalletModel = {
  now: number
  wallet: number
  suspense: number
  clearing: number
  receipts: number
  payments: PaymentModel[]
  /** What was short, oldest first. */
  shorts: BackModel[]
}

export const emptyModel = (now: number): WalletModel => ({
  ...{ now, wallet: 0, suspense: 0, clearing: 0, receipts: 0 },
  ...{ payments: [], shorts: [] },
})

const isWaiting = ({ status }: PaymentModel) => status === 'created' || status === 'open'
const isSettled = ({ status }: PaymentModel) => status === 'paid' || status === 'mismatch'

/** A page ends by itself at Stripe, with an event. */
export function passTime(model: WalletModel, ms: number): void {
  model.now += ms
  for (const payment of model.payments) {
    if (payment.page === 'open' && payment.createdAt + PAGE_MS <= model.now) expire(payment)
  }
}

// ── At Stripe ───────────────────────────────────────────────────────────────

export function expire(payment: PaymentModel): void {
  payment.page = 'expired'
  payment.untold.add('checkout')
  if (payment.tried) payment.untold.add('intent')
}

export function decline(payment: PaymentModel): void {
  Object.assign(payment, { tried: true, declined: true })
  payment.untold.add('intent')
}

export function pay(payment: PaymentModel, paid: { amount: number; currency: string }): void {
  Object.assign(payment, { page: 'complete', tried: true, paid })
  payment.untold.add('intent').add('checkout')
}

export const leftToRefund = ({ paid, refunds, disputes }: PaymentModel): number =>
  paid === null || disputes.length > 0
    ? 0
    : refunds.reduce((left, { amount, atStripe }) => left - (atStripe === 'returned' ? 0 : amount), paid.amount)

export function goBack(payment: PaymentModel, kind: 'refunds' | 'disputes', amount: number): void {
  payment[kind].push({ ...{ amount, short: 0, collected: 0 }, atStripe: 'gone', taken: null, over: false })
  payment.untold.add('intent')
}

/** A refund fails or a dispute is won: the money returns; or a dispute is lost. */
export function endBack(payment: PaymentModel, back: BackModel, end: 'returned' | 'lost'): void {
  back.atStripe = end
  payment.untold.add('intent')
}

// ── Here ────────────────────────────────────────────────────────────────────

export function begin(model: WalletModel, amount: number, answer: Answer): string {
  const payment: PaymentModel = {
    ...{ amount, createdAt: model.now, status: 'created', pageKnown: false, intentKnown: false, page: 'none' },
    ...{ tried: false, declined: false, keptFailure: false, paid: null, refunds: [], disputes: [], untold: new Set() },
  }
  model.payments.push(payment)
  return again(model, payment, amount, answer)
}

/** The form of a payment is sent again, or for the first time. */
export function again(model: WalletModel, payment: PaymentModel, amount: number, answer: Answer): string {
  if (amount !== payment.amount) return 'changed'
  const age = model.now - payment.createdAt
  const ending = () => (payment.pageKnown || payment.intentKnown ? 'ended' : 'refused')
  if (!isWaiting(payment)) return ending()
  if (payment.pageKnown) return 'page'
  const away = answer === 'busy' || (answer === 'kept failure' && payment.page === 'none')
  if (answer === 'kept failure' && payment.page === 'none') payment.keptFailure = true
  if (!away && payment.page === 'none' && !payment.keptFailure) {
    if (age > OPENED_WITHIN_MS) {
      payment.status = answer === 'answer lost' ? 'expired' : 'failed'
      return answer === 'answer lost' ? 'unavailable' : 'refused'
    }
    payment.page = 'open'
  }
  if (away || payment.keptFailure || answer === 'answer lost') {
    if (age >= LAST_TRY_MS) payment.status = 'expired'
    return 'unavailable'
  }
  Object.assign(payment, { status: 'open', pageKnown: true })
  return 'page'
}

/** Stripe is asked what has become of a payment, by its payer or by the cron. */
export function settle(model: WalletModel, payment: PaymentModel): void {
  if (isSettled(payment)) return
  if (payment.pageKnown || payment.intentKnown) become(model, payment, 'expired')
  else if (isWaiting(payment) && model.now - payment.createdAt >= PAGELESS_MS) payment.status = 'expired'
}

/** The payer comes back without having paid. */
export function cancel(model: WalletModel, payment: PaymentModel): void {
  if (payment.status !== 'open') return
  if (payment.page === 'open') expire(payment)
  become(model, payment, 'cancelled')
}

/** The newest events of a payment come, however often. */
export function hear(model: WalletModel, payment: PaymentModel): void {
  const { untold } = payment
  if (untold.has('checkout') && (payment.tried || payment.pageKnown)) become(model, payment, 'expired')
  else if (untold.has('checkout')) settle(model, payment)
  if (untold.has('intent')) {
    become(model, payment, 'expired')
    follow(model, payment)
  }
  untold.clear()
}

function become(model: WalletModel, payment: PaymentModel, left: 'expired' | 'cancelled'): void {
  if (isSettled(payment)) return
  const { paid, amount } = payment
  if (paid !== null) {
    payment.intentKnown = true
    const asked = paid.currency === 'dkk' && paid.amount === amount
    payment.status = asked ? 'paid' : 'mismatch'
    if (paid.currency !== 'dkk') return
    model.clearing -= paid.amount
    model[asked ? 'wallet' : 'suspense'] += paid.amount
    if (asked) model.receipts += 1
  } else if (isWaiting(payment) && payment.page === 'expired') {
    payment.intentKnown ||= payment.tried
    payment.status = left === 'expired' && payment.declined ? 'failed' : left
  }
}

/** What has gone back at Stripe goes out of the wallet as far as it is there, and out of suspense for the rest. */
function follow(model: WalletModel, payment: PaymentModel): void {
  if (!isSettled(payment) || payment.paid?.currency !== 'dkk') return
  for (const back of payment.refunds.toReversed()) {
    // Stripe names the newest first.
    take(model, payment, back)
    if (back.atStripe === 'returned') giveBack(model, back)
  }
  for (const back of payment.disputes) {
    if (back.atStripe !== 'returned') take(model, payment, back)
    else giveBack(model, back)
  }
}

function take(model: WalletModel, payment: PaymentModel, back: BackModel): void {
  if (back.taken !== null || back.over) return
  const wallet = payment.status === 'paid' ? Math.min(model.wallet, back.amount) : 0
  back.taken = { wallet, suspense: back.amount - wallet }
  move(model, back.taken, -1)
  if (payment.status !== 'paid' || back.taken.suspense === 0) return
  back.short = back.taken.suspense
  model.shorts.push(back)
}

function giveBack(model: WalletModel, back: BackModel): void {
  if (back.over) return
  back.over = true
  if (!back.taken) return
  move(model, back.taken, 1)
  model.wallet += back.collected
  model.suspense -= back.collected
  collect(model, back.taken.wallet + back.collected)
}

/** What has come back is first what suspense bears for the wallet. */
function collect(model: WalletModel, cameBack: number): void {
  let left = cameBack
  for (const back of model.shorts.filter(({ over }) => !over)) {
    const part = Math.min(back.short - back.collected, left, model.wallet)
    back.collected += part
    left -= part
    model.wallet -= part
    model.suspense += part
  }
}

function move(model: WalletModel, { wallet, suspense }: { wallet: number; suspense: number }, sign: 1 | -1): void {
  model.wallet += sign * wallet
  model.suspense += sign * suspense
  model.clearing -= sign * (wallet + suspense)
}

/** Something is bought; what is not there cannot be spent. */
export function spend(model: WalletModel, amount: number): number {
  const spent = Math.min(amount, model.wallet)
  model.wallet -= spent
  model.suspense += spent
  return spent
}

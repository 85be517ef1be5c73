import { APPROVAL_WAITS_MS } from '../cards/card-orders.ts'
import { isUnderWay, type OrderView, type Waiting } from '../cards/order-views.ts'
import { cardOrder as texts } from '../texts/card-order.ts'
import { kr, shortInstant } from '../texts/format.ts'
import { payment as common } from '../texts/payment.ts'
import { Hindrance, NotBlocked, orderPath, priceOf } from './card-order.tsx'
import { type Fact, Facts, Way, Ways } from './facts.tsx'
import { AlertIcon, Form, Notice } from './form.tsx'
import type { AccountEnv, GuardianView } from './view.ts'

type AccountView = AccountEnv['Variables']['view']

const BADGES: Record<OrderView['state'], string> = {
  awaiting_approval: 'warning',
  ordered: 'info',
  produced: 'info',
  sent: 'info',
  handed_out: 'success',
  cancelled: 'neutral',
  awaiting: 'warning',
  abandoned: 'warning',
  mismatch: 'error',
}

/** An account's newest orders with where they are, and the way to each; nothing where there are none. */
export function OrderList({ view, orders }: { view: AccountView; orders: OrderView[] }) {
  const { say, language } = view
  if (orders.length === 0) return null
  return (
    <>
      <h3>{say(texts.orders)}</h3>
      <ul class="nobullet-list">
        {orders.map((order) => (
          <li>
            <span class={`badge badge-${BADGES[order.state]}`}>{say(texts.states[order.state])}</span>{' '}
            {shortInstant(language, order.createdAt)}
            <br />
            <a
              href={orderPath(view, order)}
              aria-label={`${say(texts.see)}, ${shortInstant(language, order.createdAt)}`}
            >
              {say(texts.see)}
            </a>
          </li>
        ))}
      </ul>
    </>
  )
}

const KINDS: Record<OrderView['state'], 'success' | 'info' | 'warning'> = {
  awaiting_approval: 'warning',
  ordered: 'success',
  produced: 'success',
  sent: 'success',
  handed_out: 'success',
  cancelled: 'info',
  awaiting: 'info',
  abandoned: 'warning',
  mismatch: 'warning',
}

/** The title of an order's page. */
export function titleOf({ state, cause }: OrderView) {
  return state === 'ordered' && cause === 'same_day' ? texts.readyTitle : texts.titles[state]
}

function textOf({ say }: GuardianView, order: OrderView, stale: boolean): string {
  const { state, cause, returned, fee, own, club, lostCard, orderedAt } = order
  if (state === 'cancelled' && returned !== null) {
    const back = say(texts.texts.cancelledReturned)(kr(returned))
    return returned < fee ? `${back} ${say(texts.texts.restToPayer)(kr(fee - returned))}` : back
  }
  if (state === 'cancelled' && cause === 'same_day' && orderedAt === null) return say(texts.texts.notApproved)
  if (state === 'awaiting_approval') {
    return fee === 0 ? say(texts.approval.askFree)(club ?? '') : say(texts.approval.ask)(club ?? '', kr(fee))
  }
  if (state === 'ordered' && cause === 'same_day') {
    return say(fee === 0 ? texts.texts.readyFree : texts.texts.ready)(club ?? '')
  }
  if (state === 'ordered' && club !== null) return say(texts.texts.orderedToClub)(club)
  if (state === 'produced' && club !== null) return say(texts.texts.producedToClub)(club)
  if (state === 'sent' && club !== null) return say(texts.texts.sentToClub)(club)
  if (state === 'handed_out' && lostCard === null) return say(texts.texts.firstHandedOut)
  if (state === 'awaiting' && !own) return say(texts.texts.awaitingOther)
  return say(stale ? texts.texts.stale : texts.texts[state])
}

/** Whether the card that an order replaces is active, and will be until the new one has been handed out. */
function stillActive({ account }: AccountView, { state, lostCard }: OrderView): boolean {
  return (
    (isUnderWay({ state }) || state === 'awaiting') &&
    account.cards.some(({ id, status }) => id === lostCard && status === 'active')
  )
}

/** Why a guardian's decision came to nothing. */
export type OrderError = 'insufficient_funds' | 'too_late' | 'not_received'

/** Where an order is, and what is to be decided. `stale`: Stripe did not answer when it was asked just now. */
export function OrderPage({
  view,
  order,
  stale,
  error,
}: {
  view: AccountView
  order: OrderView
  stale: boolean
  error: OrderError | null
}) {
  const { say } = view
  const own = `/konto/${view.account.id}`
  const page = order.own?.payment?.address ?? null
  return (
    <>
      <h1>{say(titleOf(order))}</h1>
      {error && <Notice kind="warning" text={say(texts.errors[error])} />}
      <Notice kind={KINDS[order.state]} text={textOf(view, order, stale)} />
      {stillActive(view, order) && <NotBlocked view={view} text={say(texts.stillActive)} />}
      <Facts facts={factsOf(view, order)} />
      {order.state === 'awaiting_approval' && <Decision view={view} order={order} />}
      {order.state === 'sent' && order.own?.made && (
        <Form view={view} action={`${orderPath(view, order)}/modtaget`}>
          <p>{say(texts.received.text)}</p>
          <button class="button button-primary" type="submit">
            {say(texts.received.button)}
          </button>
        </Form>
      )}
      <Ways>
        {order.state === 'awaiting' && <Way href={orderPath(view, order)}>{say(common.refresh)}</Way>}
        {order.state === 'awaiting' && page !== null && <Way href={page}>{say(common.goOn)}</Way>}
        {order.state === 'abandoned' && <Way href={`${own}/nyt-kort?igen=${order.id}`}>{say(common.again)}</Way>}
        {order.state === 'mismatch' && <Way href="/support">{say(common.toSupport)}</Way>}
        <Way href={`${own}/brugerinfo`}>{say(texts.toProfile)}</Way>
      </Ways>
    </>
  )
}

/** The two ways to decide on a replacement, or the way to what it takes first. */
function Decision({ view, order }: { view: AccountView; order: OrderView }) {
  const { say, account } = view
  const short = account.balance < order.fee
  return (
    <>
      {short && (
        <Hindrance
          text={say(texts.approval.short)(kr(order.fee), kr(account.balance))}
          href={`/konto/${account.id}/indbetaling`}
          way={say(common.toDeposit)}
        />
      )}
      {!short && (
        <Form view={view} action={`${orderPath(view, order)}/godkend`}>
          <button class="button button-primary" type="submit">
            {order.fee === 0 ? say(texts.approval.approveFree) : say(texts.approval.approve)(kr(order.fee))}
          </button>
        </Form>
      )}
      <Form view={view} action={`${orderPath(view, order)}/afvis`}>
        <button class="button button-secondary" type="submit">
          {say(texts.approval.refuse)}
        </button>
      </Form>
    </>
  )
}

const AWAITED = { awaiting_approval: ['warning', texts.approval], sent: ['info', texts.received] } as const

/** What a new card awaits of a guardian, and the way to it. */
export function WaitingNotice({ view, order }: { view: GuardianView; order: Waiting }) {
  const { say } = view
  const [kind, words] = AWAITED[order.status]
  return (
    <div class={`alert alert-${kind}`}>
      <AlertIcon kind={kind} />
      <div class="alert-body">
        <p class="alert-text">{say(words.waits)}</p>
        <p class="alert-text">
          <a href={`/konto/${order.account}/nyt-kort/${order.id}`}>{say(words.see)}</a>
        </p>
      </div>
    </div>
  )
}

function factsOf(view: AccountView, order: OrderView): Fact[] {
  const { say, language, account } = view
  const { facts } = texts
  const { own, lostCard, card, fee, paidFrom, state, orderedAt } = order
  // Nothing was paid for what was never approved.
  const unpaid = fee === 0 || (state === 'cancelled' && orderedAt === null)
  const at = (instant: number | null) => (instant === null ? null : shortInstant(language, instant))
  return [
    [say(common.account), account.child.name],
    [say(facts.state), say(texts.states[state])],
    [say(facts.replaces), lostCard === null ? null : say(texts.cardName)(lostCard)],
    [say(facts.card), card === null ? null : say(texts.cardName)(card)],
    [say(texts.price), priceOf(view, fee)],
    [say(facts.paidFrom), unpaid ? null : say(texts.from[paidFrom])],
    [say(facts.ordered), at(order.createdAt)],
    [say(facts.decideBy), at(state === 'awaiting_approval' ? order.createdAt + APPROVAL_WAITS_MS : null)],
    [say(facts.sent), at(order.sentAt)],
    [say(state === 'handed_out' ? texts.states.handed_out : facts.ended), at(order.endedAt)],
    [say(common.reference), order.id],
    [say(facts.club), order.club],
    [say(texts.address), own?.address ? <Address {...own.address} /> : null],
  ]
}

type At = NonNullable<NonNullable<OrderView['own']>['address']>

function Address({ recipient, street, postalCode, city }: At) {
  return (
    <>
      {recipient}
      <br />
      {street}
      <br />
      {postalCode} {city}
    </>
  )
}

import type { OrderView } from '../cards/order-views.ts'
import type { GuardedAccount } from '../login/sessions.ts'
import type { PublicationText } from '../support/publications.ts'
import { accounts } from '../texts/accounts.ts'
import { cardOrder as texts } from '../texts/card-order.ts'
import { kr } from '../texts/format.ts'
import { payment as common } from '../texts/payment.ts'
import { Acceptance } from './acceptance.tsx'
import { Closed, Left } from './deposit.tsx'
import { Facts, Way } from './facts.tsx'
import { AlertIcon, Choice, ErrorSummary, Field, Form, Notice, type Typed } from './form.tsx'
import { MailField, Next } from './money-fields.tsx'
import type { AccountEnv, GuardianView } from './view.ts'

type AccountView = AccountEnv['Variables']['view']

/** The ways in which an order may be paid now. */
export type PayWays = { account: boolean; checkout: boolean }

/** What can be ordered for: cards that are not closed. */
export const openCards = ({ cards }: GuardedAccount) => cards.filter(({ status }) => status !== 'closed')

type FormProps = {
  view: AccountView
  terms: PublicationText | null
  underWay: OrderView | null
  ways: PayWays
  typed: Typed
}

/** The form of an order, or why there is none. Without `terms` the municipality takes no orders here. */
export function OrderFormPage({ view, terms, underWay, ways, typed }: FormProps) {
  const { say, account, settings } = view
  const own = `/konto/${account.id}`
  const fee = settings.money.cardFee
  const body = () => {
    if (account.child.left) return <Left view={view} text={say(texts.left)(account.child.name)} />
    if (underWay) return <Hindrance text={say(texts.underWay)} href={orderPath(view, underWay)} way={say(texts.see)} />
    if (account.cards.length === 0) {
      return <Hindrance text={say(texts.firstCard)} href={`${own}/brugerinfo`} way={say(texts.toProfile)} />
    }
    if (terms === null) return <Closed view={view} text={say(texts.closed)} />
    if (!ways.account && !ways.checkout) {
      return <Hindrance text={say(texts.notEnough)(kr(fee))} href={`${own}/indbetaling`} way={say(common.toDeposit)} />
    }
    return <OrderForm view={view} terms={terms} ways={ways} typed={typed} />
  }
  return (
    <>
      <h1>{say(texts.title)}</h1>
      <p id="order">{say(common.of)(account.child.name, kr(account.balance))}</p>
      {body()}
    </>
  )
}

export const orderPath = ({ account }: AccountView, { id }: { id: string }) => `/konto/${account.id}/nyt-kort/${id}`

export function Hindrance({ text, href, way }: { text: string; href: string; way: string }) {
  return (
    <>
      <Notice kind="info" text={text} />
      <Way href={href}>{way}</Way>
    </>
  )
}

function OrderForm({ view, terms, ways, typed }: Omit<FormProps, 'terms' | 'underWay'> & { terms: PublicationText }) {
  const { say, account, settings } = view
  const fee = settings.money.cardFee
  const cards = openCards(account)
  const options = cards.map(({ id, status }): [string, string] => [
    String(id),
    say(texts.lostCardOption)(id, say(accounts.status[status])),
  ])
  return (
    <>
      <ErrorSummary view={view} typed={typed} />
      {cards.length > 0 && <Patience view={view} />}
      <Facts
        facts={[
          [say(texts.price), priceOf(view, fee)],
          [say(texts.delivery), say(texts.days)],
        ]}
      />
      <Form view={view} action={`/konto/${account.id}/nyt-kort`} label={say(texts.title)}>
        <input type="hidden" name="id" value={typed.fields.id} />
        <input type="hidden" name="price" value={String(fee)} />
        {cards.length > 0 && (
          <Choice
            typed={typed}
            name="lostCard"
            label={say(texts.lostCard)}
            hint={say(texts.lostCardHint)}
            options={cards.length > 1 ? [['', say(texts.lostCardChoose)], ...options] : options}
          />
        )}
        <fieldset class="order-part">
          <legend class="h3">{say(texts.address)}</legend>
          <Field
            typed={typed}
            name="recipient"
            label={say(texts.recipient)}
            hint={say(texts.recipientHint)}
            autocomplete="off"
          />
          <Field typed={typed} name="street" label={say(texts.street)} autocomplete="address-line1" />
          <Field
            typed={typed}
            name="postalCode"
            label={say(texts.postalCode)}
            inputmode="numeric"
            autocomplete="postal-code"
          />
          <Field typed={typed} name="city" label={say(texts.city)} autocomplete="address-level2" />
        </fieldset>
        {fee > 0 && <Payment view={view} ways={ways} typed={typed} />}
        {fee > 0 && ways.checkout && <MailField view={view} typed={typed} hint={say(texts.mailHint)} />}
        <Acceptance view={view} typed={typed} terms={terms} />
        <Next view={view} />
      </Form>
    </>
  )
}

export const priceOf = ({ say }: GuardianView, fee: number) => (fee === 0 ? say(texts.free) : kr(fee))

/** The guide's advice to block and wait, more urgent while a card can still be used. */
function Patience({ view }: { view: AccountView }) {
  const { say, account } = view
  const active = account.cards.some(({ status }) => status === 'active')
  if (!active) return <Notice kind="info" text={say(texts.wait)} />
  return <NotBlocked view={view} text={`${say(texts.notBlocked)} ${say(texts.wait)}`} />
}

/** That a lost card can still be used, and the way to where it is blocked. */
export function NotBlocked({ view, text }: { view: AccountView; text: string }) {
  return (
    <div class="alert alert-warning">
      <AlertIcon kind="warning" />
      <div class="alert-body">
        <p class="alert-text">{text}</p>
        <p class="alert-text">
          <a href={`/konto/${view.account.id}/brugerinfo`}>{view.say(texts.toBlock)}</a>
        </p>
      </div>
    </div>
  )
}

function Payment({ view, ways, typed }: Pick<FormProps, 'view' | 'ways' | 'typed'>) {
  const { say, account } = view
  const error = typed.errors.pay
  const options: [value: string, label: string][] = [
    ...(ways.account ? [['account', say(texts.payAccount)(kr(account.balance))] satisfies [string, string]] : []),
    ...(ways.checkout ? [['checkout', say(texts.payCheckout)] satisfies [string, string]] : []),
  ]
  return (
    <div class={`form-group${error ? ' form-error' : ''}`}>
      <fieldset class="order-part" {...(error && { 'aria-describedby': 'pay-error' })}>
        <legend class="h3" id="pay">
          {say(texts.pay)}
        </legend>
        {error && (
          <span class="form-error-message" id="pay-error">
            {error}
          </span>
        )}
        {options.map(([value, label]) => (
          <div class="form-group-radio">
            <input
              type="radio"
              class="form-radio"
              id={`pay-${value}`}
              name="pay"
              value={value}
              checked={options.length === 1 || typed.fields.pay === value}
            />
            <label class="form-label" for={`pay-${value}`}>
              {label}
            </label>
          </div>
        ))}
      </fieldset>
    </div>
  )
}

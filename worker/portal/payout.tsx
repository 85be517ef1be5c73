import type { Child } from 'hono/jsx'
import type { PayoutLimits, PayoutRefund, PayoutView } from '../payouts/payouts.ts'
import { bankReason } from '../texts/bank-reasons.ts'
import { deposit } from '../texts/deposit.ts'
import { kr, shortInstant } from '../texts/format.ts'
import type { Both } from '../texts/language.ts'
import { payment as common } from '../texts/payment.ts'
import { payout as texts } from '../texts/payout.ts'
import { type Fact, Facts, Way, Ways } from './facts.tsx'
import { ErrorSummary, Field, Form, Notice, type Typed } from './form.tsx'
import { AmountField, MailField, Next } from './money-fields.tsx'
import type { AccountEnv } from './view.ts'

type AccountView = AccountEnv['Variables']['view']

type FormProps = { view: AccountView; typed: Typed; payouts: PayoutView[]; limits: PayoutLimits }

/** The form, or why there is none, with what has been paid out before. */
export function PayoutPage({ view, typed, payouts, limits }: FormProps) {
  const { say, account, settings } = view
  const { there, left } = limits
  return (
    <>
      <h1>{say(texts.title)}</h1>
      <p>{say(common.of)(account.child.name, kr(account.balance))}</p>
      <ErrorSummary view={view} typed={typed} />
      {account.balance <= 0 ? (
        <Notice kind="info" text={say(texts.nothing)} />
      ) : there <= 0 ? (
        <Notice kind="info" text={say(texts.held)(kr(there))} />
      ) : left <= 0 ? (
        <Notice kind="info" text={say(texts.capReached)(kr(settings.money.payoutDayMax))} />
      ) : (
        <PayoutForm view={view} typed={typed} limits={limits} />
      )}
      <Earlier view={view} payouts={payouts} />
    </>
  )
}

/** What the bank is told. */
const FIELDS = [
  { name: 'name', hint: texts.nameHint, autocomplete: 'name' },
  { name: 'registration', hint: texts.registrationHint, inputmode: 'numeric', autocomplete: 'off' },
  { name: 'bankAccount', hint: texts.bankAccountHint, inputmode: 'numeric', autocomplete: 'off' },
  { name: 'message', hint: texts.messageHint, autocomplete: 'off' },
] as const

function PayoutForm({ view, typed, limits: { there, left } }: Omit<FormProps, 'payouts'>) {
  const { say, account, settings } = view
  const { balance } = account
  const { refundDays } = settings.money
  const hint =
    left < there
      ? say(texts.amountCapped)(kr(left), kr(balance))
      : there < balance
        ? say(texts.held)(kr(there))
        : say(texts.amountAll)(kr(balance))
  return (
    <section id="payout" aria-labelledby="payout-intro">
      <p id="payout-intro">{say(texts.intro)}</p>
      {refundDays > 0 && (
        <p>
          {say(texts.sameWay)(refundDays)} {say(texts.restToBank)}
        </p>
      )}
      <Form view={view} action={`/konto/${account.id}/udbetal`} label={say(texts.title)}>
        <input type="hidden" name="id" value={typed.fields.id} />
        {FIELDS.map(({ name, hint, ...kind }) => (
          <Field typed={typed} name={name} label={say(texts[name])} hint={say(hint)} {...kind} />
        ))}
        <AmountField view={view} typed={typed} hint={hint} />
        <MailField view={view} typed={typed} hint={say(texts.mailHint)} />
        <Next view={view} />
      </Form>
    </section>
  )
}

/** What has been paid out of the account by anybody; of another guardian's no more than when, how much and its state. */
function Earlier({ view, payouts }: { view: AccountView; payouts: PayoutView[] }) {
  const { say, account, language } = view
  return (
    <section aria-labelledby="earlier">
      <h2 id="earlier">{say(texts.earlier)}</h2>
      {payouts.length === 0 ? (
        <p>{say(texts.none)}</p>
      ) : (
        <ul class="nobullet-list">
          {payouts.map((payout) => {
            const title = say(texts.earlierOf)(kr(payout.amount))
            return (
              <li class="case-item">
                {payout.own ? <a href={`/konto/${account.id}/udbetal/${payout.id}`}>{title}</a> : title}{' '}
                <span class="payout-state">
                  {payout.bankAmount > 0 && <BankBadge view={view} status={payout.status} />}{' '}
                  {payout.status === 'rejected' && `${say(texts.bankNext.rejected)} `}
                  {refundStatesOf(payout).map((state) => (
                    <>
                      <RefundBadge view={view} state={state} />{' '}
                      {state === 'failed' && `${say(texts.refundNext.failed)} `}
                    </>
                  ))}
                </span>
                <span class="case-when">
                  {shortInstant(language, payout.requestedAt ?? payout.createdAt)}
                  {!payout.own && ` · ${say(texts.byOther)}`}
                </span>
              </li>
            )
          })}
        </ul>
      )}
    </section>
  )
}

type BankState = Exclude<PayoutView['status'], 'draft'>
type RefundState = keyof typeof texts.refundStates

const BANK_BADGE: Record<BankState, string> = {
  requested: 'info',
  approved: 'info',
  exported: 'info',
  paid: 'success',
  rejected: 'error',
}
const REFUND_BADGE: Record<RefundState, string> = { underWay: 'info', succeeded: 'success', failed: 'error' }

function refundStateOf({ status }: PayoutRefund): RefundState {
  switch (status) {
    case 'draft':
    case 'wanted':
    case 'pending':
      return 'underWay'
    case 'succeeded':
    case 'failed':
      return status
  }
}

/** In which states the refunds of a payout are, each once. */
const refundStatesOf = ({ refunds }: PayoutView) => [...new Set(refunds.map(refundStateOf))]

function BankBadge({ view, status }: { view: AccountView; status: PayoutView['status'] }) {
  if (status === 'draft') return null
  return <span class={`badge badge-${BANK_BADGE[status]}`}>{view.say(texts.bankStates[status])}</span>
}

function RefundBadge({ view, state }: { view: AccountView; state: RefundState }) {
  return <span class={`badge badge-${REFUND_BADGE[state]}`}>{view.say(texts.refundStates[state])}</span>
}

function RefundNext({ view, state }: { view: AccountView; state: RefundState }) {
  if (state === 'succeeded') return null
  return <span class="movement-when">{view.say(texts.refundNext[state])}</span>
}

/** What was typed, whole, as far as it is used: the account number is the guardian's own. */
function typedOf({ say, account }: AccountView, payout: PayoutView): Fact[] {
  const { amount, bankAmount } = payout
  const details = bankAmount > 0 ? payout.details : null
  return [
    [say(texts.fromAccount), account.child.name],
    [say(texts.amount), kr(amount)],
    [say(texts.name), details?.name ?? null],
    [say(texts.registration), details?.registration ?? null],
    [say(texts.bankAccount), details?.bankAccount ?? null],
    [say(texts.message), details && (details.message || say(texts.noMessage))],
    [say(deposit.mail), payout.mail],
  ]
}

const backTo = ({ method }: PayoutRefund): Both<string> => texts.back[method ?? 'card']

/** What goes back by each way, summed up. */
function backByMethod(refunds: PayoutRefund[]): { label: Both<string>; amount: number }[] {
  return (['card', 'mobilepay'] as const).flatMap((method) => {
    const amount = refunds
      .filter((refund) => (refund.method ?? 'card') === method)
      .reduce((sum, refund) => sum + refund.amount, 0)
    return amount > 0 ? [{ label: texts.back[method], amount }] : []
  })
}

type SummaryProps = { view: AccountView; payout: PayoutView; stale: string | null }

/** Everything that was typed, to be checked before it is confirmed; `stale` says why it can be confirmed no longer. */
export function PayoutSummary({ view, payout, stale }: SummaryProps) {
  const { say, account, settings } = view
  const change = `/konto/${account.id}/udbetal?ret=${payout.id}`
  const toBank = payout.bankAmount > 0
  return (
    <>
      <h1>{say(texts.summaryTitle)}</h1>
      {stale === null ? <p>{say(toBank ? texts.check : texts.checkBack)}</p> : <Notice kind="warning" text={stale} />}
      <Facts
        facts={[
          ...typedOf(view, payout),
          [say(texts.balanceAfter), stale === null ? kr(account.balance - payout.amount) : null],
          [say(texts.dayMax), kr(settings.money.payoutDayMax)],
        ]}
      />
      <section aria-labelledby="divided">
        <h2 id="divided">{say(texts.divided)}</h2>
        <ul class="movements nobullet-list payout-parts">
          {backByMethod(payout.refunds).map(({ label, amount }) => (
            <Part what={say(label)} amount={amount} />
          ))}
          {toBank && <Part what={say(texts.toBank)} amount={payout.bankAmount} />}
        </ul>
        {payout.refunds.length > 0 && (
          <p>
            {say(texts.sameWay)(settings.money.refundDays)} {say(texts.why)}
          </p>
        )}
        <p>{say(toBank ? texts.bankFirst : texts.noneToBank)}</p>
      </section>
      {stale === null && (
        <Form view={view} action={`/konto/${account.id}/udbetal/${payout.id}/bekraeft`}>
          <p>{say(texts.approveHow)}</p>
          <button class="mitid-button" type="submit">
            {say(texts.approve)}
          </button>
        </Form>
      )}
      <Ways>
        <Way href={change} primary={stale !== null}>
          {say(texts.change)}
        </Way>
      </Ways>
    </>
  )
}

function Part({ what, amount, children }: { what: string; amount: number; children?: Child }) {
  return (
    <li>
      <span class="movement-what">
        {what}
        {children}
      </span>
      <span class="movement-amount">{kr(amount)}</span>
    </li>
  )
}

const reasonIn = ({ say }: AccountView, reason: NonNullable<PayoutView['reason']>): string =>
  reason.kind === 'staff' ? reason.words : say(bankReason(reason.code))

/** What has become of a payout that was confirmed, part by part. */
export function PayoutReceipt({ view, payout }: { view: AccountView; payout: PayoutView }) {
  const { say, account, language } = view
  const { status, bankAmount, refunds, reason, requestedAt } = payout
  const failed = refunds.filter((refund) => refund.status === 'failed').reduce((sum, { amount }) => sum + amount, 0)
  const trouble = status === 'rejected' || failed > 0
  return (
    <>
      <h1>{say(texts.receipt)}</h1>
      {!trouble && <Notice kind="success" text={say(texts.received)} />}
      {status === 'rejected' && <Notice kind="warning" text={say(texts.rejected)(kr(bankAmount))} />}
      {failed > 0 && <Notice kind="warning" text={say(texts.refundFailed)(kr(failed))} />}
      <section aria-labelledby="parts">
        <h2 id="parts">{say(texts.parts)}</h2>
        <ul class="movements nobullet-list payout-parts">
          {refunds.map((refund) => (
            <Part what={say(backTo(refund))} amount={refund.amount}>
              <span class="payout-state">
                <RefundBadge view={view} state={refundStateOf(refund)} />
              </span>
              <RefundNext view={view} state={refundStateOf(refund)} />
            </Part>
          ))}
          {bankAmount > 0 && status !== 'draft' && (
            <Part what={say(texts.toBank)} amount={bankAmount}>
              <span class="payout-state">
                <BankBadge view={view} status={status} />
              </span>
              <span class="movement-when">
                {say(texts.bankNext[status])}
                {reason && ` ${say(texts.reason)}: ${reasonIn(view, reason)}`}
              </span>
            </Part>
          )}
        </ul>
      </section>
      <Facts
        facts={[
          ...typedOf(view, payout),
          [say(texts.requestedAt), requestedAt === null ? null : shortInstant(language, requestedAt)],
          [say(common.reference), payout.id],
        ]}
      />
      <Ways>
        {trouble && (
          <Way href={`/konto/${account.id}/udbetal?ret=${payout.id}`} primary>
            {say(texts.again)}
          </Way>
        )}
        <Way href="/konti" primary={!trouble}>
          {say(texts.toAccounts)}
        </Way>
      </Ways>
    </>
  )
}

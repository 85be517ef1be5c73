import type { Child } from 'hono/jsx'
import type { PaymentView } from '../payments/payments.ts'
import type { PublicationText } from '../support/publications.ts'
import { agreement } from '../texts/agreement.ts'
import { deposit as texts } from '../texts/deposit.ts'
import { evenKr, kr, shortInstant } from '../texts/format.ts'
import type { Say } from '../texts/language.ts'
import { payment as common } from '../texts/payment.ts'
import { Acceptance, termsPath } from './acceptance.tsx'
import { type Fact, Facts, Way, Ways } from './facts.tsx'
import { ErrorSummary, Form, Notice, type Typed } from './form.tsx'
import { Message } from './layout.tsx'
import { AmountField, MailField, Next } from './money-fields.tsx'
import type { AccountEnv, GuardianView } from './view.ts'

type AccountView = AccountEnv['Variables']['view']

/** The frame of both tabs: whose account it is, what it holds, and the way to the other tab. */
export function Tabs(props: { view: AccountView; at: 'deposit' | 'agreement'; children: Child }) {
  const { view, at, children } = props
  const { say, account } = view
  const tabs = [
    ['deposit', `/konto/${account.id}/indbetaling`, texts.tab],
    ['agreement', `/konto/${account.id}/optankning`, agreement.tab],
  ] as const
  return (
    <>
      <h1>{say(texts.title)}</h1>
      <p>{say(common.of)(account.child.name, kr(account.balance))}</p>
      <nav class="tab-container" aria-label={say(texts.tabs)}>
        <ul class="tab-list">
          {tabs.map(([tab, href, label]) => (
            <li>
              <a class="tab-button" href={href} {...(tab === at && { 'aria-current': 'page' as const })}>
                <span>{say(label)}</span>
              </a>
            </li>
          ))}
        </ul>
      </nav>
      {children}
    </>
  )
}

/** Indbetal. Without `terms` the municipality has not opened for deposits. */
export function DepositPage(props: { view: AccountView; terms: PublicationText | null; typed: Typed }) {
  const { view, terms, typed } = props
  const { say, account } = view
  return (
    <Tabs view={view} at="deposit">
      <ErrorSummary view={view} typed={typed} />
      <section aria-labelledby="deposit">
        <h2 id="deposit">{say(texts.tab)}</h2>
        {account.child.left ? (
          <Left view={view} text={say(texts.left)(account.child.name)} />
        ) : terms === null ? (
          <Closed view={view} text={say(texts.closed)} />
        ) : (
          <DepositForm view={view} terms={terms} typed={typed} />
        )}
      </section>
    </Tabs>
  )
}

function DepositForm({ view, terms, typed }: { view: AccountView; terms: PublicationText; typed: Typed }) {
  const { say, account, settings } = view
  const { depositMin, depositMax } = settings.money
  return (
    <Form view={view} action={`/konto/${account.id}/indbetaling`} label={say(texts.tab)}>
      <input type="hidden" name="id" value={typed.fields.id} />
      <MailField view={view} typed={typed} hint={say(texts.mailHint)} />
      <AmountField view={view} typed={typed} hint={say(texts.amountHint)(evenKr(depositMin), evenKr(depositMax))} />
      <Acceptance view={view} typed={typed} terms={terms} />
      <p>{say(texts.payAt)}</p>
      <Next view={view} />
    </Form>
  )
}

/** Why nothing can be paid in for a child that has left, and the way to what is in the account. */
export function Left({ view, text }: { view: AccountView; text: string }) {
  return (
    <>
      <Notice kind="info" text={text} />
      <Way href={`/konto/${view.account.id}/udbetal`}>{view.say(common.toPayout)}</Way>
    </>
  )
}

/** That the municipality takes no money here, and whom to ask. */
export function Closed({ view, text }: { view: GuardianView; text: string }) {
  return (
    <>
      <Notice kind="info" text={text} />
      <Way href="/support">{view.say(common.toSupport)}</Way>
    </>
  )
}

type ReceiptProps = { view: AccountView; payment: PaymentView; stale: boolean }

/** What a receipt is called, by where its payment is. */
export function receiptTitle({ say }: GuardianView, { status }: PaymentView): string {
  switch (status) {
    case 'paid':
      return say(texts.receipt)
    case 'waiting':
      return say(common.waitingTitle)
    case 'failed':
    case 'expired':
      return say(common.failedTitle)
    case 'cancelled':
      return say(texts.cancelledTitle)
    case 'mismatch':
      return say(common.mismatchTitle)
  }
}

/** Where a deposit is, as Stripe's page leads back to it. `stale`: Stripe did not answer when it was asked just now. */
export function ReceiptPage({ view, payment, stale }: ReceiptProps) {
  const { say } = view
  const title = receiptTitle(view, payment)
  const own = `/konto/${view.account.id}`
  const facts = <Facts facts={factsOf(view, payment)} />
  switch (payment.status) {
    case 'paid':
      return (
        <>
          <h1>{title}</h1>
          <Notice kind="success" text={say(texts.paid)} />
          {facts}
          <p>{say(texts.mailed)(payment.mail)}</p>
          <Ways>
            <Way href={`${own}/kontoudtog`} primary>
              {say(texts.toStatement)}
            </Way>
            <Way href={`${own}/indbetaling`}>{say(texts.more)}</Way>
          </Ways>
        </>
      )
    case 'waiting':
      return (
        <Message kind="info" title={title} text={say(stale ? texts.stale : texts.waiting)}>
          {facts}
          <Ways>
            <Way href={`${own}/indbetaling/${payment.id}`} primary>
              {say(common.refresh)}
            </Way>
            {payment.address !== null && <Way href={payment.address}>{say(common.goOn)}</Way>}
          </Ways>
        </Message>
      )
    case 'failed':
    case 'expired':
    case 'cancelled':
      return (
        <Message
          kind={payment.status === 'failed' ? 'error' : 'warning'}
          title={title}
          text={say(texts[payment.status])}
        >
          {facts}
          <Ways>
            <Way href={`${own}/indbetaling?igen=${payment.id}`} primary>
              {say(common.again)}
            </Way>
          </Ways>
        </Message>
      )
    case 'mismatch':
      return (
        <Message kind="error" title={title} text={say(texts.mismatch)}>
          {facts}
          <Ways>
            <Way href="/support" primary>
              {say(common.toSupport)}
            </Way>
          </Ways>
        </Message>
      )
  }
}

/** A version of the terms by its name, as people say it: 'da-3' becomes 'Version 3 på dansk'. */
function versionWritten(say: Say, name: string): string {
  const [language, version = ''] = name.split('-')
  return say(texts.termsIn[language === 'en' ? 'en' : 'da'])(version)
}

function factsOf({ say, language, account }: AccountView, payment: PaymentView): Fact[] {
  const { id, amount, method, terms, status, createdAt, settledAt, balanceAfter } = payment
  const paid = status === 'paid' && settledAt !== null
  return [
    [say(common.account), account.child.name],
    [say(texts.amount), kr(amount)],
    [say(texts.method), method === null ? null : say(texts.methods[method])],
    paid
      ? [say(texts.paidAt), shortInstant(language, settledAt)]
      : [say(texts.begunAt), shortInstant(language, createdAt)],
    [say(texts.balanceAfter), balanceAfter === null ? null : kr(balanceAfter)],
    [say(texts.terms), <a href={termsPath(terms)}>{versionWritten(say, terms)}</a>],
    [say(common.reference), id],
  ]
}

import { type AgreementView, monthOf, topUpBounds } from '../payments/agreements.ts'
import type { PublicationText } from '../support/publications.ts'
import { agreement as texts } from '../texts/agreement.ts'
import { evenKr, kr, longDay, shortInstant } from '../texts/format.ts'
import { payment as common } from '../texts/payment.ts'
import { Acceptance } from './acceptance.tsx'
import { Closed, Left, Tabs } from './deposit.tsx'
import { type Fact, Facts, Way, Ways } from './facts.tsx'
import { ErrorSummary, Form, Notice, type Typed } from './form.tsx'
import { AmountField, MailField, Next } from './money-fields.tsx'
import type { AccountEnv } from './view.ts'

type AccountView = AccountEnv['Variables']['view']

/** What has just been done, or has not, on this page or at Stripe. */
export type Done = keyof typeof texts.done

const UNDONE: ReadonlySet<Done> = new Set(['interrupted', 'changeInterrupted'])

type State = keyof typeof texts.states

const BADGE: Record<State, string> = { settingUp: 'info', waiting: 'info', active: 'success', paused: 'warning' }

/**
 * What the account has: `own` is the guardian's agreement that stands, or is being set up; `others` says that another
 * guardian has one. `terms` is null where the municipality has not opened for agreements.
 */
export type Found = { own: AgreementView | null; others: boolean; terms: PublicationText | null }

type Props = { view: AccountView; found: Found; typed: Typed; done: Done | null; now: number }

/** Automatisk optankning: the agreement as it is, or the form of a new one. */
export function AgreementPage({ view, found, typed, done, now }: Props) {
  const { say, account } = view
  const { own, others, terms } = found
  return (
    <Tabs view={view} at="agreement">
      {done && <Notice kind={UNDONE.has(done) ? 'info' : 'success'} text={say(texts.done[done])} />}
      <ErrorSummary view={view} typed={typed} />
      <section aria-labelledby="agreement">
        <h2 id="agreement">{say(own ? texts.heading : texts.tab)}</h2>
        {own ? (
          <Own view={view} own={own} now={now} />
        ) : others ? (
          <Notice kind="info" text={say(texts.others)} />
        ) : account.child.left ? (
          <Left view={view} text={say(texts.left)(account.child.name)} />
        ) : terms === null ? (
          <Closed view={view} text={say(texts.closed)} />
        ) : (
          <AgreementForm view={view} terms={terms} typed={typed} />
        )}
      </section>
    </Tabs>
  )
}

function AgreementForm({ view, terms, typed }: { view: AccountView; terms: PublicationText; typed: Typed }) {
  const { say, account, settings } = view
  const { topUpThreshold, topUpActivation, topUpsPerDay } = settings.money
  const { least, most } = topUpBounds(settings.money)
  const threshold = evenKr(topUpThreshold)
  return (
    <>
      <p>{say(texts.intro)(threshold)}</p>
      <p>{say(texts.rule)(evenKr(topUpActivation), kr(account.balance))}</p>
      <Form view={view} action={`/konto/${account.id}/optankning`} label={say(texts.tab)}>
        <input type="hidden" name="id" value={typed.fields.id} />
        <MailField view={view} typed={typed} hint={say(texts.mailHint)} />
        <AmountField view={view} typed={typed} hint={say(texts.amountHint)(threshold, evenKr(least), evenKr(most))} />
        <Acceptance view={view} typed={typed} terms={terms} />
        <h3>{say(texts.consentTitle)}</h3>
        <p>{say(texts.consentForm)({ municipality: settings.name, threshold, perDay: topUpsPerDay })}</p>
        <p>{say(texts.logInAgain)}</p>
        <Next view={view} />
      </Form>
    </>
  )
}

function stateOf({ status }: AgreementView): State | null {
  switch (status) {
    case 'draft':
    case 'setting_up':
      return 'settingUp'
    case 'waiting':
    case 'active':
    case 'paused':
      return status
    case 'cancelled':
    case 'abandoned':
      return null
  }
}

function Own({ view, own, now }: { view: AccountView; own: AgreementView; now: number }) {
  const { say, account } = view
  const state = stateOf(own)
  const expiring = own.card !== null && own.pausedFor === null && own.card.expires <= monthOf(now + MONTH_MS)
  return (
    <>
      {state === 'waiting' && (
        <Notice kind="info" text={say(texts.waiting)(evenKr(own.activation), kr(account.balance))} />
      )}
      {state === 'settingUp' && <Notice kind="info" text={say(texts.settingUp)} />}
      {state === 'active' && <p>{say(texts.active)(kr(own.amount), evenKr(own.threshold))}</p>}
      {own.pausedFor && (
        <Notice kind="warning" text={`${say(texts.pausedFor[own.pausedFor])} ${say(texts.notCharged)}`} />
      )}
      {own.nextTry !== null && (
        <Notice kind="warning" text={say(texts.retrying)(shortInstant(view.language, own.nextTry))} />
      )}
      {own.charging && <Notice kind="info" text={say(texts.charging)} />}
      {own.card && expiring && <Notice kind="warning" text={say(texts.expiring)(monthWritten(own.card.expires))} />}
      <Facts facts={factsOf(view, own, state)} />
      <Deeds view={view} own={own} state={state} />
    </>
  )
}

/** How long before a card's last month has begun its end is told. */
const MONTH_MS = 31 * 86_400_000

/** '2027-09' as it stands on a card: '09/2027'. */
const monthWritten = (month: string) => month.split('-').reverse().join('/')

/** A brand as Stripe spells it, as people do: 'visa' becomes 'Visa'. */
const brandWritten = (brand: string) => brand.charAt(0).toUpperCase() + brand.slice(1)

function factsOf({ say, language }: AccountView, own: AgreementView, state: State | null): Fact[] {
  const { card, latest } = own
  const badge = state && <span class={`badge badge-${BADGE[state]}`}>{say(texts.states[state])}</span>
  const latestIs = latest
    ? say(texts.latestIs)(kr(latest.amount), shortInstant(language, latest.at))
    : say(texts.latestNone)
  return [
    [say(texts.state), badge],
    [say(texts.amountOf), kr(own.amount)],
    [say(texts.thresholdOf), evenKr(own.threshold)],
    [say(texts.perDayOf), say(texts.perDayIs)(own.perDay)],
    [say(texts.card), card && say(texts.cardIs)(brandWritten(card.brand), card.last4)],
    [say(texts.expires), card && monthWritten(card.expires)],
    [say(texts.latest), card && latestIs],
    [say(texts.mail), own.mail],
    [say(texts.madeAt), longDay(language, own.createdAt)],
  ]
}

function Deeds({ view, own, state }: { view: AccountView; own: AgreementView; state: State | null }) {
  const { say, account } = view
  const at = `/konto/${account.id}/optankning/${own.id}`
  const unfinished = state === 'settingUp'
  return (
    <>
      {unfinished && (
        <Ways>
          <Way href={at} primary>
            {say(common.refresh)}
          </Way>
          {own.address !== null && <Way href={own.address}>{say(texts.goOn)}</Way>}
        </Ways>
      )}
      {state === 'waiting' && (
        <Ways>
          <Way href={`/konto/${account.id}/indbetaling`} primary>
            {say(texts.payIn)}
          </Way>
        </Ways>
      )}
      {own.pausedFor === 'declined' && (
        <Form view={view} action={`${at}/genoptag`}>
          <button class="button button-primary" type="submit">
            {say(texts.resume)}
          </button>
        </Form>
      )}
      {!unfinished && (
        <Form view={view} action={`${at}/kort`}>
          <button
            class={`button ${own.pausedFor !== null && own.pausedFor !== 'declined' ? 'button-primary' : 'button-secondary'}`}
            type="submit"
            aria-describedby="change-card"
          >
            {say(texts.changeCard)}
          </button>
          <p class="form-hint" id="change-card">
            {say(texts.changeCardHow)}
          </p>
        </Form>
      )}
      <details class="details">
        <summary class="details-summary">{say(unfinished ? texts.cancelNow : texts.cancel)}</summary>
        <div class="details-text">
          <p>{say(unfinished ? texts.cancelNowSure : texts.cancelSure)}</p>
          <Form view={view} action={`${at}/annuller`}>
            <button class="button button-warning" type="submit">
              {say(texts.cancelYes)}
            </button>
          </Form>
        </div>
      </details>
    </>
  )
}

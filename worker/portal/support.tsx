import type { CaseSummary, CaseView } from '../support/cases.ts'
import { shortInstant } from '../texts/format.ts'
import type { Say } from '../texts/language.ts'
import { support as texts } from '../texts/support.ts'
import { Checkbox, Choice, ErrorSummary, Field, Form, Notice, type Typed } from './form.tsx'
import { Reach } from './reach.tsx'
import type { GuardianView } from './view.ts'

/** What has just been done in a case. */
export type Done = 'opened' | 'replied'

type State = keyof typeof texts.states

const BADGE: Record<State, string> = { waiting: 'info', answered: 'success', closed: 'neutral' }

function stateOf({ closedAt, answered }: CaseSummary): State {
  if (closedAt !== null) return 'closed'
  return answered ? 'answered' : 'waiting'
}

/** Where a case stands, as a badge that says it in words. */
function StateBadge({ say, of }: { say: Say; of: CaseSummary }) {
  const state = stateOf(of)
  return <span class={`badge badge-${BADGE[state]}`}>{say(texts.states[state])}</span>
}

/** The guardian's cases, the newest first, how else to reach support, and the form of a new case. */
export function SupportPage({ view, cases, typed }: { view: GuardianView; cases: CaseSummary[]; typed: Typed }) {
  const { say, language } = view
  return (
    <>
      <h1>{say(texts.title)}</h1>
      <ErrorSummary view={view} typed={typed} />
      <p>{say(texts.intro)}</p>
      <Reach view={view} />
      <section aria-labelledby="cases">
        <h2 id="cases">{say(texts.cases)}</h2>
        {cases.length === 0 ? (
          <p>{say(texts.none)}</p>
        ) : (
          <ul class="nobullet-list">
            {cases.map((one) => (
              <li class="case-item">
                <a class="case-link" href={`/support/${one.id}`}>
                  {one.subject}
                </a>{' '}
                <StateBadge say={say} of={one} />
                <span class="case-when">{say(texts.latest)(shortInstant(language, one.lastAt))}</span>
              </li>
            ))}
          </ul>
        )}
      </section>
      <Opening view={view} typed={typed} />
    </>
  )
}

function Opening({ view, typed }: { view: GuardianView; typed: Typed }) {
  const { say, visit } = view
  return (
    <section aria-labelledby="opening">
      <h2 id="opening">{say(texts.opening)}</h2>
      <p>{say(texts.openingHint)}</p>
      <Form view={view} action="/support">
        <input type="hidden" name="id" value={typed.fields.id} />
        <input type="hidden" name="message" value={typed.fields.message} />
        <Field
          typed={typed}
          name="subject"
          label={say(texts.subject)}
          hint={say(texts.subjectHint)}
          autocomplete="off"
        />
        <Choice
          typed={typed}
          name="account"
          label={say(texts.account)}
          options={[
            ...visit.accounts.map(({ id, child }): [string, string] => [String(id), child.name]),
            ['', say(texts.accountNone)],
          ]}
        />
        <Field typed={typed} name="text" label={say(texts.text)} hint={say(texts.textHint)} rows={8} />
        <Field
          typed={typed}
          name="phone"
          label={say(texts.phoneField)}
          hint={say(texts.phoneHint)}
          type="tel"
          inputmode="tel"
          autocomplete="tel"
        />
        <Checkbox typed={typed} name="callWanted" label={say(texts.call)} />
        <button class="button button-primary" type="submit">
          {say(texts.open)}
        </button>
      </Form>
    </section>
  )
}

type CaseProps = { view: GuardianView; found: CaseView; typed: Typed; done: Done | null }

/** One case: the question, the answers as they come, and the form to write more. */
export function CasePage({ view, found, typed, done }: CaseProps) {
  const { say, visit, language } = view
  const account = visit.accounts.find(({ id }) => id === found.account)
  return (
    <>
      <h1 class="case-subject">{found.subject}</h1>
      {done && (
        <Notice
          kind="success"
          text={`${say(texts[done])} ${say(visit.guardian.mail === null ? texts.noMail : texts.mailComes)}`}
        />
      )}
      <ErrorSummary view={view} typed={typed} />
      <dl class="case-facts">
        <div>
          <dt>{say(texts.state)}</dt>
          <dd>
            <StateBadge say={say} of={found} />
          </dd>
        </div>
        {account && (
          <div>
            <dt>{say(texts.about)}</dt>
            <dd>{account.child.name}</dd>
          </div>
        )}
        {found.phone !== null && (
          <div>
            <dt>{say(found.callWanted ? texts.call : texts.phoneField)}</dt>
            <dd>{found.phone}</dd>
          </div>
        )}
      </dl>
      <section aria-labelledby="messages">
        <h2 id="messages">{say(texts.messages)}</h2>
        <ol class="case-messages nobullet-list">
          {found.messages.map(({ from, text, at }) => (
            <li class={`case-message case-message-${from}`}>
              <p class="case-from">
                <strong>{say(texts.from[from])}</strong> <span class="case-when">{shortInstant(language, at)}</span>
              </p>
              <p class="case-text">{text}</p>
            </li>
          ))}
        </ol>
      </section>
      <section aria-labelledby="reply">
        <h2 id="reply">{say(texts.reply)}</h2>
        {found.closedAt !== null && <p>{say(texts.replyClosed)}</p>}
        <Form view={view} action={`/support/${found.id}`}>
          <input type="hidden" name="id" value={typed.fields.id} />
          <Field typed={typed} name="text" label={say(texts.replyText)} hint={say(texts.textHint)} rows={6} />
          <button class="button button-primary" type="submit">
            {say(texts.send)}
          </button>
        </Form>
      </section>
      <p>
        <a href="/support">{say(texts.back)}</a>
      </p>
    </>
  )
}

import type { CardStatus } from '../../shared/wire.ts'
import type { Waiting } from '../cards/order-views.ts'
import type { GuardedAccount } from '../login/sessions.ts'
import type { StatementLine } from '../statements/statements.ts'
import { accounts as texts } from '../texts/accounts.ts'
import { firstName, kr, shortInstant } from '../texts/format.ts'
import type { Say } from '../texts/language.ts'
import { statement } from '../texts/statement.ts'
import { Notice } from './form.tsx'
import { Message } from './layout.tsx'
import { WaitingNotice } from './ordered-card.tsx'
import { boughtWhen, goods } from './statement-line.ts'
import type { GuardianView } from './view.ts'

const BADGE: Record<CardStatus, string> = { active: 'success', blocked: 'warning', closed: 'info' }

/** A card's status, as a badge that says it in words too. */
export function StatusBadge({ say, status }: { say: Say; status: CardStatus }) {
  return <span class={`badge badge-${BADGE[status]}`}>{say(texts.status[status])}</span>
}

type Props = { view: GuardianView; latest: StatementLine[][]; waiting: Waiting[] }

/**
 * Every account of the guardian with its newest movements, and what they have to decide; `latest` is in the order of the
 * accounts.
 */
export function AccountsPage({ view, latest, waiting }: Props) {
  const { say, visit } = view
  if (visit.accounts.length === 0) return <NoAccounts view={view} />
  return (
    <>
      <h1>{say(texts.title)}</h1>
      <p>{say(texts.intro)}</p>
      {visit.accounts.map((account, index) => (
        <AccountCard
          view={view}
          account={account}
          latest={latest[index] ?? []}
          order={waiting.find((order) => order.account === account.id) ?? null}
        />
      ))}
    </>
  )
}

function AccountCard({
  view,
  account,
  latest,
  order,
}: {
  view: GuardianView
  account: GuardedAccount
  latest: StatementLine[]
  order: Waiting | null
}) {
  const { say, language } = view
  const { id, child, balance, dailyLimit, spentToday, cards } = account
  return (
    <section class="account" aria-labelledby={`account-${id}`}>
      <div class="account-head">
        <h2 id={`account-${id}`}>{child.name}</h2>
        <p class="account-balance">
          <span class="account-label">{say(texts.balance)}</span> <strong>{kr(balance)}</strong>
        </p>
      </div>
      {child.left && <Notice kind="info" text={say(texts.left)(firstName(child.name))} />}
      {order && <WaitingNotice view={view} order={order} />}
      <dl class="account-facts">
        <div>
          <dt>{say(texts.cards)}</dt>
          {cards.length === 0 && <dd>{say(texts.noCard)}</dd>}
          {cards.map((card) => (
            <dd>
              {say(texts.card)(card.id)} <StatusBadge say={say} status={card.status} />
            </dd>
          ))}
        </div>
        <div>
          <dt>{say(texts.spentToday)}</dt>
          <dd>{dailyLimit === null ? kr(spentToday) : say(texts.spentOf)(kr(spentToday), kr(dailyLimit))}</dd>
        </div>
      </dl>
      <h3>{say(texts.latest)}</h3>
      {latest.length === 0 ? (
        <p>{say(texts.none)}</p>
      ) : (
        <ul class="movements nobullet-list no-max-width">
          {latest.map((line) => (
            <li>
              <span class="movement-what">
                {whatOf(line, say)}
                <span class="movement-when">
                  {boughtWhen(line, language, say) || shortInstant(language, line.at)}
                  {line.site && ` · ${line.site}`}
                </span>
              </span>
              <span class="movement-amount">{kr(line.amount)}</span>
            </li>
          ))}
        </ul>
      )}
      <p class="account-links">
        {!child.left && (
          <a class="button button-primary" href={`/konto/${id}/indbetaling`} aria-describedby={`account-${id}`}>
            {say(texts.deposit)}
          </a>
        )}
        <a class="button button-secondary" href={`/konto/${id}/udbetal`} aria-describedby={`account-${id}`}>
          {say(texts.payout)}
        </a>
        <a class="button button-secondary" href={`/konto/${id}/kontoudtog`}>
          {say(texts.statementOf)(firstName(child.name))}
        </a>
        <a class="button button-secondary" href={`/konto/${id}/brugerinfo`}>
          {say(texts.profileOf)(firstName(child.name))}
        </a>
      </p>
    </section>
  )
}

/** What a movement was, in one line. A refund's reason alone would not say that it is one. */
function whatOf(line: StatementLine, say: Say): string {
  const { kind, reason } = line
  if (kind === 'purchase') return goods(line, say)
  const name = say(statement.kinds[kind])
  if (reason === null) return name
  return kind === 'sale_refund' ? `${name}: ${reason}` : reason
}

/** What a person without children sees: what to do about it. */
function NoAccounts({ view }: { view: GuardianView }) {
  const { say, visit } = view
  const [why, remedy] = visit.guardian.hasCpr ? [texts.noChildren, texts.noChildrenDo] : [texts.noCpr, texts.noCprDo]
  return (
    <Message kind="info" title={say(texts.noneTitle)} text={say(why)}>
      <p>{say(remedy)}</p>
      <a class="button button-primary" href="/support">
        {say(texts.writeSupport)}
      </a>
    </Message>
  )
}

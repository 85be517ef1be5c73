import { ProductCategory } from '../../shared/office/products.ts'
import type { ClosedCategory } from '../cards/closed-categories.ts'
import { isUnderWay, type OrderView } from '../cards/order-views.ts'
import type { GuardedAccount, Guardian } from '../login/sessions.ts'
import type { ToldTerminal } from '../terminals/terminals.ts'
import { cardOrder } from '../texts/card-order.ts'
import { amountField, kr, longDay, shortInstant } from '../texts/format.ts'
import type { Say } from '../texts/language.ts'
import { profile as texts } from '../texts/profile.ts'
import { statement } from '../texts/statement.ts'
import { StatusBadge } from './accounts.tsx'
import { Contact, storedContact } from './contact.tsx'
import { ErrorSummary, Field, Form, Notice, type Typed } from './form.tsx'
import { OrderList } from './ordered-card.tsx'
import type { GuardianView } from './view.ts'

/** What has just been done on this page. */
export type Done = 'blocked' | 'activated' | 'limitSaved' | 'aboutSaved' | 'categoryHasClosed' | 'categoryHasOpened'

type Props = {
  view: GuardianView & { account: GuardedAccount }
  terminals: ToldTerminal[]
  orders: OrderView[]
  closed: ClosedCategory[]
  typed: Typed
  done: Done | null
}

/** The fields of the page as they are stored. */
export function stored(account: GuardedAccount, guardian: Guardian): Record<string, string> {
  const limit = account.dailyLimit === null ? '' : amountField(account.dailyLimit)
  return { limit, ...storedContact(guardian) }
}

export function ProfilePage({ view, terminals, orders, closed, typed, done }: Props) {
  const { say, account } = view
  return (
    <>
      <h1>{say(texts.title)}</h1>
      <p>{say(texts.editing)(account.child.name)}</p>
      {done && <Notice kind="success" text={say(texts[done])} />}
      <ErrorSummary view={view} typed={typed} />
      <Cards view={view} terminals={terminals} orders={orders} />
      <Limit view={view} typed={typed} />
      <Categories view={view} closed={closed} />
      <Contact view={view} typed={typed} />
    </>
  )
}

function Cards({ view, terminals, orders }: Pick<Props, 'view' | 'terminals' | 'orders'>) {
  const { say, account, language } = view
  const { left } = account.child
  const underWay = orders.some(isUnderWay)
  const verbs = { active: ['spaer', texts.block], blocked: ['aktiver', texts.activate] } as const
  return (
    <section aria-labelledby="cards">
      <h2 id="cards">{say(texts.cards)}</h2>
      {left && <Frozen view={view} />}
      {account.cards.length === 0 && <p>{say(texts.noCard)}</p>}
      {account.cards.map((card) => {
        const verb = card.status === 'closed' || left ? null : verbs[card.status]
        return (
          <div class="card-row-portal">
            <p>
              <strong>{say(texts.card)(card.id)}</strong> <StatusBadge say={say} status={card.status} />
              <br />
              {say(texts.since)(longDay(language, card.createdAt))}
            </p>
            {verb && (
              <Form view={view} action={`/konto/${account.id}/kort/${card.id}/${verb[0]}`}>
                <button
                  class={`button ${card.status === 'active' ? 'button-warning' : 'button-primary'}`}
                  type="submit"
                >
                  {say(verb[1])}
                </button>
              </Form>
            )}
            {card.status === 'blocked' && !left && <Told view={view} terminals={terminals} version={card.version} />}
          </div>
        )
      })}
      {!left && account.cards.length > 0 && <Notice kind="info" text={say(texts.advice)} />}
      {!left && !underWay && account.cards.length > 0 && (
        <a class="button button-secondary" href={`/konto/${account.id}/nyt-kort`}>
          {say(cardOrder.title)}
        </a>
      )}
      <OrderList view={view} orders={orders} />
    </section>
  )
}

/** That the child has left, why its cards are blocked, and the way to what the account holds. */
function Frozen({ view }: Pick<Props, 'view'>) {
  const { say, account } = view
  return (
    <>
      <Notice kind="info" text={say(texts.frozen)(account.child.name, kr(account.balance))} />
      <p>
        <a class="button button-secondary" href={`/konto/${account.id}/udbetal`}>
          {say(texts.payOut)}
        </a>
      </p>
    </>
  )
}

function tillsTold(say: Say, told: number, all: number): string {
  if (all === 0) return say(texts.tillsNone)
  if (all === 1) return say(texts.tillsOnly)(told === 1)
  return told === all ? say(texts.tillsAll)(all) : say(texts.tillsSome)(told, all)
}

/** Which terminals hold a card list with the block in it. Online they ask anyway; offline they go by their list. */
function Told({ view, terminals, version }: Pick<Props, 'view' | 'terminals'> & { version: number }) {
  const { say, language } = view
  const knows = ({ cardListVersion }: ToldTerminal) => (cardListVersion ?? 0) >= version
  const told = terminals.filter(knows).length
  const all = terminals.length
  return (
    <details class="details">
      <summary class="details-summary">{tillsTold(say, told, all)}</summary>
      <div class="details-text">
        <ul class="nobullet-list">
          {terminals.map((terminal) => (
            <li>
              <strong>
                {terminal.site}, {terminal.name}:
              </strong>{' '}
              {say(knows(terminal) ? texts.told : texts.notYetTold)}
              <br />
              {say(texts.listed)}:{' '}
              {terminal.listedAt === null ? say(texts.never) : shortInstant(language, terminal.listedAt)}
            </li>
          ))}
        </ul>
      </div>
    </details>
  )
}

function Limit({ view, typed }: Pick<Props, 'view' | 'typed'>) {
  const { say, account } = view
  return (
    <section aria-labelledby="limit-title">
      <h2 id="limit-title">{say(texts.limit)}</h2>
      <p>{account.dailyLimit === null ? say(texts.limitNone) : say(texts.limitNow)(kr(account.dailyLimit))}</p>
      <Form view={view} action={`/konto/${account.id}/maks-forbrug`}>
        <Field
          typed={typed}
          name="limit"
          label={say(texts.limitField)}
          hint={say(texts.limitHint)}
          inputmode="decimal"
          autocomplete="off"
          suffix="kr."
        />
        <button class="button button-primary" type="submit">
          {say(texts.save)}
        </button>
      </Form>
    </section>
  )
}

/** What may be bought: each kind of item with its switch. */
function Categories({ view, closed }: Pick<Props, 'view' | 'closed'>) {
  const { say, account, language } = view
  return (
    <section aria-labelledby="categories">
      <h2 id="categories">{say(texts.categories)}</h2>
      <p>{say(texts.categoriesIntro)}</p>
      <p>{say(texts.categoriesLimits)}</p>
      <ul class="nobullet-list">
        {ProductCategory.options.map((category) => {
          const name = say(statement.categories[category])
          const since = closed.find((each) => each.category === category)?.closedAt
          const [verb, label] =
            since === undefined ? ['luk', texts.closeCategory] : (['aabn', texts.openCategory] as const)
          return (
            <li class="card-row-portal">
              <p>
                <strong>{name}</strong>
                <br />
                {since === undefined ? say(texts.categoryOpen) : say(texts.categoryClosed)(longDay(language, since))}
              </p>
              <Form view={view} action={`/konto/${account.id}/varegrupper/${category}/${verb}`}>
                <button class="button button-secondary" type="submit">
                  {say(label)(name)}
                </button>
              </Form>
            </li>
          )
        })}
      </ul>
    </section>
  )
}

import type { CardStatus, Language } from '../shared/wire.ts'
import { latestQuery, type StatementRow, statementLine } from './statements.ts'
import { type Viewing, viewedAmong, viewingOf, viewingsQuery } from './viewings.ts'

/** How many movements of one account are disclosed, the newest: more than a child makes in all its school years. */
export const MOVEMENTS_MAX = 20_000

/** What is stored about a guardian and their children, for the guardian to keep. Amounts in øre, instants ISO 8601. */
export type Disclosure = {
  madeAt: string
  guardian: {
    issuer: string
    subject: string
    name: string | null
    cprKnown: boolean
    language: Language
    mail: string | null
    notifications: { balanceBelowOre: number | null; eachPurchase: boolean; weekly: boolean }
    createdAt: string
    lastLogInAt: string
  }
  sessions: { startedAt: string; lastSeenAt: string; endedAt: string | null }[]
  children: DisclosedChild[]
  cases: {
    id: string
    subject: string
    account: number | null
    phone: string | null
    callWanted: boolean
    openedAt: string
    closedAt: string | null
    messages: { from: 'you' | 'support'; at: string; text: string }[]
  }[]
  mails: { kind: string; writtenAt: string; sentAt: string | null; givenUpAt: string | null }[]
  deeds: { at: string; action: string; subject: string; detail: unknown }[]
}

/** `movements` are the newest first; `movementsComplete` is false where older ones were left out. */
export type DisclosedChild = {
  id: number
  name: string
  createdAt: string
  yoursSince: string
  account: {
    id: number
    dailyLimitOre: number | null
    cards: { id: number; status: CardStatus; createdAt: string }[]
    movements: DisclosedMovement[]
    movementsComplete: boolean
  }
  viewings: { day: string; who: Viewing['who']; lastAt: string }[]
}

export type DisclosedMovement = {
  number: number
  id: string
  kind: string
  at: string
  day: string
  amountOre: number
  balanceOre: number
  site: string | null
  items: { name: string | null; quantity: number; priceOre: number }[]
  reason: string | null
}

type GuardianRow = Omit<Disclosure['guardian'], 'notifications' | 'cprKnown' | 'createdAt' | 'lastLogInAt'> & {
  cprKnown: 0 | 1
  tellBelow: number | null
  tellPurchases: 0 | 1
  tellWeekly: 0 | 1
  createdAt: number
  loggedInAt: number
}
type ChildRow = {
  id: number
  name: string
  createdAt: number
  since: number
  account: number
  dailyLimit: number | null
  cards: string
}
type CaseRow = {
  id: string
  subject: string
  account: number | null
  phone: string | null
  callWanted: 0 | 1
  createdAt: number
  closedAt: number | null
  messages: string
}
type SessionRow = { createdAt: number; seenAt: number; endedAt: number | null }
type MailRow = { kind: string; createdAt: number; sentAt: number | null; givenUpAt: number | null }
type DeedRow = { at: number; action: string; subject: string; detail: string | null }

const OWN_CHILDREN = `guardian
JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
JOIN child ON child.id = guardianship.child`

const CHILDREN = `
SELECT child.id, child.name, child.created_at AS createdAt, guardianship.created_at AS since,
  account.id AS account, account.daily_limit AS dailyLimit,
  (SELECT json_group_array(json_object('id', id, 'status', status, 'createdAt', created_at))
   FROM card WHERE card.account = account.id) AS cards
FROM ${OWN_CHILDREN} JOIN account ON account.child = child.id
WHERE guardian.id = ? ORDER BY child.name, child.id`

const CASES = `
SELECT id, subject, account, phone, call_wanted AS callWanted, created_at AS createdAt, closed_at AS closedAt,
  (SELECT json_group_array(json_object('from', iif(staff IS NULL, 'you', 'support'), 'at', at, 'text', text))
   FROM (SELECT * FROM case_message WHERE "case" = support_case.id ORDER BY rowid)) AS messages
FROM support_case WHERE guardian = ? ORDER BY created_at, rowid`

const iso = (atMs: number) => new Date(atMs).toISOString()
const isoOrNull = (atMs: number | null) => (atMs === null ? null : iso(atMs))

/**
 * Reads what is stored about a guardian and the children that are theirs now, in one round trip, and records that they
 * looked. `accounts` are those whose movements are wanted; of an account that is not theirs nothing is disclosed.
 */
export async function disclosure(
  db: D1Database,
  { guardian, accounts }: { guardian: number; accounts: readonly number[] },
  nowMs: number,
): Promise<Disclosure> {
  const about = (sql: string) => db.prepare(sql).bind(guardian)
  const ownChildren = { children: `SELECT child.id FROM ${OWN_CHILDREN} WHERE guardian.id = ?`, bind: [guardian] }
  const [, guardians, sessions, children, cases, mails, deeds, viewings, ...movements] = await db.batch([
    viewedAmong(db, ownChildren, { guardian }, nowMs),
    about(
      `SELECT issuer, subject, name, cpr_hash IS NOT NULL AS cprKnown, language, mail, tell_below AS tellBelow,
         tell_purchases AS tellPurchases, tell_weekly AS tellWeekly, created_at AS createdAt, logged_in_at AS loggedInAt
       FROM guardian WHERE id = ?`,
    ),
    about(
      `SELECT created_at AS createdAt, seen_at AS seenAt, ended_at AS endedAt FROM session
       WHERE guardian = ? ORDER BY created_at`,
    ),
    about(CHILDREN),
    about(CASES),
    about(
      `SELECT kind, created_at AS createdAt, sent_at AS sentAt, given_up_at AS givenUpAt FROM outbox
       WHERE guardian = ? ORDER BY id`,
    ),
    about('SELECT at, action, subject, detail FROM audit WHERE guardian = ? ORDER BY id'),
    viewingsQuery(db, guardian, 'all'),
    ...accounts.map((account) => latestQuery(db, account, MOVEMENTS_MAX + 1)),
  ])
  const row = guardians?.results[0] as GuardianRow | undefined
  if (!row) throw new Error('a guardian is logged in and is not there')
  const rowsOf = (account: number) => (movements[accounts.indexOf(account)]?.results ?? []) as StatementRow[]
  const seen = (viewings?.results ?? []).map(viewingOf)
  return {
    madeAt: iso(nowMs),
    guardian: disclosedGuardian(row),
    sessions: ((sessions?.results ?? []) as SessionRow[]).map(({ createdAt, seenAt, endedAt }) => ({
      startedAt: iso(createdAt),
      lastSeenAt: iso(seenAt),
      endedAt: isoOrNull(endedAt),
    })),
    children: ((children?.results ?? []) as ChildRow[]).map((child) => ({
      ...disclosedChild(child, rowsOf(child.account)),
      viewings: seen
        .filter((viewing) => viewing.child.id === child.id)
        .map(({ day, who, lastAt }) => ({ day, who, lastAt: iso(lastAt) })),
    })),
    cases: ((cases?.results ?? []) as CaseRow[]).map(disclosedCase),
    mails: ((mails?.results ?? []) as MailRow[]).map(({ kind, createdAt, sentAt, givenUpAt }) => ({
      kind,
      writtenAt: iso(createdAt),
      sentAt: isoOrNull(sentAt),
      givenUpAt: isoOrNull(givenUpAt),
    })),
    deeds: ((deeds?.results ?? []) as DeedRow[]).map(({ at, detail, ...deed }) => ({
      at: iso(at),
      ...deed,
      detail: detail === null ? null : JSON.parse(detail),
    })),
  }
}

function disclosedGuardian(row: GuardianRow): Disclosure['guardian'] {
  const { cprKnown, tellBelow, tellPurchases, tellWeekly, createdAt, loggedInAt, ...guardian } = row
  return {
    ...guardian,
    cprKnown: cprKnown === 1,
    notifications: { balanceBelowOre: tellBelow, eachPurchase: tellPurchases === 1, weekly: tellWeekly === 1 },
    createdAt: iso(createdAt),
    lastLogInAt: iso(loggedInAt),
  }
}

function disclosedChild(child: ChildRow, rows: StatementRow[]): Omit<DisclosedChild, 'viewings'> {
  const cards = JSON.parse(child.cards) as { id: number; status: CardStatus; createdAt: number }[]
  return {
    id: child.id,
    name: child.name,
    createdAt: iso(child.createdAt),
    yoursSince: iso(child.since),
    account: {
      id: child.account,
      dailyLimitOre: child.dailyLimit,
      cards: cards.map((card) => ({ ...card, createdAt: iso(card.createdAt) })),
      movements: rows.slice(0, MOVEMENTS_MAX).map(disclosedMovement),
      movementsComplete: rows.length <= MOVEMENTS_MAX,
    },
  }
}

function disclosedMovement(row: StatementRow): DisclosedMovement {
  const { seq, transfer, kind, at, day, amount, balance, site, items, reason } = statementLine(row)
  return {
    number: seq,
    id: transfer,
    kind,
    at: iso(at),
    day,
    amountOre: amount,
    balanceOre: balance,
    site,
    items: items.map(({ name, quantity, price }) => ({ name, quantity, priceOre: price })),
    reason,
  }
}

function disclosedCase({ createdAt, closedAt, callWanted, messages, ...row }: CaseRow): Disclosure['cases'][number] {
  const said = JSON.parse(messages) as { from: 'you' | 'support'; at: number; text: string }[]
  return {
    ...row,
    callWanted: callWanted === 1,
    openedAt: iso(createdAt),
    closedAt: isoOrNull(closedAt),
    messages: said.map((message) => ({ ...message, at: iso(message.at) })),
  }
}

import type { CardStatus, Language } from '../../shared/wire.ts'
import type { ClosedCategory } from '../cards/closed-categories.ts'
import { latestQuery, type StatementRow, statementLine } from '../statements/statements.ts'
import { type DisclosedMoney, disclosedMoney, MONEY_QUERIES, moneyQueries } from './disclosed-money.ts'
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
  sessions: { startedAt: string; lastSeenAt: string; endedAt: string | null; draft: unknown }[]
  children: DisclosedChild[]
  formerChildren: { id: number; since: string; until: string }[]
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
  mails: DisclosedMail[]
  money: DisclosedMoney
  deeds: { at: string; action: string; subject: string; detail: unknown }[]
}

/** A letter's `data` is what its words are made of: null until it has been sent, since only then it is the guardian's. */
type DisclosedMail = {
  kind: string
  to: string
  data: unknown
  writtenAt: string
  sentAt: string | null
  givenUpAt: string | null
}

/**
 * `movements` are the newest first; `movementsComplete` is false where older ones were left out. `staffDeeds` are what
 * staff did to the child, its account and its cards, except who its guardians are.
 */
type DisclosedChild = {
  id: number
  name: string
  birthDay: string | null
  school: string | null
  club: string | null
  createdAt: string
  yoursSince: string
  account: {
    id: number
    dailyLimitOre: number | null
    closedCategories: { category: string; since: string }[]
    cards: { id: number; status: CardStatus; createdAt: string }[]
    movements: DisclosedMovement[]
    movementsComplete: boolean
  }
  staffDeeds: { at: string; action: string; subject: string; staff: string }[]
  viewings: { day: string; who: Viewing['who']; lastAt: string | null }[]
}

type DisclosedMovement = {
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
  birthDay: string | null
  school: string | null
  club: string | null
  createdAt: number
  since: number
  account: number
  dailyLimit: number | null
  closed: string
}
type CardOfRow = { account: number; id: number; status: CardStatus; createdAt: number }
type FormerRow = { id: number; since: number; until: number }
type StaffDeedRow = { child: number; at: number; action: string; subject: string; staff: string }
type CaseRow = {
  id: string
  subject: string
  account: number | null
  phone: string | null
  callWanted: 0 | 1
  createdAt: number
  closedAt: number | null
}
type SaidRow = { case: string; from: 'you' | 'support'; at: number; text: string }
type SessionRow = { createdAt: number; seenAt: number; endedAt: number | null; draft: string | null }
type MailRow = {
  kind: string
  to: string
  data: string
  createdAt: number
  sentAt: number | null
  givenUpAt: number | null
}
type DeedRow = { at: number; action: string; subject: string; detail: string | null }

const OWN_CHILDREN = `guardian
JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND guardianship.ended_at IS NULL
JOIN child ON child.id = guardianship.child`

const CHILDREN = `
SELECT child.id, child.name, child.birth_day AS birthDay, child.school, site.name AS club,
  child.created_at AS createdAt, guardianship.created_at AS since,
  account.id AS account, account.daily_limit AS dailyLimit,
  (SELECT json_group_array(json_object('category', category, 'closedAt', closed_at))
   FROM closed_category WHERE closed_category.account = account.id) AS closed
FROM ${OWN_CHILDREN} JOIN account ON account.child = child.id LEFT JOIN site ON site.id = child.club
WHERE guardian.id = ? ORDER BY child.name, child.id`

const CARDS = `
SELECT card.account, card.id, card.status, card.created_at AS createdAt
FROM ${OWN_CHILDREN} JOIN account ON account.child = child.id JOIN card ON card.account = account.id
WHERE guardian.id = ? ORDER BY card.id`

const FORMER_CHILDREN = `
SELECT child AS id, guardianship.created_at AS since, ended_at AS until
FROM guardian JOIN guardianship ON guardianship.cpr_hash = guardian.cpr_hash AND ended_at IS NOT NULL
WHERE guardian.id = ? ORDER BY ended_at`

/*
 * Staff's changes of a child's guardianships would tell of its other guardians. The join is CROSS so that SQLite reads
 * the audit log once instead of indexing all of it for the few subjects.
 */
const STAFF_DEEDS = `
WITH own AS (SELECT child.id AS child, account.id AS account
             FROM ${OWN_CHILDREN} JOIN account ON account.child = child.id WHERE guardian.id = ?),
  subject AS (SELECT child, 'child:' || child AS name FROM own
              UNION ALL SELECT child, 'account:' || account FROM own
              UNION ALL SELECT child, 'card:' || card.id FROM own JOIN card ON card.account = own.account)
SELECT subject.child, audit.at, audit.action, audit.subject, staff_token.name AS staff
FROM audit CROSS JOIN subject ON subject.name = audit.subject JOIN staff_token ON staff_token.id = audit.staff
WHERE audit.action NOT IN ('guardianship_added', 'guardianship_ended') ORDER BY audit.id`

const CASES = `
SELECT id, subject, account, phone, call_wanted AS callWanted, created_at AS createdAt, closed_at AS closedAt
FROM support_case WHERE guardian = ? ORDER BY created_at, rowid`

const SAID = `
SELECT "case", iif(staff IS NULL, 'you', 'support') AS "from", at, text
FROM support_case JOIN case_message ON "case" = support_case.id
WHERE guardian = ? ORDER BY case_message.rowid`

export const iso = (atMs: number) => new Date(atMs).toISOString()
export const isoOrNull = (atMs: number | null) => (atMs === null ? null : iso(atMs))
export const jsonOrNull = (text: string | null): unknown => (text === null ? null : JSON.parse(text))

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
  const [, ...found] = await db.batch([
    viewedAmong(db, ownChildren, { guardian }, nowMs),
    about(
      `SELECT issuer, subject, name, cpr_hash IS NOT NULL AS cprKnown, language, mail, tell_below AS tellBelow,
         tell_purchases AS tellPurchases, tell_weekly AS tellWeekly, created_at AS createdAt, logged_in_at AS loggedInAt
       FROM guardian WHERE id = ?`,
    ),
    about(
      `SELECT created_at AS createdAt, seen_at AS seenAt, ended_at AS endedAt, draft FROM session
       WHERE guardian = ? ORDER BY created_at`,
    ),
    about(CHILDREN),
    about(CARDS),
    about(FORMER_CHILDREN),
    about(STAFF_DEEDS),
    about(CASES),
    about(SAID),
    about(
      `SELECT kind, recipient AS "to", data, created_at AS createdAt, sent_at AS sentAt, given_up_at AS givenUpAt
       FROM outbox WHERE guardian = ? ORDER BY id`,
    ),
    about('SELECT at, action, subject, detail FROM audit WHERE guardian = ? ORDER BY id'),
    viewingsQuery(db, guardian, 'all'),
    ...moneyQueries(db, { guardian }),
    ...accounts.map((account) => latestQuery(db, account, MOVEMENTS_MAX + 1)),
  ])
  const [guardians, sessions, children, cards, former, staffDeeds, cases, said, mails, deeds, viewings, ...rest] =
    found.map(({ results }) => results)
  const movements = rest.slice(MONEY_QUERIES)
  const row = guardians?.[0] as GuardianRow | undefined
  if (!row) throw new Error('a guardian is logged in and is not there')
  const rowsOf = (account: number) => (movements[accounts.indexOf(account)] ?? []) as StatementRow[]
  const cardsOf = grouped((cards ?? []) as CardOfRow[], ({ account }) => account)
  const staffDeedsOf = grouped((staffDeeds ?? []) as StaffDeedRow[], ({ child }) => child)
  const viewingsOf = grouped((viewings ?? []).map(viewingOf), ({ child }) => child.id)
  const saidIn = grouped((said ?? []) as SaidRow[], (message) => message.case)
  return {
    madeAt: iso(nowMs),
    guardian: disclosedGuardian(row),
    sessions: ((sessions ?? []) as SessionRow[]).map(({ createdAt, seenAt, endedAt, draft }) => ({
      startedAt: iso(createdAt),
      lastSeenAt: iso(seenAt),
      endedAt: isoOrNull(endedAt),
      draft: jsonOrNull(draft),
    })),
    children: ((children ?? []) as ChildRow[]).map((child) => ({
      ...disclosedChild(child, cardsOf.get(child.account) ?? [], rowsOf(child.account)),
      staffDeeds: (staffDeedsOf.get(child.id) ?? []).map(({ at, action, subject, staff }) => ({
        at: iso(at),
        action,
        subject,
        staff,
      })),
      viewings: (viewingsOf.get(child.id) ?? []).map(({ day, who, lastAt }) => ({
        day,
        who,
        lastAt: isoOrNull(lastAt),
      })),
    })),
    formerChildren: ((former ?? []) as FormerRow[]).map(({ id, since, until }) => ({
      id,
      since: iso(since),
      until: iso(until),
    })),
    cases: ((cases ?? []) as CaseRow[]).map((one) => disclosedCase(one, saidIn.get(one.id) ?? [])),
    mails: ((mails ?? []) as MailRow[]).map(({ kind, to, data, createdAt, sentAt, givenUpAt }) => ({
      kind,
      to,
      data: sentAt === null ? null : JSON.parse(data),
      writtenAt: iso(createdAt),
      sentAt: isoOrNull(sentAt),
      givenUpAt: isoOrNull(givenUpAt),
    })),
    money: disclosedMoney(rest.slice(0, MONEY_QUERIES)),
    deeds: ((deeds ?? []) as DeedRow[]).map(({ at, detail, ...deed }) => ({
      at: iso(at),
      ...deed,
      detail: jsonOrNull(detail),
    })),
  }
}

function grouped<Row, Key>(rows: readonly Row[], keyOf: (row: Row) => Key): Map<Key, Row[]> {
  const groups = new Map<Key, Row[]>()
  for (const row of rows) {
    const group = groups.get(keyOf(row))
    if (group) group.push(row)
    else groups.set(keyOf(row), [row])
  }
  return groups
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

function disclosedChild(
  child: ChildRow,
  cards: CardOfRow[],
  rows: StatementRow[],
): Omit<DisclosedChild, 'staffDeeds' | 'viewings'> {
  return {
    id: child.id,
    name: child.name,
    birthDay: child.birthDay,
    school: child.school,
    club: child.club,
    createdAt: iso(child.createdAt),
    yoursSince: iso(child.since),
    account: {
      id: child.account,
      dailyLimitOre: child.dailyLimit,
      closedCategories: (JSON.parse(child.closed) as ClosedCategory[]).map(({ category, closedAt }) => ({
        category,
        since: iso(closedAt),
      })),
      cards: cards.map(({ id, status, createdAt }) => ({ id, status, createdAt: iso(createdAt) })),
      movements: rows.slice(0, MOVEMENTS_MAX).map(disclosedMovement),
      movementsComplete: rows.length <= MOVEMENTS_MAX,
    },
  }
}

/** A movement for somebody's file. */
export function disclosedMovement(row: StatementRow): DisclosedMovement {
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

function disclosedCase(
  { createdAt, closedAt, callWanted, ...row }: CaseRow,
  said: SaidRow[],
): Disclosure['cases'][number] {
  return {
    ...row,
    callWanted: callWanted === 1,
    openedAt: iso(createdAt),
    closedAt: isoOrNull(closedAt),
    messages: said.map(({ from, at, text }) => ({ from, at: iso(at), text })),
  }
}

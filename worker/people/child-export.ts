import type { z } from 'zod'
import type { ChildFile } from '../../shared/office/privacy.ts'
import { recordedIfChanged } from '../municipality/audit.ts'
import { latestQuery, type StatementRow } from '../statements/statements.ts'
import { accountMoney, MONEY_QUERIES, moneyQueries } from './disclosed-money.ts'
import { disclosedMovement, iso, jsonOrNull, MOVEMENTS_MAX } from './disclosure.ts'
import { viewed } from './viewings.ts'

/*
 * Everything that is stored about one child, for whoever asks what that is. What is a guardian's own (mail, telephone,
 * address, bank account) stands in that guardian's file alone: parents who live apart may not read each other's here.
 */

const ACCOUNT = '(SELECT id FROM account WHERE child = ?1)'

/* Columns that end in 'At' are instants. */
const QUERIES = {
  guardianships: 'SELECT created_at AS sinceAt, ended_at AS endedAt FROM guardianship WHERE child = ?1 ORDER BY 1, 2',
  cards: `SELECT id, status, created_at AS createdAt FROM card WHERE account = ${ACCOUNT} ORDER BY id`,
  closedCategories: `SELECT category, closed_at AS closedAt FROM closed_category WHERE account = ${ACCOUNT} ORDER BY 1`,
  cases: `
SELECT id, subject, call_wanted AS callWanted, created_at AS openedAt, closed_at AS closedAt
FROM support_case WHERE account = ${ACCOUNT} ORDER BY created_at, id`,
  caseMessages: `
SELECT case_message."case", iif(staff IS NULL, 'guardian', 'support') AS "from", at AS saidAt, text
FROM support_case JOIN case_message ON case_message."case" = support_case.id
WHERE support_case.account = ${ACCOUNT} ORDER BY case_message.rowid`,
  mails: `
SELECT kind, created_at AS writtenAt, sent_at AS sentAt, given_up_at AS givenUpAt FROM outbox WHERE child = ?1 ORDER BY id`,
  viewings: `
SELECT day, viewer_kind AS by, staff_token.name AS staff, first_at AS firstAt, last_at AS lastAt
FROM viewing LEFT JOIN staff_token ON viewer_kind = 'staff' AND staff_token.id = viewer
WHERE child = ?1 ORDER BY day, first_at`,
  deeds: `
SELECT audit.at AS doneAt, action, subject, detail, staff_token.name AS staff,
  iif(audit.guardian IS NULL, NULL, 'a guardian') AS guardian
FROM audit LEFT JOIN staff_token ON staff_token.id = audit.staff
WHERE subject IN (SELECT 'child:' || ?1 UNION ALL SELECT 'account:' || id FROM account WHERE child = ?1
  UNION ALL SELECT 'card:' || card.id FROM card WHERE card.account = ${ACCOUNT}
  UNION ALL SELECT 'order:' || card_order.id FROM card_order WHERE card_order.account = ${ACCOUNT}
  UNION ALL SELECT 'case:' || support_case.id FROM support_case WHERE support_case.account = ${ACCOUNT})
ORDER BY audit.id`,
} as const

type Row = Record<string, string | number | null>

const PARTS = Object.keys(QUERIES) as (keyof typeof QUERIES)[]

function written(row: Row): Row {
  const instants = Object.entries(row).filter(([name, value]) => name.endsWith('At') && typeof value === 'number')
  return { ...row, ...Object.fromEntries(instants.map(([name, at]) => [name, iso(Number(at))])) }
}

/**
 * Everything about one child, in one reading after its account has been found; that staff looked, and took it along, is
 * recorded. Movements are the newest first. Null where there is no such child.
 */
export async function childFile(
  db: D1Database,
  child: number,
  staff: number,
  nowMs: number,
): Promise<z.infer<typeof ChildFile> | null> {
  const account = await db.prepare('SELECT id FROM account WHERE child = ?').bind(child).first<number>('id')
  if (account === null) return null
  const [, , people, movements, ...rest] = await db.batch<Row>([
    viewed(db, { child }, { staff }, nowMs),
    recordedIfChanged(db, { staff, action: 'child_exported', subject: `child:${child}` }, nowMs),
    db
      .prepare(
        `SELECT child.id, child.name, child.created_at AS createdAt, left_at AS leftAt, birth_day AS birthDay, school,
           site.name AS club, roster_key IS NOT NULL AS onRoster, erased_at AS erasedAt, erase_day AS eraseDay,
           account.daily_limit AS dailyLimit,
           coalesce((SELECT balance FROM posting WHERE account = account.id ORDER BY seq DESC LIMIT 1), 0) AS balance
         FROM child JOIN account ON account.child = child.id LEFT JOIN site ON site.id = child.club
         WHERE child.id = ?`,
      )
      .bind(child),
    latestQuery(db, account, MOVEMENTS_MAX + 1),
    ...moneyQueries(db, { account }),
    ...PARTS.map((part) => db.prepare(QUERIES[part]).bind(child)),
  ])
  const { dailyLimit = null, balance = 0, ...person } = people?.results[0] ?? {}
  const rows = (movements?.results ?? []) as unknown as StatementRow[]
  const found = rest.map(({ results }) => results)
  const parts = Object.fromEntries(
    PARTS.map((part, index) => [part, (found[MONEY_QUERIES + index] ?? []).map(written)]),
  ) as Record<keyof typeof QUERIES, Row[]>
  const { cases, caseMessages, deeds, ...others } = parts
  return {
    madeAt: iso(nowMs),
    child: { ...written(person), id: child, name: String(person.name), onRoster: person.onRoster === 1 },
    account: {
      ...{ id: account, balanceOre: balance, dailyLimitOre: dailyLimit },
      movements: rows.slice(0, MOVEMENTS_MAX).map(disclosedMovement),
      movementsComplete: rows.length <= MOVEMENTS_MAX,
    },
    ...others,
    cases: cases.map((one) => ({
      ...{ ...one, callWanted: one.callWanted === 1 },
      messages: caseMessages.filter((message) => message.case === one.id).map(({ case: _, ...message }) => message),
    })),
    money: accountMoney(found.slice(0, MONEY_QUERIES)),
    deeds: deeds.map(({ detail, ...deed }) => ({ ...deed, detail: jsonOrNull(detail as string | null) })),
  }
}

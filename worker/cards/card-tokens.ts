import type { CardToken, DebitMessage } from '../../shared/debit.ts'
import { clonedLetters } from '../letters/outbox.ts'
import { NEXT_VERSION } from './cards.ts'

/**
 * The rolling token against copied cards. A request that shows the token of the card's newest tap, or the one that was
 * told then, is answered with another; whoever shows an older one has a copy, or is the one who was copied, and the card
 * is blocked. A till that was offline tells late what a card showed, so it counts when it was shown: nothing is held
 * against a message that was made before its token was superseded. None of this moves money.
 */

/** How far a till's clock may be off: a request made within this time of what superseded its token was made before it. */
const REQUEST_SKEW_MS = 10_000
const ADVICE_SKEW_MS = 600_000

/*
 * What a request without a readable token counts, and one with a good token takes off: staff are told when the sum gets
 * so far. Three among a handful are told, whoever shows good ones between them: a copy does, that has taken a card over.
 */
const MISSING_COUNTS = 8
const MISSING_TOLD = 20

/** The greatest number that a card has room for. */
const COUNTER_MAX = 0xffff_ffff

/** What a message says of a card's token, and the random value of the token that would come next. */
export type Showing = {
  terminal: string
  hash: string
  message: Pick<DebitMessage, 'kind' | 'seq' | 'card' | 'at'> & { token: CardToken | null }
  next: string
}

/* ?1 terminal, ?2 number, ?3 card, ?4 made at, ?5 now, ?6 and ?7 the token, ?8 skew, ?9 message, ?10 next value. */
const SHOWN = 'card = card.id AND counter = ?6 AND value = ?7'
const UNTOLD = 'NOT EXISTS (SELECT 1 FROM message WHERE message.terminal = ?1 AND message.seq = ?2)'
const CONFIRMED = 'EXISTS (SELECT 1 FROM card_token WHERE card = card.id AND shown_at IS NOT NULL)'
const PENDING = 'shown_at IS NULL AND dropped_at IS NULL'
const IS_CURRENT = `EXISTS (SELECT 1 FROM card_token WHERE ${SHOWN} AND shown_at IS NOT NULL
  AND counter = (SELECT max(counter) FROM card_token WHERE card = card.id AND shown_at IS NOT NULL))`
const IS_PENDING = `EXISTS (SELECT 1 FROM card_token WHERE ${SHOWN} AND ${PENDING})`
const WAS_DROPPED = `EXISTS (SELECT 1 FROM card_token WHERE ${SHOWN} AND dropped_at IS NOT NULL)`

/** SQL: a confirmed token cannot be read, or is one that was never told and could not be: `counter` is SQL too. */
const unreadable = (counter: string) => `(${CONFIRMED} AND coalesce(${counter} >
  (SELECT max(counter) FROM card_token WHERE card = card.id), true))`

/** SQL for the ledger's decision of a request, beside `card`: it is refused, and nobody's card is blocked for it. */
export const TOKEN_UNREADABLE = unreadable('?16')

/** Since when a token has been none: when it was dropped, when a later one was shown, or when its like was told. */
const SUPERSEDED_AT = `coalesce(
  (SELECT dropped_at FROM card_token WHERE ${SHOWN}),
  (SELECT min(shown_at) FROM card_token WHERE card = card.id AND counter > ?6),
  (SELECT min(issued_at) FROM card_token WHERE card = card.id AND counter >= ?6))`

const IS_COPY = `(${CONFIRMED} OR ${WAS_DROPPED}) AND NOT ${IS_CURRENT} AND NOT ${IS_PENDING}
  AND ?4 > ?8 + ${SUPERSEDED_AT}`

const RAISE_CLONED = `
INSERT INTO alarm (terminal, kind, seq, hash, at, card)
SELECT ?1, 'card_cloned', ?2, ?9, ?5, card.id FROM card
WHERE card.hash = ?3 AND card.status = 'active' AND ${UNTOLD} AND ${IS_COPY}
ON CONFLICT DO NOTHING`

const BLOCK = `UPDATE card SET status = 'blocked', version = ${NEXT_VERSION} WHERE hash = ?1 AND changes() > 0`

const RECORD_BLOCK = `
INSERT INTO audit (at, action, subject)
SELECT ?2, 'card_cloned', 'card:' || id FROM card WHERE hash = ?1 AND changes() > 0`

/** The pending token has arrived: it becomes the current one. */
const CONFIRM = `
UPDATE card_token SET shown_at = ?5
WHERE card = (SELECT id FROM card WHERE hash = ?3 AND status = 'active') AND counter = ?6 AND value = ?7 AND ${PENDING}
  AND ${UNTOLD}`

/*
 * The card shows the current token, so the pending one was not written to it, unless the message was made before that was
 * told. Whoever shows the dropped one later is one of two cards.
 */
const DROP = `
UPDATE card_token SET dropped_at = ?5
WHERE ${PENDING} AND card = (SELECT id FROM card WHERE hash = ?3 AND status = 'active') AND ${UNTOLD}
  AND EXISTS (SELECT 1 FROM card WHERE card.id = card_token.card
    AND iif(${CONFIRMED}, ${IS_CURRENT} AND ?4 > ?8 + card_token.issued_at, card_token.counter <= ?6))`

const ISSUE = `
INSERT INTO card_token (card, counter, value, terminal, seq, issued_at)
SELECT card.id, coalesce(?6, 0) + 1, ?10, ?1, ?2, ?5 FROM card
WHERE card.hash = ?3 AND card.status = 'active' AND ${UNTOLD} AND coalesce(?6, 0) < ${COUNTER_MAX}
  AND NOT EXISTS (SELECT 1 FROM card_token WHERE card = card.id AND ${PENDING})
  AND (${IS_CURRENT} OR NOT ${CONFIRMED})
ON CONFLICT DO NOTHING`

/** A card that has shown no token yet is told the pending one again: it may have it, and a reader could not see. */
const TELL_AGAIN = `
UPDATE card_token SET terminal = ?1, seq = ?2
WHERE ${PENDING} AND card = (SELECT card.id FROM card WHERE hash = ?3 AND status = 'active' AND NOT ${CONFIRMED}) AND ${UNTOLD}`

const COUNT_MISSING = `
UPDATE card SET token_missing = iif(${unreadable('?6')}, token_missing + ${MISSING_COUNTS}, token_missing - 1)
WHERE hash = ?3 AND status = 'active' AND ${UNTOLD} AND (token_missing > 0 OR ${unreadable('?6')})`

const RAISE_MISSING = `
INSERT INTO alarm (terminal, kind, seq, hash, at, card)
SELECT ?1, 'card_unreadable', ?2, ?9, ?5, id FROM card
WHERE hash = ?3 AND token_missing >= ${MISSING_TOLD} AND token_missing < ${MISSING_TOLD + MISSING_COUNTS}
  AND ${unreadable('?6')} AND changes() > 0
ON CONFLICT DO NOTHING`

/**
 * What a message says of its card's token, before the ledger's statement that books the message, which therefore finds
 * a copied card blocked. A message that is stored already changes nothing. An advice only tells of a copy.
 */
export function tokenStatements(db: D1Database, showing: Showing, nowMs: number): D1PreparedStatement[] {
  const { terminal, hash, message, next } = showing
  const { kind, seq, card, at, token } = message
  const request = kind === 'request'
  const skewMs = request ? REQUEST_SKEW_MS : ADVICE_SKEW_MS
  const said = [terminal, seq, card, at, nowMs, token?.counter ?? null, token?.value ?? null, skewMs, hash, next]
  const prepared = (sql: string) => db.prepare(sql).bind(...said.slice(0, parametersOf(sql)))
  return [
    ...(token === null
      ? []
      : [
          prepared(RAISE_CLONED),
          db.prepare(BLOCK).bind(card),
          db.prepare(RECORD_BLOCK).bind(card, nowMs),
          clonedLetters(db, { card, terminal, seq }, nowMs),
        ]),
    ...(request ? [CONFIRM, DROP, ISSUE, TELL_AGAIN, COUNT_MISSING, RAISE_MISSING].map(prepared) : []),
  ]
}

/** The highest number of a parameter in a statement. */
const parametersOf = (sql: string) => Math.max(...[...sql.matchAll(/\?(\d+)/g)].map(([, number]) => Number(number)))

/** What some of a terminal's messages have told a card and nothing has been heard of since, by the message's number. */
export function toldTokens(db: D1Database, terminal: string, first: number, last: number): D1PreparedStatement {
  return db
    .prepare(
      `SELECT seq, counter, value FROM card_token
       WHERE terminal = ?1 AND seq BETWEEN ?2 AND ?3 AND ${PENDING}`,
    )
    .bind(terminal, first, last)
}

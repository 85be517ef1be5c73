import { beforeEach, describe, expect, it } from 'vitest'
import type { CardToken, DebitResult } from '../../shared/debit.ts'
import { base64url } from '../../shared/signing.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import { deliver } from '../../worker/terminals/deliveries.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  type EnrolledTerminal,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSale,
  newSite,
} from './municipality.ts'
import { parentOf } from './parent.ts'

let office: Municipality
let till: EnrolledTerminal
let bar: EnrolledTerminal
let ida: CardHolder

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  const site = await newSite(office)
  till = await enrolledTerminal(office, site, 'Disken')
  bar = await enrolledTerminal(office, site, 'Baren')
  ida = await cardHolder(office, { credit: 50_000 })
})

type Tap = { at?: number; by?: EnrolledTerminal; sale?: string; kind?: 'request' | 'advice' | 'reversal' }

/** One message that tells what the card showed: a token, null for none that could be read, undefined for not looked. */
const saying = (
  token: CardToken | null | undefined,
  { at = Date.now(), by = till, sale, kind = 'request' }: Tap = {},
) =>
  by.say(kind, {
    ...{ card: ida.hash, amount: 100, at },
    ...(sale !== undefined && { sale }),
    with: token === undefined ? {} : { token },
  })

async function heard(by: EnrolledTerminal, ...messages: string[]): Promise<DebitResult[]> {
  const { status, body } = await by.send(...messages)
  expect([status, body.error]).toEqual([200, undefined])
  return body.results as DebitResult[]
}

async function tap(token: CardToken | null | undefined, how: Tap = {}): Promise<DebitResult> {
  const [result] = await heard(how.by ?? till, await saying(token, how))
  if (!result) throw new Error('a tap was not answered')
  return result
}

/** Makes all that was told and shown so far older, as if nothing had been heard for so long. */
const later = (ms: number) =>
  office.db.batch(
    ['issued_at', 'shown_at', 'dropped_at'].map((column) =>
      office.db.prepare(`UPDATE card_token SET ${column} = ${column} - ?`).bind(ms),
    ),
  )

const HOUR_MS = 3_600_000
const status = () => office.db.prepare('SELECT status FROM card WHERE id = ?').bind(ida.card).first<string>('status')
const alarms = async () =>
  (await office.db.prepare('SELECT kind, card FROM alarm ORDER BY id').all<{ kind: string; card: number }>()).results
const told = (result: DebitResult): CardToken => {
  if (!result.token) throw new Error('no token was told')
  return result.token
}

/** A card with a token that it has shown, and the one it is told next. */
async function carrying(): Promise<{ current: CardToken; pending: CardToken }> {
  const current = told(await tap(null))
  await later(HOUR_MS)
  const pending = told(await tap(current))
  await later(HOUR_MS)
  return { current, pending }
}

describe('a card', () => {
  it('gets its first token at its first tap, and another at each that shows the last', async () => {
    const first = told(await tap(null))
    expect(first).toEqual({ counter: 1, value: expect.stringMatching(/^[\w-]{11}$/) })
    const second = told(await tap(first))
    expect(second.counter).toBe(2)
    const third = told(await tap(second))
    expect(third.counter).toBe(3)
    expect(new Set([first.value, second.value, third.value]).size).toBe(3)
    expect(await status()).toBe('active')
    expect(await alarms()).toEqual([])
  })

  it('for which nobody looked gets none, and costs what it did', async () => {
    const plain = await tap(undefined)
    expect(plain).toEqual({ sale: expect.any(String), seq: 1, outcome: 'approved', balance: 49_900 })
    expect(await office.db.prepare('SELECT count(*) AS n FROM card_token').first('n')).toBe(0)
  })

  it('to which the token was not written goes on with the one it has, wherever the write was torn', async () => {
    const { current, pending } = await carrying()
    const again = told(await tap(current)) // Neither slot took the new one.
    expect(again).toMatchObject({ counter: pending.counter })
    expect(again.value).not.toBe(pending.value)
    await later(HOUR_MS)
    expect((await tap(again)).outcome).toBe('approved')
    expect(await status()).toBe('active')
  })

  it('whose first token was not written is told the same again, and is not lost', async () => {
    const first = told(await tap(null))
    await later(HOUR_MS)
    expect(told(await tap(null))).toEqual(first) // Or it was written, and could not be read.
    await later(HOUR_MS)
    expect((await tap(first)).outcome).toBe('approved')
    expect(await status()).toBe('active')
  })

  it('with a token of somewhere else begins anew with a greater number, so that the newest slot is ours', async () => {
    const foreign = { counter: 70, value: base64url(crypto.getRandomValues(new Uint8Array(8))) }
    const first = told(await tap(foreign))
    expect(first.counter).toBe(71)
    expect((await tap(first)).token?.counter).toBe(72)
  })

  it('with the greatest number that there is room for buys, and is told none that nobody could read', async () => {
    const last = { counter: 0xffff_ffff, value: 'AAAAAAAAAAA' }
    const { token, ...rest } = await tap(last)
    expect([token, rest.outcome]).toEqual([undefined, 'approved'])
    const next = told(await tap({ ...last, counter: last.counter - 1 }))
    expect(next.counter).toBe(last.counter)
    expect((await tap(next)).token).toBeUndefined()
    await later(HOUR_MS)
    expect((await tap(next)).outcome).toBe('approved')
  })

  it('that staff activate after it was blocked begins its token anew', async () => {
    const { current } = await carrying()
    await tap((await tap(current)).token)
    await later(HOUR_MS)
    expect((await tap(current)).reason).toBe('card_blocked')
    await office.post(`/cards/${ida.card}/activate`)
    expect((await tap(current)).token?.counter).toBe(current.counter + 1)
  })
})

it('the most that a terminal sends at once, of cards with tokens, is within what one call of the database may do', async () => {
  const db = counting(office.db)
  const messages: string[] = []
  for (let sale = 1; sale <= 50; sale += 1) messages.push(await saying({ counter: sale, value: 'AAAAAAAAAAA' }))
  const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))
  const delivery = await deliver(db, till.id, messages, random, Date.now())
  expect(delivery.kind).toBe('booked')
  expect(db.statements()).toBeGreaterThan(500)
  expect(db.statements()).toBeLessThan(800) // Of a thousand.
})

/** A database that counts the statements it is asked for. */
function counting(db: D1Database): D1Database & { statements(): number } {
  let statements = 0
  const counted = new Proxy(db, {
    get(target, name) {
      if (name === 'statements') return () => statements
      if (name === 'prepare') {
        // One that is not part of a batch counts when it is made ready, as each of these is run once.
        return (sql: string) => {
          statements += 1
          return target.prepare(sql)
        }
      }
      const value = Reflect.get(target, name)
      return typeof value === 'function' ? value.bind(target) : value
    },
  })
  return counted as D1Database & { statements(): number }
}

describe('a message told again', () => {
  it('is told the same token while it is waited for, and none when the card has moved on', async () => {
    const asked = await saying(null)
    const [first] = await heard(till, asked)
    expect(await heard(till, asked)).toEqual([first])
    const before = await contents(office.db)
    expect(await heard(till, asked)).toEqual([first])
    expect(await contents(office.db)).toEqual(before)
    if (!first) throw new Error('no answer')
    await tap(told(first))
    const [late] = await heard(till, asked)
    const { token, ...rest } = first
    expect(late).toEqual(rest)
  })

  it('of a card found to be a copy stays declined, and raises nothing more', async () => {
    const { current, pending } = await carrying()
    await tap(pending)
    await later(HOUR_MS)
    const copy = await saying(current)
    const [declined] = await heard(till, copy)
    expect(declined).toMatchObject({ outcome: 'declined', reason: 'card_blocked' })
    const before = await contents(office.db)
    expect(await heard(till, copy)).toEqual([declined])
    expect(await contents(office.db)).toEqual(before)
  })
})

describe('a copied card', () => {
  it('is blocked at once when it shows an older token, and staff and guardians are told', async () => {
    const mother = await parentOf(office, '0101575001', [ida.child], 'Asta Prøveforælder')
    await mother.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@proeve.example' })
    const { current, pending } = await carrying()
    await tap(pending)
    await later(HOUR_MS)
    const version = 'SELECT max(version) AS version FROM card'
    const before = Number(await office.db.prepare(version).first('version'))

    const declined = await tap(current, { by: bar })

    expect(declined).toMatchObject({ outcome: 'declined', reason: 'card_blocked', balance: 49_700 })
    expect(declined.token).toBeUndefined()
    expect(await status()).toBe('blocked')
    expect(Number(await office.db.prepare(version).first('version'))).toBe(before + 1)
    expect(await alarms()).toEqual([{ kind: 'card_cloned', card: ida.card }])
    const { items } = await office.get<{ items: unknown[] }>('/reviews')
    expect(items).toMatchObject([{ kind: 'alarm', what: 'card_cloned', card: ida.card, account: ida.account }])
    const letters = await office.db.prepare('SELECT kind, recipient, data FROM outbox').all<{ data: string }>()
    expect(letters.results).toMatchObject([{ kind: 'card_cloned', recipient: 'asta@proeve.example' }])
    expect(JSON.parse(letters.results[0]?.data ?? '')).toEqual({ account: ida.account, child: 'Ida', card: ida.card })
    expect((await tap(pending)).reason).toBe('card_blocked') // The card itself too: nobody knows which is which.
    expect(await alarms()).toHaveLength(1)
  })

  it('that is used in turn with the card itself is found by the second tap of either', async () => {
    const { pending } = await carrying() // Here it is copied: both show `pending`.
    const own = told(await tap(pending))
    await later(HOUR_MS)
    const copied = told(await tap(pending))
    expect(copied.value).not.toBe(own.value)
    await later(HOUR_MS)
    expect((await tap(own)).reason).toBe('card_blocked')
    expect(await alarms()).toEqual([{ kind: 'card_cloned', card: ida.card }])
  })

  it('that shows a token nobody was ever told, of a number that is past, is found', async () => {
    const { current, pending } = await carrying()
    await tap(pending)
    await later(HOUR_MS)
    expect((await tap({ counter: current.counter, value: 'AAAAAAAAAAA' })).reason).toBe('card_blocked')
    expect(await status()).toBe('blocked')
  })
})

describe('a token that cannot be read', () => {
  it('is refused and blocks nothing; after the third among a few staff are told, and many good ones make up for one', async () => {
    const { pending } = await carrying()
    let next = pending
    for (const _ of [1, 2, 3]) {
      expect(await tap(null)).toMatchObject({ outcome: 'declined', reason: 'card_blocked' })
      for (let good = 1; good <= 8; good += 1) next = told(await tap(next))
    }
    for (const _ of [1, 2]) expect((await tap(null)).outcome).toBe('declined')
    next = told(await tap(next))
    expect(await alarms()).toEqual([])
    expect((await tap(null)).outcome).toBe('declined')
    expect(await alarms()).toEqual([{ kind: 'card_unreadable', card: ida.card }])
    expect((await tap(null)).outcome).toBe('declined')
    expect(await alarms()).toHaveLength(1)
    expect(await status()).toBe('active')
    expect((await tap(next)).outcome).toBe('approved')
  })

  it('is as good as none where its number was never reached, as after a database was restored', async () => {
    const { pending } = await carrying()
    const beyond = { counter: pending.counter + 5, value: 'AAAAAAAAAAA' }
    expect(await tap(beyond)).toMatchObject({ outcome: 'declined', reason: 'card_blocked' })
    expect(await status()).toBe('active')
    expect(await alarms()).toEqual([])
  })

  it('is found again after a database was restored, once staff take tokens away and give them anew', async () => {
    const types = (...tokenTypes: string[]) => office.post('/settings', { offline: { tokenTypes } })
    await types('classic')
    const { pending } = await carrying()
    const beyond = { counter: pending.counter + 5, value: 'AAAAAAAAAAA' }
    expect((await tap(beyond)).outcome).toBe('declined')
    await types()
    await types('classic')
    const next = told(await tap(beyond))
    expect(next.counter).toBe(beyond.counter + 1)
    expect(told(await tap(next)).counter).toBe(beyond.counter + 2)
    await later(HOUR_MS)
    expect(await tap(beyond)).toMatchObject({ outcome: 'declined', reason: 'card_blocked' })
  })

  it('is what a copy on a card of another type shows too: it is refused, and staff are told after three', async () => {
    await carrying()
    for (const _ of [1, 2]) expect(await tap(null, { by: bar })).toMatchObject({ reason: 'card_blocked' })
    expect(await alarms()).toEqual([])
    expect(await tap(null, { by: bar })).toMatchObject({ outcome: 'declined', reason: 'card_blocked' })
    const { items } = await office.get<{ items: unknown[] }>('/reviews')
    expect(items).toMatchObject([{ kind: 'alarm', what: 'card_unreadable', card: ida.card, account: ida.account }])
    expect(await status()).toBe('active')
  })

  it('is all that a card shows whose token a copy has got instead: staff are told, though the copy shows good ones', async () => {
    await tap(null) // Ida's card, of a type that carries none.
    let held = told(await tap(null, { by: bar })) // The copy takes it.
    for (const _ of [1, 2, 3]) {
      await later(HOUR_MS)
      held = told(await tap(held, { by: bar }))
      expect(await alarms()).toEqual([])
      await later(HOUR_MS)
      expect(await tap(null)).toMatchObject({ outcome: 'declined', reason: 'card_blocked' })
    }
    expect(await alarms()).toEqual([{ kind: 'card_unreadable', card: ida.card }])
  })

  it('matters not to a card that never had one, however often it is used', async () => {
    const first = told(await tap(null))
    for (const by of [till, bar, till]) expect(await tap(null, { by })).toMatchObject({ outcome: 'approved' })
    const held = await office.db.prepare('SELECT counter, value FROM card_token').all()
    expect(held.results).toEqual([first])
    expect(await alarms()).toEqual([])
  })

  it('of a type that the municipality switches off is missed no more, and all begin anew; other settings forget none', async () => {
    const types = (...tokenTypes: string[]) => office.post('/settings', { offline: { tokenTypes } })
    await types('classic')
    const { pending } = await carrying()
    const kept = () => office.db.prepare('SELECT count(*) AS n FROM card_token').first<number>('n')
    const before = await kept()
    await types('ntag', 'classic')
    await office.post('/settings', { offline: { saleMax: 4_000 } })
    const contradicting = { offline: { tokenTypes: ['ntag'] }, money: { depositMin: 200_000, depositMax: 100_000 } }
    await expect(office.post('/settings', contradicting)).rejects.toThrow('settings_conflict')
    expect(await kept()).toBe(before)
    await types('ntag')
    expect(await tap(null)).toMatchObject({ outcome: 'approved' })
    expect((await tap(pending)).outcome).toBe('approved') // A till that has not heard of it yet.
    expect(await status()).toBe('active')
  })

  it('does not hold up a sale that was handed over', async () => {
    await carrying()
    expect(await tap(null, { kind: 'advice' })).toMatchObject({ outcome: 'approved' })
  })
})

describe('a till that was offline', () => {
  it('tells late what the card showed then, and neither blocks it nor takes away what it was told since', async () => {
    const { pending } = await carrying()
    const sale = newSale()
    const minutesAgo = Date.now() - 5 * 60_000
    const offline = [
      await saying(pending, { sale, at: minutesAgo }),
      await saying(pending, { sale, at: minutesAgo, kind: 'advice' }),
    ]
    const third = told(await tap(pending, { by: bar }))
    const fourth = told(await tap(third, { by: bar }))
    expect(await heard(till, ...offline)).toMatchObject([{ outcome: 'approved' }, { outcome: 'approved' }])
    expect(await status()).toBe('active')
    expect((await tap(fourth, { by: bar })).outcome).toBe('approved')
  })

  it('tells late of a card that showed the current token, and what was written since stays good', async () => {
    const { pending } = await carrying()
    const early = await saying(pending, { at: Date.now() - 60_000 })
    const written = told(await tap(pending, { by: bar }))
    const [result] = await heard(till, early)
    expect(result).toMatchObject({ outcome: 'approved' })
    expect(result?.token).toBeUndefined()
    expect((await tap(written, { by: bar })).outcome).toBe('approved')
  })

  it('has its advice booked whatever the card showed; it is a copy where that was none any more', async () => {
    const { current, pending } = await carrying()
    await tap(pending) // Since now `current` is none.
    const before = await tap(current, { kind: 'advice', at: Date.now() - 3 * 60_000 })
    expect(before).toMatchObject({ outcome: 'approved' })
    expect(before.reason).toBeUndefined()
    const soonAfter = await tap(current, { kind: 'advice', at: Date.now() + 9 * 60_000 })
    expect(soonAfter.reason).toBeUndefined()
    expect(await alarms()).toEqual([])
    await later(11 * 60_000)
    const after = await tap(current, { kind: 'advice' })
    expect(after).toMatchObject({ outcome: 'approved', reason: 'card_blocked' })
    expect(await status()).toBe('blocked')
    expect(await alarms()).toEqual([{ kind: 'card_cloned', card: ida.card }])
    expect(await checkLedger(office.db)).toMatchObject({ violations: [] })
  })
})

it('tokens of a form that is none are malformed, and nothing is booked', async () => {
  for (const token of [
    { counter: -1, value: 'AAAAAAAAAAA' },
    { counter: 1.5, value: 'AAAAAAAAAAA' },
    { counter: 2 ** 32, value: 'AAAAAAAAAAA' },
    { counter: 1, value: 'AAAAAAAAAA' },
    { counter: 1, value: 'AAAAAAAAAAB' },
    { counter: 1 },
    'AAAAAAAAAAA',
  ]) {
    till.rewind()
    const { body } = await till.send(await saying(token as never))
    expect(body.error?.code).toBe('malformed')
  }
})

import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { digest } from '../../shared/signing.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import {
  type Answer,
  balanceOf,
  type CardHolder,
  call,
  cardHolder,
  contents,
  type EnrolledTerminal,
  enrolledTerminal,
  type Municipality,
  newSale,
  oneSite,
} from './municipality.ts'

let office: Municipality
let site: number
let ida: CardHolder
let till: EnrolledTerminal

beforeEach(async () => {
  ;({ office, site, terminal: till } = await oneSite())
  ida = await cardHolder(office, { credit: 1000 })
})

afterEach(async () => {
  expect(await checkLedger(office.db)).toMatchObject({ violations: [] })
})

const STRANGER = 'u'.repeat(43)
const codeOf = ({ status, body }: Answer) => [status, body.error?.code]
const settle = (id: string, decision: string, more: Record<string, unknown> = {}) =>
  call('POST', `/api/staff/reviews/${id}/settle`, {
    token: office.token,
    body: { decision, note: 'Aftalt med klubben', ...more },
  })

const balance = (account: number | string) => balanceOf(office, account)
const open = async () => (await office.get<{ items: { id: string; what: string }[] }>('/reviews')).items
const settled = async () =>
  (await office.get<{ settled: { subject: string; decision: string }[] }>('/reviews/settled')).settled

async function sold(card: string, amount: number, kind: 'advice' | 'request' = 'advice') {
  const sale = newSale()
  const { status } = await till.send(await till.say(kind, { sale, card, amount }))
  expect(status).toBe(200)
  return { sale, amount }
}
const undo = async ({ sale, amount }: { sale: string; amount: number }, card: string) => {
  const { status, body } = await till.send(await till.say('reversal', { sale, card, amount }))
  expect(status).toBe(200)
  return (body.results as { balance?: number }[])[0]
}

describe('a flagged sale', () => {
  it('is listed with its reason, and one that was undone or asked for is not', async () => {
    await sold(ida.hash, 400, 'request')
    await sold(ida.hash, 700) // It leaves −1 kr.
    await sold(STRANGER, 300)
    await undo(await sold(ida.hash, 500), ida.hash)
    expect(await open()).toMatchObject([
      {
        id: `${till.id}:2`,
        kind: 'advice',
        what: 'insufficient_funds',
        amount: 700,
        account: ida.account,
        card: ida.card,
      },
      { id: `${till.id}:3`, kind: 'advice', what: 'card_unknown', amount: 300, account: null, card: null },
    ])
    const shown = await office.get(`/reviews/${till.id}:2`)
    expect(shown).toMatchObject({ messages: [{ seq: 2, kind: 'advice', outcome: 'approved' }], settled: [] })
  })

  it('that is kept is paid by the account, as booked', async () => {
    await sold(ida.hash, 1500)
    expect(codeOf(await settle(`${till.id}:1`, 'keep'))).toEqual([200, undefined])
    expect(await balance(ida.account)).toBe(-500)
    expect(await open()).toEqual([])
    expect(await settled()).toMatchObject([
      { subject: `${till.id}:1`, decision: 'keep', staff: 'Astrid', note: 'Aftalt med klubben', account: null },
    ])
  })

  it('that is carried is paid by the club, once, and stays so', async () => {
    await sold(ida.hash, 1500)
    for (const _ of [1, 2]) expect(codeOf(await settle(`${till.id}:1`, 'carry'))).toEqual([200, undefined])
    expect([await balance(ida.account), await balance('revenue')]).toEqual([1000, 0])
    const before = await contents(office.db)
    for (const [decision, more] of [
      ['keep', {}],
      ['carry', { note: 'Af en anden grund' }],
      ['charge', { account: ida.account }],
    ] as const) {
      const again = codeOf(await settle(`${till.id}:1`, decision, more))
      expect([decision, ...again]).toEqual([decision, 409, decision === 'charge' ? 'review_unfit' : 'review_settled'])
    }
    expect(await contents(office.db)).toEqual(before)
    const account = await office.get<{ movements: unknown[] }>(`/accounts/${ida.account}`)
    expect(account.movements[0]).toMatchObject({ kind: 'correction', amount: 1500, reason: 'Aftalt med klubben' })
  })

  it('of an unknown card is carried by the club, or charged to whose it was, as far as that holds', async () => {
    for (const amount of [300, 400, 5000]) await sold(STRANGER, amount)
    expect(await balance('suspense')).toBe(-1000 - 5700) // Ida's money came from there too.
    expect(codeOf(await settle(`${till.id}:1`, 'carry'))).toEqual([200, undefined])
    expect([await balance('suspense'), await balance('revenue')]).toEqual([-6400, 5400])
    expect(codeOf(await settle(`${till.id}:2`, 'keep'))).toEqual([409, 'review_unfit'])
    expect(codeOf(await settle(`${till.id}:2`, 'charge', { account: ida.account }))).toEqual([200, undefined])
    expect([await balance(ida.account), await balance('suspense')]).toEqual([600, -6000])
    expect(codeOf(await settle(`${till.id}:3`, 'charge', { account: ida.account }))).toEqual([409, 'balance_short'])
    expect(codeOf(await settle(`${till.id}:3`, 'charge', { account: 999 }))).toEqual([404, 'account_unknown'])
    const revenue = Number(await office.db.prepare("SELECT id FROM account WHERE kind = 'revenue'").first('id'))
    expect(codeOf(await settle(`${till.id}:3`, 'charge', { account: revenue }))).toEqual([404, 'account_unknown'])
    expect((await open()).map(({ id }) => id)).toEqual([`${till.id}:3`])
  })

  it('that is undone after it was settled costs and gives nothing, in the end', async () => {
    const known = await sold(ida.hash, 1500)
    const unknown = await sold(STRANGER, 200)
    await settle(`${till.id}:1`, 'carry')
    await settle(`${till.id}:2`, 'charge', { account: ida.account })
    expect(await balance(ida.account)).toBe(800)
    expect(await undo(known, ida.hash)).toMatchObject({ balance: 800 })
    await undo(unknown, STRANGER)
    expect([await balance(ida.account), await balance('revenue')]).toEqual([1000, 0])
  })

  it('that was undone is not settled any more', async () => {
    await undo(await sold(ida.hash, 1500), ida.hash)
    for (const decision of ['keep', 'carry']) {
      expect(codeOf(await settle(`${till.id}:1`, decision))).toEqual([404, 'review_unknown'])
    }
    expect(await balance(ida.account)).toBe(1000)
  })

  it('that is undone while it is settled costs and gives nothing, whichever comes first', async () => {
    for (const decision of ['carry', 'keep', 'charge']) {
      const card = decision === 'charge' ? STRANGER : ida.hash
      const amount = decision === 'charge' ? 900 : 1500
      const sale = newSale()
      await till.send(await till.say('advice', { sale, card, amount }))
      const seq = (await open()).at(-1)?.id ?? ''
      const reversal = await till.say('reversal', { sale, card, amount })
      await Promise.all([
        ...[1, 2].map(() => settle(seq, decision, decision === 'charge' ? { account: ida.account } : {})),
        till.send(reversal),
        settle(seq, 'carry', { note: 'Den anden' }),
      ])
      expect([decision, await balance(ida.account), await balance('revenue')]).toEqual([decision, 1000, 0])
      expect(await open()).toEqual([])
    }
  })

  it('is settled once by ten at once, whatever each decides', async () => {
    await sold(ida.hash, 1500)
    const answers = await Promise.all(
      Array.from({ length: 10 }, (_, index) =>
        settle(`${till.id}:1`, index % 2 ? 'keep' : 'carry', { note: `Den ${index}.` }),
      ),
    )
    expect(answers.filter(({ status }) => status === 200)).toHaveLength(1)
    expect([-500, 1000]).toContain(await balance(ida.account))
    expect(await settled()).toHaveLength(1)
  })
})

describe('what is not to be settled', () => {
  it('is refused, and changes nothing', async () => {
    await sold(ida.hash, 400, 'request')
    await sold(ida.hash, 1500)
    const before = await contents(office.db)
    for (const [id, decision, more, code] of [
      [`${till.id}:1`, 'keep', {}, 'review_unknown'], // It was asked for, and nobody flagged it.
      [`${till.id}:9`, 'keep', {}, 'review_unknown'],
      ['alarm:1', 'note', {}, 'review_unknown'],
      [`quarantine:${till.id}`, 'book', {}, 'review_unknown'],
      [`quarantine:${till.id}`, 'keep', {}, 'review_unfit'],
      [`${till.id}:2`, 'note', {}, 'review_unfit'],
      [`${till.id}:2`, 'book', {}, 'review_unfit'],
      ['alarm:1', 'carry', {}, 'review_unfit'],
      [`${till.id}:2`, 'charge', { account: 999 }, 'review_unfit'],
      [`${till.id}:2`, 'charge', {}, 'malformed'],
      [`${till.id}:2`, 'keep', { account: ida.account }, 'malformed'],
      [`${till.id}:2`, 'keep', { note: '' }, 'malformed'],
      [`${till.id}:0`, 'keep', {}, 'malformed'],
      ['anything', 'keep', {}, 'malformed'],
    ] as const) {
      expect([id, decision, (await settle(id, decision, more)).body.error?.code]).toEqual([id, decision, code])
    }
    expect(await contents(office.db)).toEqual(before)
  })
})

it('an alarm is noted once', async () => {
  await sold(ida.hash, 100)
  till.rewind()
  await till.send(await till.say('request', { card: ida.hash, amount: 200 }))
  expect(await open()).toMatchObject([{ id: 'alarm:1', kind: 'alarm', what: 'message_conflict', terminal: till.id }])
  expect(codeOf(await settle('alarm:1', 'note'))).toEqual([200, undefined])
  expect(codeOf(await settle('alarm:1', 'note', { note: 'Noget andet' }))).toEqual([409, 'review_settled'])
  expect(await open()).toEqual([])
})

describe('what was put aside', () => {
  /** A sale as a till tells of it offline: asked, and then told. */
  async function offlineSale(amount: number, card = ida.hash) {
    const sale = newSale()
    return [await till.say('request', { sale, card, amount }), await till.say('advice', { sale, card, amount })]
  }

  it('is booked in order, as if it came now: advices charged, a request without an answer declined', async () => {
    await sold(ida.hash, 100, 'request')
    const sale = { sale: newSale(), card: ida.hash, amount: 250 }
    const said = [
      ...(await offlineSale(300)),
      await till.say('request', { card: ida.hash, amount: 200 }),
      await till.say('advice', sale),
      await till.say('reversal', sale),
      ...(await offlineSale(900)),
    ]
    await office.post(`/terminals/${till.id}/revoke`)
    expect((await till.send(...said)).body.quarantined).toBe(true)
    expect(await balance(ida.account)).toBe(900)
    expect(await open()).toMatchObject([
      { id: `quarantine:${till.id}`, what: 'revoked', count: 7, amount: 300 + 250 + 900, terminal: till.id },
    ])

    const { body } = await settle(`quarantine:${till.id}`, 'book')

    expect(body).toMatchObject({ done: 7, left: 0, more: false })
    expect(await balance(ida.account)).toBe(-300)
    const booked = await office.db
      .prepare('SELECT kind, outcome, reason FROM message WHERE terminal = ? ORDER BY seq')
      .bind(`${till.id}q`)
      .all()
    expect(booked.results.map((row) => Object.values(row))).toEqual([
      ['request', 'declined', 'terminal_revoked'],
      ['advice', 'approved', null],
      ['request', 'declined', 'terminal_revoked'],
      ['advice', 'approved', null],
      ['reversal', 'reversed', null],
      ['request', 'declined', 'terminal_revoked'],
      ['advice', 'approved', 'insufficient_funds'],
    ])
    expect((await settle(`quarantine:${till.id}`, 'book')).body).toMatchObject({ done: 0, left: 0, more: false })
    expect(await balance(ida.account)).toBe(-300)
    // What would have been flagged is flagged now, and is settled like any other.
    expect(await open()).toMatchObject([{ id: `${till.id}q:7`, what: 'insufficient_funds', terminal: till.id }])
    expect(codeOf(await settle(`${till.id}q:7`, 'carry'))).toEqual([200, undefined])
    expect(await balance(ida.account)).toBe(600)
    // The line of numbers that it was booked under is no terminal to anybody.
    expect((await office.get<{ terminals: unknown[] }>('/terminals')).terminals).toHaveLength(1)
    const bar = await office.post<{ terminal: string }>('/terminals', { site, name: 'Baren' })
    expect(bar.terminal).toBe('4000-2')
    const statement = await office.get<{ movements: { kind: string }[] }>(`/accounts/${ida.account}`)
    expect(statement.movements.filter(({ kind }) => kind === 'purchase')).toHaveLength(4)
  })

  it('is booked whatever other terminals are called', async () => {
    await enrolledTerminal(office, site, `${till.id}q`)
    await office.post(`/terminals/${till.id}/revoke`)
    await till.send(await till.say('advice', { card: ida.hash, amount: 300 }))
    expect((await settle(`quarantine:${till.id}`, 'book')).body).toMatchObject({ done: 1, left: 0 })
    expect(await balance(ida.account)).toBe(700)
  })

  it('charges a sale once that was booked before, and undoes one that was', async () => {
    const [one, two] = [newSale(), newSale()]
    const asked = [
      await till.say('request', { sale: one, card: ida.hash, amount: 300 }),
      await till.say('request', { sale: two, card: ida.hash, amount: 400 }),
    ]
    await till.send(...asked)
    await office.post(`/terminals/${till.id}/revoke`)
    await till.send(
      await till.say('advice', { sale: one, card: ida.hash, amount: 300 }),
      await till.say('reversal', { sale: two, card: ida.hash, amount: 400 }),
    )
    expect((await settle(`quarantine:${till.id}`, 'book')).body).toMatchObject({ done: 2, left: 0 })
    expect(await balance(ida.account)).toBe(700)
  })

  it('that tells otherwise of a sale, or again, is not booked, and waits to be discarded', async () => {
    const sale = newSale()
    await till.send(await till.say('advice', { sale, card: ida.hash, amount: 300 }))
    till.rewind()
    const other = [
      await till.say('advice', { sale, card: ida.hash, amount: 300, at: 1 }),
      await till.say('reversal', { sale, card: ida.hash, amount: 400 }),
    ]
    await till.send(...other) // It contradicts: from here on the terminal is stopped.
    expect((await till.send(...other)).body.quarantined).toBe(true)
    await till.send(await till.say('advice', { card: ida.hash, amount: 50 }))
    expect((await settle(`quarantine:${till.id}`, 'book')).body).toMatchObject({ done: 1, left: 2, more: false })
    expect(await balance(ida.account)).toBe(650)
    const before = await contents(office.db)
    expect((await settle(`quarantine:${till.id}`, 'book')).body).toMatchObject({ done: 0, left: 2, more: false })
    expect(await contents(office.db)).toEqual(before)
    expect((await settle(`quarantine:${till.id}`, 'discard')).body).toMatchObject({ done: 2, left: 0 })
    expect((await open()).map(({ id }) => id)).toEqual(['alarm:1'])
  })

  it('undoes a sale that was carried, be it booked before or with it', async () => {
    const before = await sold(ida.hash, 1500)
    expect(codeOf(await settle(`${till.id}:1`, 'carry'))).toEqual([200, undefined])
    await office.post(`/terminals/${till.id}/revoke`)
    await till.send(await till.say('reversal', { ...before, card: ida.hash }))
    const later = { sale: newSale(), card: ida.hash, amount: 1700 }
    await till.send(await till.say('advice', later))
    expect((await settle(`quarantine:${till.id}`, 'book')).body).toMatchObject({ done: 2, left: 0 })
    expect([await balance(ida.account), await balance('revenue')]).toEqual([-700, 1700])
    expect(codeOf(await settle(`${till.id}q:2`, 'carry'))).toEqual([200, undefined])
    await till.send(await till.say('reversal', later))
    expect((await settle(`quarantine:${till.id}`, 'book')).body).toMatchObject({ done: 1, left: 0 })
    expect([await balance(ida.account), await balance('revenue')]).toEqual([1000, 0])
    expect(await open()).toEqual([])
  })

  it('is decided once where one books and another discards', async () => {
    const said: string[] = []
    for (let index = 0; index < 60; index += 1) said.push(await till.say('advice', { card: ida.hash, amount: 1 }))
    await office.post(`/terminals/${till.id}/revoke`)
    await till.send(...said)
    const decisions = ['book', 'discard', 'book', 'discard'] as const
    const answers = await Promise.all(decisions.map((decision) => settle(`quarantine:${till.id}`, decision)))
    const done = (of: string) =>
      answers.reduce((sum, { body }, at) => sum + (decisions[at] === of ? Number(body.done) : 0), 0)
    expect(done('book') + done('discard')).toBe(60)
    expect(await balance(ida.account)).toBe(1000 - done('book'))
    expect(await open()).toEqual([])
  })

  it('and discarded is never booked', async () => {
    const said = await offlineSale(300)
    await office.post(`/terminals/${till.id}/revoke`)
    await till.send(...said)
    expect((await settle(`quarantine:${till.id}`, 'discard')).body).toMatchObject({ done: 2, left: 0 })
    expect((await till.send(...said)).body.quarantined).toBe(true) // Told again, it is known.
    expect((await settle(`quarantine:${till.id}`, 'book')).body).toMatchObject({ done: 0, left: 0 })
    expect(await balance(ida.account)).toBe(1000)
  })

  it('is booked in several calls where it is much, each message once, whoever else does it too', async () => {
    const said: string[] = []
    for (let index = 0; index < 60; index += 1) said.push(await till.say('advice', { card: ida.hash, amount: 1 }))
    await office.post(`/terminals/${till.id}/revoke`)
    await till.send(...said)
    const answers = await Promise.all(Array.from({ length: 4 }, () => settle(`quarantine:${till.id}`, 'book')))
    for (const { status } of answers) expect(status).toBe(200)
    for (let more = true; more; ) more = (await settle(`quarantine:${till.id}`, 'book')).body.more === true
    expect(await balance(ida.account)).toBe(940)
    expect(await open()).toEqual([])
  })
})

it('nobody changes or deletes a decision, nor what was put aside', async () => {
  await sold(ida.hash, 1500)
  await settle(`${till.id}:1`, 'keep')
  await office.post(`/terminals/${till.id}/revoke`)
  const said = await till.say('request', { card: ida.hash, amount: 1 })
  await till.send(said)
  expect(await digest(said)).toBe(await office.db.prepare('SELECT hash FROM quarantine').first('hash'))
  for (const table of ['review', 'quarantine']) {
    for (const sql of [`UPDATE ${table} SET terminal = terminal`, `DELETE FROM ${table}`]) {
      await expect(office.db.prepare(sql).run()).rejects.toThrow('append-only')
    }
  }
})

import { beforeEach, describe, expect, it } from 'vitest'
import { digest } from '../../shared/signing.ts'
import { SyncAnswer } from '../../shared/wire.ts'
import { checkLedger } from '../../worker/ledger/check.ts'
import {
  type Answer,
  type CardHolder,
  call,
  cardHolder,
  contents,
  type EnrolledTerminal,
  enrolledTerminal,
  enrolment,
  type Key,
  type Municipality,
  newKey,
  newSite,
  oneSite,
  signed,
} from './municipality.ts'

let office: Municipality
let site: number
let ida: CardHolder
let till: EnrolledTerminal

beforeEach(async () => {
  ;({ office, site, terminal: till } = await oneSite())
  ida = await cardHolder(office, { credit: 50_000 })
})

const HOST = 'http://4000.localhost'
const codeOf = ({ status, body }: Answer) => [status, body.error?.code]
const alarms = async () => (await office.db.prepare('SELECT kind, terminal, seq FROM alarm ORDER BY id').all()).results
const count = async (table: string) => Number(await office.db.prepare(`SELECT count(*) AS n FROM ${table}`).first('n'))
const request = (amount = 100, with_: Record<string, unknown> = {}) =>
  till.say('request', { card: ida.hash, amount, with: with_ })

/** Messages that have been booked long ago. */
async function bookedLongAgo(messages: number): Promise<string[]> {
  const said: string[] = []
  for (let index = 0; index < messages; index += 1) said.push(await request())
  expect((await till.send(...said)).status).toBe(200)
  const trigger = await office.db.prepare("SELECT sql FROM sqlite_master WHERE name = 'message_no_update'").first('sql')
  await office.db.batch([
    office.db.prepare('DROP TRIGGER message_no_update'),
    office.db.prepare('UPDATE message SET received_at = received_at - 600000'),
    office.db.prepare('UPDATE terminal SET enrolled_at = enrolled_at - 1200000'),
    office.db.prepare(String(trigger)),
  ])
  return said
}

async function sync(query = '', by = till): Promise<Answer> {
  return call('GET', `/api/terminal/sync${query}`, { token: await by.proof('/api/terminal/sync') })
}

describe('a journal that a sync tells of', () => {
  it('raises no alarm while it says what is booked, or more', async () => {
    const said = await bookedLongAgo(3)
    for (const query of [
      '',
      `?head=3&hash=${await digest(said[2] ?? '')}`,
      `?head=4&hash=${await digest('one that is not sent yet')}`, // Also where the worker was restored.
    ]) {
      expect((await sync(query)).status).toBe(200)
    }
    expect(await alarms()).toEqual([])
  })

  it('raises no alarm where a message has overtaken the sync on its way', async () => {
    const said = await bookedLongAgo(2)
    expect((await till.send(await request())).status).toBe(200)
    expect((await sync(`?head=2&hash=${await digest(said[1] ?? '')}`)).status).toBe(200)
    expect(await alarms()).toEqual([])
  })

  it('stops the terminal where it holds another message under a number, and every further call', async () => {
    await bookedLongAgo(3)
    const fork = await sync(`?head=3&hash=${await digest('a copy sold this')}`)
    expect(codeOf(fork)).toEqual([409, 'terminal_stopped'])
    expect(codeOf(await sync())).toEqual([409, 'terminal_stopped'])
    const card = `/api/terminal/cards/${ida.hash}`
    expect(codeOf(await call('GET', card, { token: await till.proof(card) }))).toEqual([409, 'terminal_stopped'])
    expect(await alarms()).toEqual([{ kind: 'journal_forked', terminal: till.id, seq: 3 }])
    const { terminals } = await office.get<{ terminals: unknown[] }>('/terminals')
    expect(terminals).toMatchObject([{ id: till.id, state: 'stopped' }])
  })

  it('stops the terminal where it has forgotten messages, all of them too', async () => {
    const said = await bookedLongAgo(3)
    expect(codeOf(await sync(`?head=2&hash=${await digest(said[1] ?? '')}`))).toEqual([409, 'terminal_stopped'])
    expect(await alarms()).toEqual([{ kind: 'journal_rolled_back', terminal: till.id, seq: 2 }])
    await office.db.prepare('UPDATE terminal SET stopped_at = NULL').run()
    expect(codeOf(await sync('?head=0&hash='))).toEqual([409, 'terminal_stopped'])
  })

  it('is malformed without its number or its digest, and changes nothing', async () => {
    const before = await contents(office.db)
    for (const query of ['?head=3', '?hash=', '?head=0&hash=x', '?head=3&hash=', `?head=-1&hash=${'a'.repeat(43)}`]) {
      expect(codeOf(await sync(query))).toEqual([400, 'malformed'])
    }
    expect(await contents(office.db)).toEqual(before)
  })

  it('tells staff the software, and when the terminal had the whole card list', async () => {
    const page = SyncAnswer.parse((await sync('?version=klubkort-terminal/0.1.0')).body)
    const listed = async () =>
      (await office.get<{ terminals: { listedAt: number | null; software: string }[] }>('/terminals')).terminals[0]
    expect(await listed()).toMatchObject({ software: 'klubkort-terminal/0.1.0', listedAt: null })
    await sync(`?since=${page.version}`)
    expect((await listed())?.listedAt).toBeGreaterThan(Date.now() - 60_000)
  })
})

describe('limits', () => {
  const limits = async () => SyncAnswer.parse((await sync()).body)

  it("reach the terminal through its sync: the site's own before the municipality's", async () => {
    await office.post('/settings', {
      offline: { saleMax: 4000, weakSaleMax: 9000, tokenTypes: ['ntag', 'classic'], language: 'en' },
    })
    expect(await limits()).toMatchObject({ limits: { saleMax: 4000, weakSaleMax: 4000 }, language: 'en' })
    expect((await limits()).tokenTypes).toEqual(['classic', 'ntag'])
    await office.post(`/sites/${site}/limits`, { saleMax: 0, language: 'da' })
    expect(await limits()).toMatchObject({ limits: { saleMax: 0, cardSumMax: 10_000 }, language: 'da' })
    const { sites } = await office.get<{ sites: unknown[] }>('/sites/limits')
    expect(sites).toMatchObject([{ own: { saleMax: 0, cardSumMax: null, language: 'da' }, limits: { saleMax: 0 } }])
    await office.post(`/sites/${site}/limits`, { saleMax: null })
    expect((await limits()).limits.saleMax).toBe(4000)
  })

  it('that are none are refused, and so are those of a site that is none', async () => {
    const post = (path: string, body: unknown) => call('POST', `/api/staff${path}`, { token: office.token, body })
    for (const wrong of [
      { saleMax: -1 },
      { saleMax: 1.5 },
      { listAgeMaxMs: 31 * 86_400_000 },
      { tokenTypes: ['rfid'] },
    ]) {
      expect(codeOf(await post(`/sites/${site}/limits`, wrong))).toEqual([400, 'malformed'])
      expect(codeOf(await post('/settings', { offline: wrong }))).toEqual([400, 'malformed'])
    }
    expect(codeOf(await post('/sites/99/limits', { saleMax: 1 }))).toEqual([404, 'site_unknown'])
  })

  it('times the terminals are the worst that can be lost', async () => {
    await enrolledTerminal(office, site, 'Baren')
    const canteen = await newSite(office, 'Kantinen')
    await enrolledTerminal(office, canteen, 'Kantinen')
    await office.post('/terminals', { site, name: 'Reserven' }) // It waits to be enrolled, and sells nothing.
    await office.post(`/sites/${canteen}/limits`, { unsentCountMax: 5, saleMax: 1000, cardSumMax: 100_000 })
    expect(await office.get('/terminals/risk')).toMatchObject({
      cards: { active: 1, blocked: 0 },
      sites: [
        { id: canteen, terminals: 1, caps: { unsentSum: 2_000_000, unsentCount: 2000, cardSum: 100_000 }, worst: 2000 },
        {
          id: site,
          terminals: 2,
          caps: { unsentSum: 4_000_000, unsentCount: 10_000_000, cardSum: 20_000 },
          worst: 20_000,
        },
      ],
      worst: 22_000,
    })
  })
})

describe('the worst that can be lost', () => {
  const worst = async () => (await office.get<{ worst: number }>('/terminals/risk')).worst

  it('counts a terminal that is barred for as long as its card list may be in use, and cards that it may not know of', async () => {
    await sync()
    const before = await worst()
    expect(before).toBeGreaterThan(0)
    await office.db.prepare("UPDATE card SET status = 'blocked'").run()
    expect(await worst()).toBe(before)
    await office.post(`/terminals/${till.id}/revoke`)
    expect(await worst()).toBe(before)
    const { sites } = await office.get<{ sites: { limits: { listAgeMaxMs: number } }[] }>('/sites/limits')
    await office.db
      .prepare('UPDATE terminal SET last_seen_at = last_seen_at - ?')
      .bind(sites[0]?.limits.listAgeMaxMs ?? 0)
      .run()
    expect(await worst()).toBe(0)
  })
})

describe('messages of a terminal that is barred', () => {
  it('are put aside once each and answered, what was booked by its answer, and book nothing', async () => {
    const booked = await request(1000)
    const [answer] = (await till.send(booked)).body.results as unknown[]
    const next = [await request(200), await till.say('advice', { card: ida.hash, amount: 300 })]
    await office.post(`/terminals/${till.id}/revoke`)
    const before = await contents(office.db, 'quarantine')
    for (const _ of [1, 2]) {
      const { status, body } = await till.send(booked, ...next)
      expect([status, body.quarantined]).toEqual([200, true])
      expect(body.results).toMatchObject([
        answer,
        { seq: 2, outcome: 'declined', reason: 'terminal_revoked' },
        { seq: 3, outcome: 'declined', reason: 'terminal_revoked' },
      ])
    }
    expect(await contents(office.db, 'quarantine')).toEqual(before)
    expect(await count('quarantine')).toBe(2)
  })

  it('are refused with another key, and beyond what could have been waiting to be sent', async () => {
    await office.post(`/sites/${site}/limits`, { unsentCountMax: 3 })
    const said = await request()
    await office.post(`/terminals/${till.id}/revoke`)
    const forged = await signed(await newKey(), 'klubkort-debit', till.id, { any: 'thing' })
    expect(codeOf(await till.send(forged))).toEqual([401, 'terminal_revoked'])
    expect(codeOf(await till.send(said, forged))).toEqual([401, 'terminal_revoked'])
    const far = await request(100, { seq: 5 })
    expect(codeOf(await till.send(far))).toEqual([401, 'terminal_revoked'])
    expect(await count('quarantine')).toBe(0)
    // Whoever has the key can sign any number of messages under one number.
    for (let amount = 1; amount <= 6; amount += 1) {
      const { status } = await till.send(await request(amount, { seq: 2 }))
      expect(status).toBe(amount <= 3 ? 200 : 401)
    }
    expect(await count('quarantine')).toBe(3)
    expect(codeOf(await till.send(said))).toEqual([401, 'terminal_revoked'])
  })

  it('that contradicts what is booked are refused once, and then put aside', async () => {
    await till.send(await request(100))
    till.rewind()
    const other = await request(200)
    expect(codeOf(await till.send(other))).toEqual([409, 'message_conflict'])
    const { status, body } = await till.send(other)
    expect([status, body.quarantined]).toEqual([200, true])
    await office.post(`/sites/${site}/limits`, { unsentCountMax: 0 })
    till.rewind(2, await digest(other))
    expect(codeOf(await till.send(await request(300)))).toEqual([409, 'terminal_stopped'])
    expect(await alarms()).toEqual([{ kind: 'message_conflict', terminal: till.id, seq: 1 }])
  })
})

describe('a terminal that is enrolled again', () => {
  const renewed = () => office.post<{ code: string }>(`/terminals/${till.id}/renew`)
  const enrol = async (code: string, key: Key) =>
    call('POST', '/api/terminal/enrol', { body: await enrolment(code, key) })

  it('goes on where its numbers end, with another key, and is stopped no more', async () => {
    const said = await bookedLongAgo(2)
    await sync(`?head=2&hash=${await digest('a fork')}`)
    const { code } = await renewed()
    const key = await newKey()
    const { status, body } = await enrol(code, key)
    expect([status, body.nextSeq, body.prev]).toEqual([200, 3, await digest(said[1] ?? '')])
    expect(await enrol(code, key)).toMatchObject({ status: 200, body: { nextSeq: 3 } }) // The answer was lost.
    expect(codeOf(await enrol(code, await newKey()))).toEqual([409, 'code_used'])

    const old = await request(400) // The copy goes on, with the key that was.
    const aside = await till.send(old)
    expect([aside.status, aside.body.quarantined]).toEqual([200, true])
    expect(codeOf(await sync())).toEqual([401, 'proof_invalid'])
    till.key.privateKey = key.privateKey
    till.rewind(3, await digest(said[1] ?? ''))
    expect(await till.send(await request(500))).toMatchObject({ status: 200, body: { quarantined: false } })
    expect((await sync(`?head=2&hash=${await digest(said[1] ?? '')}`)).status).toBe(200) // Its new journal is empty.
    expect(await checkLedger(office.db)).toMatchObject({ messages: 3, violations: [] })
  })

  it('needs a key that nobody has or had, and the code stays good for one', async () => {
    const bar = await enrolledTerminal(office, site, 'Baren')
    const { code } = await renewed()
    for (const key of [till.key, bar.key]) expect(codeOf(await enrol(code, key))).toEqual([401, 'proof_invalid'])
    const key = await newKey()
    expect((await enrol(code, key)).status).toBe(200)
    const again = await renewed()
    expect(codeOf(await enrol(again.code, till.key))).toEqual([401, 'proof_invalid'])
    expect(codeOf(await enrol(again.code, key))).toEqual([401, 'proof_invalid'])
  })

  it('leaves the key before no way to raise an alarm, whatever this worker remembers', async () => {
    const said = await request()
    await till.send(said)
    const key = await newKey()
    await enrol((await renewed()).code, key)
    till.rewind()
    const before = await contents(office.db, 'quarantine')
    for (const amount of [200, 300]) {
      till.rewind()
      expect((await till.send(await request(amount))).body.quarantined).toBe(true)
    }
    const fork = await till.say('request', { card: ida.hash, amount: 1, with: { seq: 3, prev: await digest(said) } })
    expect((await till.send(said, fork)).body.quarantined).toBe(true)
    expect(await contents(office.db, 'quarantine')).toEqual(before)
    expect(await alarms()).toEqual([])
    const { terminals } = await office.get<{ terminals: unknown[] }>('/terminals')
    expect(terminals).toMatchObject([{ state: 'enrolled', lastSeq: 1, quarantined: 3 }])
  })

  it('is so by one of several that use the code at once', async () => {
    const { code } = await renewed()
    const keys = await Promise.all([1, 2, 3, 4].map(newKey))
    const answers = await Promise.all(keys.map((key) => enrol(code, key)))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 409, 409, 409])
    const inUse = await office.db.prepare('SELECT public_key AS key FROM terminal').first('key')
    expect(inUse).toBe(keys[answers.findIndex(({ status }) => status === 200)]?.publicKey)
    expect(await count('terminal_key')).toBe(1)
  })

  it('is so by the newest code alone, and by none once it is revoked', async () => {
    const [first, second] = [await renewed(), await renewed()]
    expect(codeOf(await enrol(first.code, await newKey()))).toEqual([409, 'code_expired'])
    expect((await enrol(second.code, await newKey())).status).toBe(200)
    expect(codeOf(await enrol(second.code, await newKey()))).toEqual([409, 'code_used'])
    const third = await renewed()
    await office.post(`/terminals/${till.id}/revoke`)
    const before = await contents(office.db)
    expect(codeOf(await enrol(third.code, await newKey()))).toEqual([409, 'code_used'])
    expect(await contents(office.db)).toEqual(before)
  })

  it('gets no code where it is revoked, waits for its first, or is none', async () => {
    const renew = (id: string) => call('POST', `/api/staff/terminals/${id}/renew`, { token: office.token, body: {} })
    const waiting = await office.post<{ terminal: string }>('/terminals', { site, name: 'Reserven' })
    expect(codeOf(await renew(waiting.terminal))).toEqual([409, 'not_enrolled'])
    expect(codeOf(await renew('4000-77'))).toEqual([404, 'not_found'])
    await office.post(`/terminals/${till.id}/revoke`)
    expect(codeOf(await renew(till.id))).toEqual([401, 'terminal_revoked'])
  })
})

describe("a terminal's key", () => {
  const HTU = `${HOST}/api/terminal/key`
  const nowS = () => Math.floor(Date.now() / 1000)
  type Claims = Record<string, unknown>

  /** What a terminal sends to change its key; the claims of its proof and of the new key's word can be others. */
  async function rotation(next: Key, { by = till.key, proof = {} as Claims, word = {} as Claims, wordBy = next } = {}) {
    const agreed = { terminal: till.id, htu: HTU, iat: nowS(), ...word }
    const confirmation = await signed(wordBy, 'klubkort-confirmation', undefined, agreed)
    const asked = {
      iss: till.id,
      htu: HTU,
      iat: nowS(),
      jti: crypto.randomUUID(),
      publicKey: next.publicKey,
      confirmation,
    }
    return {
      publicKey: next.publicKey,
      proof: await signed(by, 'klubkort-rotation', till.id, { ...asked, ...proof }),
    }
  }
  const send = (body: unknown) => call('POST', '/api/terminal/key', { body })

  it('is replaced on its own word and the new one, and the old one books nothing more', async () => {
    await till.send(await request())
    const [old, next] = [till.key, await newKey()]
    const asked = await rotation(next)
    expect(await send(asked)).toMatchObject({ status: 200, body: { terminal: till.id } })
    const before = await contents(office.db)
    expect((await send(asked)).status).toBe(200) // The answer was lost.
    expect((await send(await rotation(next, { by: old }))).status).toBe(200) // And a minute has gone by since.
    expect(await contents(office.db)).toEqual(before)

    const byOld = await request()
    const aside = await till.send(byOld)
    expect([aside.status, aside.body.quarantined]).toEqual([200, true])
    expect(codeOf(await sync())).toEqual([401, 'proof_invalid'])
    till.key.privateKey = next.privateKey
    till.rewind(2, String(await office.db.prepare('SELECT hash FROM message').first('hash')))
    expect(await till.send(await request())).toMatchObject({ status: 200, body: { quarantined: false } })
    expect((await sync()).status).toBe(200)
  })

  it('stays where the call is replayed after the next rotation, or leads back to a key that was', async () => {
    const [first, second, third] = [{ ...till.key }, await newKey(), await newKey()]
    const earlier = await rotation(second)
    await send(earlier)
    expect((await send(await rotation(third, { by: second }))).status).toBe(200)
    const before = await contents(office.db)
    for (const asked of [
      earlier,
      await rotation(first, { by: third }),
      await rotation(second, { by: third }),
      await rotation(await newKey(), { by: first }),
    ]) {
      expect(codeOf(await send(asked))).toEqual([401, 'proof_invalid'])
    }
    expect(await contents(office.db)).toEqual(before)
  })

  it('is replaced once by several words of it at once, whatever each names', async () => {
    const keys = await Promise.all([1, 2, 3].map(newKey))
    const asked = await Promise.all(keys.map((next) => rotation(next)))
    const answers = await Promise.all(asked.map(send))
    expect(answers.map(({ status }) => status).sort()).toEqual([200, 401, 401])
    const inUse = await office.db.prepare('SELECT public_key AS key FROM terminal').first('key')
    expect(inUse).toBe(keys[answers.findIndex(({ status }) => status === 200)]?.publicKey)
    expect(await count('terminal_key')).toBe(1)
  })

  it('stays where the proof or the confirmation is not to the letter', async () => {
    const [next, other] = [await newKey(), await newKey()]
    const bar = await enrolledTerminal(office, site, 'Baren')
    const before = await contents(office.db)
    for (const asked of [
      await rotation(next, { by: other }),
      await rotation(next, { by: bar.key }),
      await rotation(next, { wordBy: other }),
      await rotation(next, { word: { terminal: bar.id } }),
      await rotation(next, { word: { htu: `${HOST}/api/terminal/enrol` } }),
      await rotation(next, { word: { iat: nowS() - 61 } }),
      await rotation(next, { proof: { iat: nowS() - 61 } }),
      await rotation(next, { proof: { iat: nowS() + 300 } }),
      await rotation(next, { proof: { iss: bar.id } }),
      await rotation(next, { proof: { htu: 'http://7620.localhost/api/terminal/key' } }),
      await rotation(next, { proof: { publicKey: other.publicKey } }),
      await rotation(next, { proof: { more: 1 } }),
      { ...(await rotation(next)), publicKey: other.publicKey },
      { ...(await rotation(next)), publicKey: 'A'.repeat(43) },
      await rotation(bar.key),
    ]) {
      expect(codeOf(await send(asked))).toEqual([401, 'proof_invalid'])
    }
    expect(codeOf(await send({ publicKey: next.publicKey, proof: 'x' }))).toEqual([400, 'malformed'])
    expect(await contents(office.db)).toEqual(before)
  })

  it('is not replaced for a terminal that is stopped or revoked', async () => {
    await office.db.prepare('UPDATE terminal SET stopped_at = 1').run()
    expect(codeOf(await send(await rotation(await newKey())))).toEqual([409, 'terminal_stopped'])
    await office.post(`/terminals/${till.id}/revoke`)
    expect(codeOf(await send(await rotation(await newKey())))).toEqual([401, 'terminal_revoked'])
    expect(await office.db.prepare('SELECT public_key AS key FROM terminal').first('key')).toBe(till.key.publicKey)
  })

  it('that a barred terminal has made, on the word of the one it has, signs what is put aside; no second one does', async () => {
    const [old, next, other] = [{ ...till.key }, await newKey(), await newKey()]
    await office.post(`/terminals/${till.id}/revoke`)
    expect(codeOf(await send(await rotation(other, { by: other })))).toEqual([401, 'terminal_revoked'])
    for (const _ of [1, 2]) expect(codeOf(await send(await rotation(next)))).toEqual([401, 'terminal_revoked'])
    expect(codeOf(await send(await rotation(other)))).toEqual([401, 'terminal_revoked'])
    const by = async ({ privateKey }: Key) => {
      till.key.privateKey = privateKey
      const { status, body } = await till.send(await request())
      return [status, body.quarantined ?? body.error?.code]
    }
    expect(await by(next)).toEqual([200, true])
    expect(await by(old)).toEqual([200, true])
    expect(await by(other)).toEqual([401, 'terminal_revoked'])
  })
})

it('the line of numbers that messages put aside are booked under is no terminal, to staff and to whoever signs', async () => {
  await office.post(`/terminals/${till.id}/revoke`)
  await till.send(await till.say('advice', { card: ida.hash, amount: 100 }))
  await office.post(`/reviews/quarantine:${till.id}/settle`, { decision: 'book', note: 'Aftalt' })
  const before = await contents(office.db)
  for (const verb of ['code', 'renew', 'revoke']) {
    const { status } = await call('POST', `/api/staff/terminals/${till.id}q/${verb}`, { token: office.token, body: {} })
    expect([400, 404]).toContain(status)
  }
  const forged = await signed(till.key, 'klubkort-debit', `${till.id}q`, { any: 'thing' })
  expect(codeOf(await till.send(forged))).toEqual([401, 'terminal_unknown'])
  const path = '/api/terminal/sync'
  const claims = { iss: `${till.id}q`, htm: 'GET', htu: HOST + path, iat: Math.floor(Date.now() / 1000), jti: 'x' }
  const proof = await signed(till.key, 'klubkort-proof', `${till.id}q`, claims)
  expect((await call('GET', path, { token: proof })).status).toBe(401)
  expect(await contents(office.db)).toEqual(before)
})

it('a card says on how many terminals it is blocked', async () => {
  await enrolledTerminal(office, site, 'Baren')
  const { version } = SyncAnswer.parse((await sync()).body)
  await sync(`?since=${version}`)
  expect(await office.get(`/cards/${ida.card}`)).toMatchObject({ status: 'active', reach: { told: 1, terminals: 2 } })
  const blocked = await office.post(`/cards/${ida.card}/block`)
  expect(blocked).toMatchObject({ status: 'blocked', reach: { told: 0, terminals: 2 } })
})

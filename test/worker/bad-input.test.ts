import { applyD1Migrations, env, reset, SELF } from 'cloudflare:test'
import { beforeEach, describe, expect, it } from 'vitest'
import { ERROR_STATUS, ErrorBody, type ErrorCode } from '../../shared/errors.ts'
import { base64url, digest, fromBase64url } from '../../shared/signing.ts'
import { app } from '../../worker/main.ts'
import { SHARED_ROUTES } from '../../worker/routes/staff-roles.ts'
import {
  type Answer,
  type CardHolder,
  call,
  cardHolder,
  contents,
  type EnrolledTerminal,
  emptyDatabases,
  enrolledTerminal,
  enrolment,
  type Municipality,
  municipality,
  newKey,
  newSale,
  newSite,
  type Said,
  signed,
} from './municipality.ts'

let office: Municipality
let site: number
let holder: CardHolder
let terminal: EnrolledTerminal
let neighbour: EnrolledTerminal

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  site = await newSite(office)
  holder = await cardHolder(office, { credit: 10_000 })
  terminal = await enrolledTerminal(office, site, 'Disken')
  neighbour = await enrolledTerminal(office, site, 'Baren')
})

const MESSAGES = '/api/terminal/messages'
const CASE = '0198c0de-0000-7000-8000-000000000001'
const hour = 3_600_000

/** Refused under this code, in the one documented form, and nothing in the database is other than before. */
async function expectRefused(code: ErrorCode, what: string, act: () => Promise<Answer>) {
  const before = await contents(office.db, 'alarm')
  const { status, body } = await act()
  expect([what, status, body.error?.code]).toEqual([what, ERROR_STATUS[code], code])
  expect(ErrorBody.parse(body).error.message, what).not.toBe('')
  expect(await contents(office.db, 'alarm'), what).toEqual(before)
}

/** A contradiction, which is refused and books nothing, and stops the terminal; staff let it go on, for what comes next. */
async function expectStopped(what: string, by: EnrolledTerminal, act: () => Promise<Answer>) {
  const before = await contents(office.db, 'alarm', 'audit', 'terminal')
  const { status, body } = await act()
  expect([what, status, body.error?.code]).toEqual([what, 409, 'message_conflict'])
  expect(await contents(office.db, 'alarm', 'audit', 'terminal'), what).toEqual(before)
  const lifted = await office.db
    .prepare('UPDATE terminal SET stopped_at = NULL WHERE id = ? AND stopped_at IS NOT NULL')
    .bind(by.id)
    .run()
  expect(lifted.meta.changes, what).toBe(1)
}

const alarms = async () =>
  (await office.db.prepare('SELECT terminal, seq, hash FROM alarm ORDER BY id').all<{ hash: string }>()).results

// ── Bodies ──────────────────────────────────────────────────────────────────

describe('a body that is not of the documented form', () => {
  const DOORS = ['/api/terminal/messages', '/api/terminal/enrol', '/api/staff/sites', '/api/staff/cards/1/block']
  const token = () => office.token

  it('is malformed where it is no JSON, empty, or another type', async () => {
    const knock = (path: string, body: string | undefined, headers: Record<string, string>) =>
      call('POST', path, { token: token(), headers, ...(body !== undefined && { body }) })
    const json = { 'content-type': 'application/json' }
    for (const path of DOORS) {
      for (const body of ['', '{', 'null', '[]', '"text"', '7', '{"messages":', '\u0000', '{}}']) {
        await expectRefused('malformed', `${path} ${body}`, () => knock(path, body, json))
      }
      await expectRefused('malformed', `${path} without a body`, () => knock(path, undefined, json))
      await expectRefused('malformed', `${path} without a body or a type`, () => knock(path, undefined, {}))
      for (const type of ['text/plain', 'application/x-www-form-urlencoded', 'multipart/form-data', '']) {
        await expectRefused('malformed', `${path} as ${type}`, () => knock(path, '{}', { 'content-type': type }))
      }
    }
    const body = JSON.stringify({ messages: [await terminal.say('request', { card: holder.hash, amount: 500 })] })
    await expectRefused('malformed', 'messages as text', () => knock(MESSAGES, body, { 'content-type': 'text/plain' }))
  })

  it('is malformed where it has fields that are unknown, missing or of another type', async () => {
    const jws = await terminal.say('request', { card: holder.hash, amount: 500 })
    const bodies: [string, unknown][] = [
      [MESSAGES, { messages: [jws], more: 1 }],
      [MESSAGES, { messages: [] }],
      [MESSAGES, { messages: jws }],
      [MESSAGES, { messages: [jws, 7] }],
      [MESSAGES, { messages: [jws, `${jws}=`] }],
      [MESSAGES, { messages: ['a.b.c'] }],
      [MESSAGES, { messages: [`${jws.split('.')[0]}.${'A'.repeat(9000)}.${'A'.repeat(86)}`] }],
      ['/api/staff/sites', { name: 'Kantinen', id: 9 }],
      ['/api/staff/sites', { name: 7 }],
      ['/api/staff/children', { name: 'Emil', dailyLimit: 0 }],
      ['/api/staff/children', { name: 'Emil', dailyLimit: 10.5 }],
      ['/api/staff/children', { dailyLimit: null }],
      ['/api/staff/products', { site, name: 'Toast', price: 0 }],
      ['/api/staff/products', { site, name: 'Toast', price: -100 }],
      ['/api/staff/products', { site, name: 'Toast', price: '2500' }],
      ['/api/staff/products', { site, name: 'x'.repeat(41), price: 100 }],
      ['/api/staff/products', { site: '1', name: 'Toast', price: 100 }],
      ['/api/staff/products', { site, name: 'Toast', price: 100, category: 'tobacco' }],
      ['/api/staff/products', { site, name: 'Toast', price: 100, category: null }],
      ['/api/staff/products/1/category', { category: 'Food' }],
      ['/api/staff/products/1/category', {}],
      ...[
        '',
        '010157500',
        '01015750011',
        '310257-5001',
        '010157 5001',
        '0101575001 or 1=1',
        101575001,
        null,
        ['0101575001'],
      ].flatMap((cpr): [string, unknown][] => [
        [`/api/staff/children/${holder.child}/guardians`, { cpr }],
        [`/api/staff/children/${holder.child}/guardians/end`, { cpr }],
      ]),
      [`/api/staff/children/${holder.child}/guardians`, { cpr: '0101575001', name: 'Anna' }],
      [`/api/staff/cases/${CASE}/answer`, { id: 'once', text: 'Ja' }],
      [`/api/staff/cases/${CASE}/answer`, { id: CASE, text: ' \r\n ' }],
      [`/api/staff/cases/${CASE}/answer`, { id: CASE, text: 'x'.repeat(4001) }],
      [`/api/staff/cases/${CASE}/answer`, { id: CASE }],
      [`/api/staff/cases/${CASE}/close`, { why: 'done' }],
      ['/api/staff/publications', { kind: 'news', language: 'da', text: 'Nyt' }],
      ['/api/staff/publications', { kind: 'terms', language: 'sv', text: 'Nytt' }],
      ['/api/staff/publications', { kind: 'terms', language: 'da', text: ' ' }],
      ['/api/staff/publications', { kind: 'terms', language: 'da', text: 'x'.repeat(100_001) }],
      ['/api/staff/publications', { kind: 'terms', language: 'da', text: 'ø'.repeat(50_001) }],
      ['/api/staff/publications', { kind: 'terms', language: 'da', text: 'Nyt', version: 7 }],
      ['/api/staff/settings', { name: null }],
      ['/api/staff/settings', { name: '' }],
      ['/api/staff/settings', { supportPhone: 'ring' }],
      ['/api/staff/settings', { supportPhone: '' }],
      ['/api/staff/settings', { supportMail: 'support' }],
      ['/api/staff/settings', { supportMail: 'a@b.example\nbcc: c@d.example' }],
      ['/api/staff/settings', { mailFrom: 'Anna <a@b.example>' }],
      ['/api/staff/settings', { supportHours: 'altid' }],
      ['/api/staff/settings', { supportHours: { sv: 'alltid' } }],
      ['/api/staff/settings', { number: 7620 }],
      ['/api/staff/cards', { child: holder.child, uid: '04a1b2' }],
      ['/api/staff/cards', { child: holder.child, uid: '04a1b2c3d4e5fg' }],
      ['/api/staff/cards', { child: 0, uid: '04a1b2c3' }],
      ['/api/staff/terminals', { site, name: '' }],
      [`/api/staff/accounts/${holder.account}/credit`, { id: 'once', amount: 100, reason: 'test' }],
      [`/api/staff/accounts/${holder.account}/credit`, { id: newSale(), amount: 0, reason: 'test' }],
      [`/api/staff/accounts/${holder.account}/credit`, { id: newSale(), amount: -1, reason: 'test' }],
      [`/api/staff/accounts/${holder.account}/credit`, { id: newSale(), amount: 0.5, reason: 'test' }],
      [`/api/staff/accounts/${holder.account}/credit`, { id: newSale(), amount: 2 ** 53, reason: 'test' }],
      [`/api/staff/accounts/${holder.account}/credit`, { id: newSale(), amount: 100_000_000, reason: 'test' }],
      [`/api/staff/accounts/${holder.account}/credit`, { id: newSale(), amount: 100, reason: '  x ' }],
      [`/api/staff/cards/${holder.card}/block`, { why: 'lost' }],
      [`/api/staff/terminals/${terminal.id}/revoke`, { sure: true }],
    ]
    for (const [path, body] of bodies) {
      await expectRefused('malformed', `${path} ${JSON.stringify(body).slice(0, 90)}`, () =>
        call('POST', path, { token: token(), body }),
      )
    }
  })

  it('is malformed where a name or a reason has control characters', async () => {
    for (const control of ['\u0000', '\u0007', '\u001b[31m', '\n', '\r', '\t', '\u007f', '\u0085']) {
      const name = `Ung${control}dom`
      const bodies: [string, unknown][] = [
        ['/api/staff/sites', { name }],
        ['/api/staff/children', { name }],
        ['/api/staff/products', { site, name, price: 100 }],
        ['/api/staff/terminals', { site, name }],
        [`/api/staff/accounts/${holder.account}/credit`, { id: newSale(), amount: 100, reason: name }],
        ['/api/staff/settings', { name }],
        ['/api/staff/settings', { supportHours: { da: name } }],
      ]
      // What has several lines may have line ends, which come in three kinds, and tabs.
      const texts: [string, unknown][] = [
        [`/api/staff/cases/${CASE}/answer`, { id: CASE, text: name }],
        ['/api/staff/publications', { kind: 'terms', language: 'da', text: name }],
      ]
      if (!/\s/.test(control)) bodies.push(...texts)
      for (const [path, body] of bodies) {
        await expectRefused('malformed', `${path} ${JSON.stringify(name)}`, () =>
          call('POST', path, { token: token(), body }),
        )
      }
    }
  })

  it('is too large above a mebibyte, whether its length is told or not', async () => {
    const text = JSON.stringify({ messages: ['x'.repeat(1_048_577)] })
    const stream = new ReadableStream<Uint8Array>({
      start(controller) {
        for (let at = 0; at < text.length; at += 65_536) {
          controller.enqueue(new TextEncoder().encode(text.slice(at, at + 65_536)))
        }
        controller.close()
      },
    })
    await expectRefused('too_large', 'told', () =>
      call('POST', MESSAGES, { body: text, headers: { 'content-length': String(text.length) }, door: SELF }),
    )
    await expectRefused('too_large', 'not told', () => call('POST', MESSAGES, { body: stream, door: SELF }))
    expect(stream.locked).toBe(true)
  })

  it('is malformed where it is nested as deep as a body may be', async () => {
    const depth = 500_000
    const [lists, objects] = ['['.repeat(depth), '{"a":'.repeat(depth / 5)]
    const texts = [lists, lists + ']'.repeat(depth), `${objects}1${'}'.repeat(depth / 5)}`]
    for (const path of [...DOORS, '/api/terminal/key', '/api/staff/hand-outs', '/api/staff/products/import']) {
      for (const [index, body] of texts.entries()) {
        await expectRefused('malformed', `${path} ${index}`, () => call('POST', path, { token: token(), body }))
      }
    }
  })

  it('is too large with 101 messages, and 100 are booked', async () => {
    const messages: string[] = []
    for (let n = 0; n < 101; n++) messages.push(await terminal.say('request', { card: holder.hash, amount: 100 }))

    await expectRefused('too_large', '101 messages', () => terminal.send(...messages))

    expect((await terminal.send(...messages.slice(0, 100))).body.results).toHaveLength(100)
  })
})

// ── Messages ────────────────────────────────────────────────────────────────

describe('a debit message that its terminal has signed', () => {
  const say = (overrides: Record<string, unknown>, amount = 1000) =>
    terminal.say('request', { card: holder.hash, amount, with: overrides })

  it('is malformed where its payload is not of the documented form', async () => {
    const line = { product: 1, quantity: 1, price: 1000 }
    const payloads: Record<string, unknown>[] = [
      { more: 1 },
      { __proto__: null, constructor: 1 },
      { v: 2 },
      { kind: 'refund' },
      { kind: undefined },
      { sale: 'not-a-uuid' },
      { sale: '0198c0de-0000-4000-8000-000000000000' }, // Version 4.
      { sale: newSale().toUpperCase() },
      { seq: 0, prev: '' },
      { seq: -1 },
      { seq: 1.5 },
      { seq: '1' },
      { prev: 'A'.repeat(43) }, // The first has no predecessor.
      { seq: 2 }, // All others have one.
      { seq: 2, prev: 'short' },
      { card: holder.uid },
      { card: `${holder.hash}=` },
      { at: -1 },
      { at: 1.5 },
      { at: '2026-03-28' },
      { at: 8_640_000_000_000_001 }, // No calendar has this day, and no table could show it.
      { amount: 0, lines: [{ ...line, price: 0 }] },
      { amount: -1000, lines: [{ ...line, price: -1000 }] },
      { amount: 0.5, lines: [{ ...line, price: 0.5 }] },
      { amount: 2 ** 53, lines: [{ ...line, price: 2 ** 53 }] },
      { amount: 2 ** 53 + 2, lines: [{ ...line, price: 2 ** 53 + 2 }] },
      { amount: 100_000_000, lines: [{ ...line, quantity: 2, price: 50_000_000 }] },
      { amount: '1000' },
      { amount: null },
      { amount: 999 },
      { lines: [] },
      { lines: [{ ...line, price: 999 }] },
      { lines: [{ ...line, quantity: 2 }] },
      { lines: [line, line] },
      { lines: [line, { ...line, price: -1 }] },
      { lines: [{ ...line, quantity: 0 }] },
      { lines: [{ ...line, quantity: 100, price: 10 }] },
      { lines: [{ ...line, product: 0 }] },
      { lines: [{ ...line, product: '1' }] },
      { lines: [{ ...line, more: 1 }] },
      { lines: Array(51).fill({ ...line, price: 20 }), amount: 1020 },
      { lines: null },
    ]
    for (const overrides of payloads) {
      const jws = await say(overrides)
      terminal.rewind()
      await expectRefused('malformed', JSON.stringify(overrides).slice(0, 90), () => terminal.send(jws))
    }
    expect(await alarms()).toEqual([])
  })

  it('is refused as a gap where numbers are missing, in a call or before it', async () => {
    const first = await say({})
    const second = await say({})
    const third = await say({})

    await expectRefused('seq_gap', 'without the first', () => terminal.send(second))
    await expectRefused('seq_gap', 'without the second', () => terminal.send(first, third))
    await expectRefused('seq_gap', 'the wrong way round', () => terminal.send(second, first))
    await expectRefused('seq_gap', 'one twice in a call', () => terminal.send(first, first))
    expect((await terminal.send(first)).status).toBe(200)
    await expectRefused('seq_gap', 'without the second, after the first', () => terminal.send(third))
    expect(await alarms()).toEqual([])
    expect((await terminal.send(first, second, third)).status).toBe(200)
  })

  it('is a conflict, with one alarm, where its number is booked with other bytes', async () => {
    const first = await say({})
    const second = await say({})
    expect((await terminal.send(first, second)).status).toBe(200)
    terminal.rewind()
    const other = await say({}, 2000)
    const afterOther = await say({}, 2000)

    await expectStopped('other bytes', terminal, () => terminal.send(other))
    await expectStopped('other bytes again', terminal, () => terminal.send(other))
    await expectStopped('other bytes in company', terminal, () => terminal.send(other, afterOther))

    expect(await alarms()).toEqual([{ terminal: terminal.id, seq: 1, hash: await digest(other) }])
    expect((await terminal.send(first, second)).status).toBe(200)
  })

  it('is a conflict, with an alarm, where it does not follow what is booked', async () => {
    const first = await say({})
    expect((await terminal.send(first)).status).toBe(200)
    terminal.rewind(2, await digest('another message'))
    const stranger = await say({})
    terminal.rewind(2, await digest(first))
    const second = await say({})
    terminal.rewind(3, await digest('another message'))
    const third = await say({})

    await expectStopped('broken to what is booked', terminal, () => terminal.send(stranger))
    await expectStopped('broken inside the call', terminal, () => terminal.send(second, third))

    expect(await alarms()).toEqual([
      { terminal: terminal.id, seq: 2, hash: await digest(stranger) },
      { terminal: terminal.id, seq: 3, hash: await digest(third) },
    ])
  })

  it("is a conflict where it speaks of another terminal's sale, or tells another story of its own", async () => {
    const sale = newSale()
    const first = await terminal.say('request', { sale, card: holder.hash, amount: 1000 })
    expect((await terminal.send(first)).status).toBe(200)
    for (const kind of ['request', 'advice', 'reversal'] as const) {
      const foreign = await neighbour.say(kind, { sale, card: holder.hash, amount: 1000 })
      neighbour.rewind()
      await expectStopped(`a foreign ${kind}`, neighbour, () => neighbour.send(foreign))
    }
    const lines = [{ product: 7, quantity: 1, price: 1000 }]
    const other = await cardHolder(office)
    for (const [what, story] of [
      ['another amount', { card: holder.hash, amount: 900 }],
      ['another card', { card: other.hash, amount: 1000 }],
      ['other lines', { card: holder.hash, amount: 1000, lines }],
    ] satisfies [string, Said][]) {
      terminal.rewind(2, await digest(first))
      const said = await terminal.say('reversal', { sale, ...story })
      await expectStopped(what, terminal, () => terminal.send(said))
    }
    terminal.rewind(2, await digest(first))
    const again = await terminal.say('request', { sale, card: holder.hash, amount: 1000 })
    await expectStopped('the same kind', terminal, () => terminal.send(again))
  })

  it('takes the whole call down with it, wherever in the call it stands', async () => {
    const good = await say({})
    const sale = newSale()
    const one = await terminal.say('request', { sale, card: holder.hash, amount: 1000 })
    const clash = await terminal.say('advice', { sale, card: holder.hash, amount: 1100 })
    const last = await say({})

    await expectStopped('a clash at the end', terminal, () => terminal.send(good, one, clash))
    await expectStopped('a clash in the middle', terminal, () => terminal.send(good, one, clash, last))

    expect((await alarms()).map(({ hash }) => hash)).toEqual([await digest(clash)])
    expect((await terminal.send(good, one)).status).toBe(200)
  })
})

// ── Signatures ──────────────────────────────────────────────────────────────

const encoded = (value: unknown) => base64url(new TextEncoder().encode(JSON.stringify(value)))

type Seal = (input: Uint8Array) => Promise<ArrayBuffer | Uint8Array>

/** A compact JWS of any header, with the signature that `seal` makes of its signing input. */
async function forged(header: unknown, payload: string, seal: Seal) {
  const input = `${encoded(header)}.${payload}`
  return `${input}.${base64url(await seal(new TextEncoder().encode(input)))}`
}

describe('a message that its terminal has not signed', () => {
  const header = (more: Record<string, unknown> = {}) => ({
    alg: 'EdDSA',
    kid: terminal.id,
    typ: 'klubkort-debit',
    ...more,
  })
  const bySelf: Seal = (input) => crypto.subtle.sign('Ed25519', terminal.key.privateKey, input)
  const byHmac =
    (hash: string, secret: Uint8Array): Seal =>
    async (input) => {
      const key = await crypto.subtle.importKey('raw', secret, { name: 'HMAC', hash }, false, ['sign'])
      return crypto.subtle.sign('HMAC', key, input)
    }

  it('is refused where header, payload or signature is not what was signed', async () => {
    const jws = await terminal.say('request', { card: holder.hash, amount: 1000 })
    terminal.rewind()
    const dearer = await terminal.say('request', { card: holder.hash, amount: 9000 })
    const [head, payload, signature] = jws.split('.') as [string, string, string]
    const flipped = signature[0] === 'A' ? `B${signature.slice(1)}` : `A${signature.slice(1)}`
    const kid = encoded(header({ kid: neighbour.id }))
    const cases: [ErrorCode, string, string][] = [
      ['signature_invalid', 'payload', `${head}.${dearer.split('.')[1]}.${signature}`],
      ['signature_invalid', 'signature', `${head}.${payload}.${flipped}`],
      ['signature_invalid', 'signature of another message', `${head}.${payload}.${dearer.split('.')[2]}`],
      ['signature_invalid', 'all zero signature', `${head}.${payload}.${'A'.repeat(86)}`],
      ['signature_invalid', 'kid of another terminal', `${kid}.${payload}.${signature}`],
      [
        'signature_invalid',
        'order of the header',
        `${encoded({ typ: header().typ, kid: terminal.id, alg: 'EdDSA' })}.${payload}.${signature}`,
      ],
      ['malformed', 'no signature', `${head}.${payload}.`],
      ['malformed', 'no third part', `${head}.${payload}`],
      ['malformed', 'a fourth part', `${jws}.${signature}`],
      ['malformed', 'another spelling of the signature', `${jws.slice(0, -1)}${jws.endsWith('A') ? 'B' : 'R'}`],
      ['malformed', 'standard base64', `${jws.slice(0, -2)}+/`],
      ['malformed', 'white space', ` ${jws}`],
    ]
    for (const [code, what, message] of cases) await expectRefused(code, what, () => terminal.send(message))
    expect((await terminal.send(jws)).status).toBe(200)
  })

  it('is refused where the header is not ours to the letter, though the key is', async () => {
    const [, payload = ''] = (await terminal.say('request', { card: holder.hash, amount: 1000 })).split('.')
    const raw = fromBase64url(terminal.key.publicKey)
    const spoken: [string, unknown, Seal][] = [
      ['alg none', header({ alg: 'none' }), async () => new Uint8Array(64)],
      ['alg none, signed', header({ alg: 'none' }), bySelf],
      ['alg Ed25519', header({ alg: 'Ed25519' }), bySelf],
      ['HS256 under the public key', header({ alg: 'HS256' }), byHmac('SHA-256', raw)],
      ['HS512 under the public key', header({ alg: 'HS512' }), byHmac('SHA-512', raw)],
      [
        'HS512 under its text',
        header({ alg: 'HS512' }),
        byHmac('SHA-512', new TextEncoder().encode(terminal.key.publicKey)),
      ],
      ['a jwk', header({ jwk: { kty: 'OKP', crv: 'Ed25519', x: terminal.key.publicKey } }), bySelf],
      ['a jku', header({ jku: 'https://example.org/keys' }), bySelf],
      ['crit', header({ crit: ['exp'], exp: 1 }), bySelf],
      ['crit of nothing', header({ crit: [] }), bySelf],
      ['b64', header({ b64: false, crit: ['b64'] }), bySelf],
      ['zip', header({ zip: 'DEF' }), bySelf],
      ['typ of a proof', header({ typ: 'klubkort-proof' }), bySelf],
      ['typ in capitals', header({ typ: 'KLUBKORT-DEBIT' }), bySelf],
      ['no typ', { alg: 'EdDSA', kid: terminal.id }, bySelf],
      ['no kid', { alg: 'EdDSA', typ: 'klubkort-debit' }, bySelf],
      ['kid that is a number', header({ kid: 1 }), bySelf],
      ['a header that is an array', [header()], bySelf],
      ['a header that is null', null, bySelf],
    ]
    for (const [what, head, seal] of spoken) {
      const jws = await forged(head, payload, seal)
      await expectRefused('malformed', what, () => terminal.send(jws))
    }
    const ours = await forged(header(), payload, bySelf)
    expect((await terminal.send(ours)).status).toBe(200)
  })

  it('is refused where the payload is no object', async () => {
    for (const payload of ['[]', '7', '"text"']) {
      const jws = await forged(header(), base64url(new TextEncoder().encode(payload)), bySelf)
      await expectRefused('malformed', payload, () => terminal.send(jws))
    }
    for (const payload of ['{', '\ufeff{}', '']) {
      const jws = await forged(header(), base64url(new TextEncoder().encode(payload || '\u0000')), bySelf)
      await expectRefused('signature_invalid', payload, () => terminal.send(jws))
    }
  })

  it('is refused where the kid is unknown, of another municipality, waiting, or not one for all', async () => {
    const [, payload = ''] = (await terminal.say('request', { card: holder.hash, amount: 1000 })).split('.')
    const theirs = await neighbour.say('request', { card: holder.hash, amount: 1000 })
    const under = (kid: string) => forged(header({ kid }), payload, bySelf)
    const waiting = await office.post<{ terminal: string }>('/terminals', { site, name: 'Venter' })
    const ours = await under(terminal.id)

    await expectRefused('terminal_unknown', 'nobody', async () => terminal.send(await under('4000-99')))
    await expectRefused('terminal_unknown', 'another municipality', async () => terminal.send(await under('7620-1')))
    await expectRefused('terminal_unknown', 'a prefix', async () => terminal.send(await under('4000')))
    await expectRefused('terminal_unknown', 'not enrolled', async () => terminal.send(await under(waiting.terminal)))
    await expectRefused('signature_invalid', 'a neighbour', async () => terminal.send(await under(neighbour.id)))
    await expectRefused('malformed', 'two terminals', () => terminal.send(ours, theirs))
    expect((await terminal.send(ours)).status).toBe(200)
  })
})

// ── Hosts and addresses ─────────────────────────────────────────────────────

describe('an address', () => {
  it('of no municipality is refused, and one municipality knows nothing of another', async () => {
    const hosts = ['9999.localhost', '0400.localhost', '40000.localhost', 'x4000.localhost', '4000x.localhost']
    for (const host of [...hosts, 'www.4000.localhost', 'example.org', '127.0.0.1', '4000']) {
      await expectRefused('municipality_unknown', host, () =>
        call('GET', `http://${host}/api/staff/me`, { token: office.token }),
      )
    }
    const other = await municipality(7620)
    const message = await terminal.say('request', { card: holder.hash, amount: 100 })
    const before = await contents(other.db)
    const proof = await terminal.proof('/api/terminal/sync', { htu: 'http://7620.localhost/api/terminal/sync' })
    for (const [code, answer] of [
      ['token_invalid', await call('GET', 'http://7620.localhost/api/staff/me', { token: office.token })],
      ['terminal_unknown', await call('POST', `http://7620.localhost${MESSAGES}`, { body: { messages: [message] } })],
      ['terminal_unknown', await call('GET', 'http://7620.localhost/api/terminal/sync', { token: proof })],
    ] as const) {
      expect(answer).toMatchObject({ status: 401, body: { error: { code } } })
    }
    expect(await contents(other.db)).toEqual(before)
    expect(await call('GET', 'http://localhost/api/staff/me', { token: office.token })).toMatchObject({
      status: 200,
      body: { municipality: 4000 },
    })
  })

  it('that leads nowhere, or under another method, is not found', async () => {
    const { token } = office
    for (const path of ['/api', '/api/nothing', '/api/staff/nothing', '/api/terminal']) {
      await expectRefused('not_found', path, () => call('GET', path, { token }))
    }
    for (const path of [MESSAGES, '/api/terminal/enrol', '/api/setup', `/api/staff/cards/${holder.card}/block`]) {
      await expectRefused('not_found', `GET ${path}`, () => call('GET', path, { token }))
    }
  })

  it('with an id of an odd form is malformed, and with one that nobody has is unknown', async () => {
    const { token } = office
    const odd = ['0', '-1', '1.5', '01', '1e3', 'abc', '%00', '1%20', '0x1', '12345678901234567', '٣', "1'--"]
    const nobody = ['999', '9999999999999999']
    const doors: ['GET' | 'POST', string, ErrorCode, unknown][] = [
      ['GET', '/children/', 'child_unknown', undefined],
      ['GET', '/accounts/', 'account_unknown', undefined],
      ['POST', '/accounts/…/credit', 'account_unknown', { id: newSale(), amount: 100, reason: 'test' }],
      ['POST', '/cards/…/block', 'card_unknown', {}],
      ['POST', '/cards/…/activate', 'card_unknown', {}],
      ['POST', '/products/…/price', 'product_unknown', { price: 100 }],
      ['POST', '/products/…/retire', 'product_unknown', {}],
      ['POST', '/products/…/category', 'product_unknown', { category: 'food' }],
      ['POST', '/children/…/guardians', 'child_unknown', { cpr: '0101575001' }],
      ['POST', '/children/…/guardians/end', 'child_unknown', { cpr: '0101575001' }],
    ]
    for (const [method, path, unknown, body] of doors) {
      const url = (id: string) => `/api/staff${path.includes('…') ? path.replace('…', id) : path + id}`
      for (const id of odd) await expectRefused('malformed', url(id), () => call(method, url(id), { token, body }))
      for (const id of nobody) await expectRefused(unknown, url(id), () => call(method, url(id), { token, body }))
    }
    for (const verb of ['code', 'revoke']) {
      const url = (id: string) => `/api/staff/terminals/${id}/${verb}`
      for (const id of ['1', '4000', '4000-', '4000-x', '4000-1-2', ' 4000-1', '4000-1234567', '40001-1']) {
        await expectRefused('malformed', url(id), () => call('POST', url(id), { token, body: {} }))
      }
      await expectRefused('not_found', verb, () => call('POST', url('4000-999'), { token, body: {} }))
    }
    const cases: ['GET' | 'POST', string, unknown][] = [
      ['GET', '', undefined],
      ['POST', '/answer', { id: CASE, text: 'Ja' }],
      ['POST', '/close', {}],
    ]
    for (const [method, path, body] of cases) {
      const url = (id: string) => `/api/staff/cases/${id}${path}`
      for (const id of [...odd, `${CASE}0`, `{${CASE}}`, CASE.replaceAll('-', '')]) {
        await expectRefused('malformed', url(id), () => call(method, url(id), { token, body }))
      }
      await expectRefused('case_unknown', url(CASE), () => call(method, url(CASE), { token, body }))
    }
    for (const state of ['', 'OPEN', 'open&state=closed']) {
      await expectRefused('malformed', state, () => call('GET', `/api/staff/cases?state=${state}`, { token }))
    }
    for (const offset of ['-1', '1.5', 'x', '1e400']) {
      await expectRefused('malformed', offset, () => call('GET', `/api/staff/cases?offset=${offset}`, { token }))
    }
    for (const hash of ['short', 'A'.repeat(44), `${'A'.repeat(42)}+`, '%00']) {
      const path = `/api/terminal/cards/${hash}`
      await expectRefused('malformed', path, async () => call('GET', path, { token: await terminal.proof(path) }))
    }
    const sinces = ['-1', '1.5', 'abc', '1e400', '9007199254740993'].map((since) => `since=${since}`)
    const waiting = 'unsentCount=1&unsentSum=100&unsentSince='
    for (const query of [...sinces, `${waiting}8640000000000001`, `${waiting}-1`, 'fixedPrice=0', 'fixedPrice=x']) {
      await expectRefused('malformed', query, async () =>
        call('GET', `/api/terminal/sync?${query}`, { token: await terminal.proof('/api/terminal/sync') }),
      )
    }
    for (const query of ['site=0', 'site=-1', 'site=x', 'site=1&site=2']) {
      await expectRefused('malformed', query, () => call('GET', `/api/staff/products?${query}`, { token }))
    }
    await expectRefused('malformed', 'a long name', () =>
      call('GET', `/api/staff/children?name=${'x'.repeat(81)}`, { token }),
    )
  })
})

// ── Enrolment ───────────────────────────────────────────────────────────────

describe('an enrolment', () => {
  const enrol = (body: unknown) => call('POST', '/api/terminal/enrol', { body })

  it('is refused with a code that is unknown, misspelt, expired, used or replaced', async () => {
    const { code, terminal: id } = await office.post<{ code: string; terminal: string }>('/terminals', {
      site,
      name: 'Ny',
    })
    const key = await newKey()
    await expectRefused('code_unknown', 'unknown', async () => enrol(await enrolment('0000-0000-0000-0000', key)))
    for (const odd of [code.toLowerCase(), code.replaceAll('-', ''), `${code}-0000`, code.replace(/^./, 'O')]) {
      await expectRefused('malformed', odd, async () => enrol(await enrolment(odd, key)))
    }
    const renewed = await office.post<{ code: string }>(`/terminals/${id}/code`)
    await expectRefused('code_expired', 'replaced', async () => enrol(await enrolment(code, key)))

    await office.db
      .prepare('UPDATE enrolment_code SET expires_at = ? WHERE terminal = ?')
      .bind(Date.now() - 1, id)
      .run()
    await expectRefused('code_expired', 'expired', async () => enrol(await enrolment(renewed.code, key)))

    const last = await office.post<{ code: string }>(`/terminals/${id}/code`)
    expect((await enrol(await enrolment(last.code, key))).status).toBe(200)
    await expectRefused('code_used', 'used', async () => enrol(await enrolment(last.code, await newKey())))
    await expectRefused('code_used', 'a code for whom is enrolled', () =>
      call('POST', `/api/staff/terminals/${id}/code`, { token: office.token, body: {} }),
    )
  })

  it('is refused where the key was not shown to be held', async () => {
    const { code } = await office.post<{ code: string }>('/terminals', { site, name: 'Ny' })
    const key = await newKey()
    const good = await enrolment(code, key)
    const other = await enrolment(code, await newKey())
    const asProof = await signed(key, 'klubkort-proof', undefined, {
      code,
      htu: 'http://4000.localhost/api/terminal/enrol',
      iat: 1,
    })
    const bodies: [string, unknown][] = [
      ['the proof of another key', { ...good, proof: other.proof }],
      ['another key', { ...good, publicKey: other.publicKey }],
      ['another code', { ...(await enrolment('0000-0000-0000-0000', key)), code }],
      ['another host', { ...good, proof: (await enrolment(code, key, 'http://7620.localhost')).proof }],
      ['another path', await enrolment(code, key, undefined, { htu: 'http://4000.localhost/api/terminal/sync' })],
      ['more claims', await enrolment(code, key, undefined, { admin: true })],
      ['another type', { ...good, proof: asProof }],
      ['a key that is no point', { ...good, publicKey: `${'A'.repeat(42)}I` }],
    ]
    for (const [what, body] of bodies) await expectRefused('proof_invalid', what, () => enrol(body))
    await expectRefused('malformed', 'one field more', () => enrol({ ...good, name: 'Ny' }))
    await expectRefused('malformed', 'a short key', () => enrol({ ...good, publicKey: 'AAAA' }))
    expect((await enrol(good)).status).toBe(200)
  })

  it('is answered again, alike, for the key that has it, and refused once it is revoked', async () => {
    const { code, terminal: id } = await office.post<{ code: string; terminal: string }>('/terminals', {
      site,
      name: 'Ny',
    })
    const key = await newKey()
    const first = await enrol(await enrolment(code, key))
    const before = await contents(office.db)

    const again = await enrol(await enrolment(code, key))

    expect(first).toMatchObject({
      status: 200,
      body: { terminal: id, name: 'Ny', site: 'Ungdomsklubben', municipality: 4000 },
    })
    expect({ ...again.body, time: 0 }).toEqual({ ...first.body, time: 0 })
    expect(await contents(office.db)).toEqual(before)
    await office.post(`/terminals/${id}/revoke`)
    await expectRefused('code_used', 'revoked', async () => enrol(await enrolment(code, key)))
  })
})

// ── Proofs ──────────────────────────────────────────────────────────────────

describe('a proof', () => {
  const SYNC = '/api/terminal/sync'
  const seconds = (ms: number) => Math.floor((Date.now() + ms) / 1000)

  it('is refused where it is old, from the future, for another address or method, or by another', async () => {
    const card = `/api/terminal/cards/${holder.hash}`
    const claims: [string, Promise<string>][] = [
      ['two minutes old', terminal.proof(SYNC, { iat: seconds(-120_000) })],
      ['two minutes early', terminal.proof(SYNC, { iat: seconds(120_000) })],
      ['a day old', terminal.proof(SYNC, { iat: seconds(-24 * hour) })],
      ['in milliseconds', terminal.proof(SYNC, { iat: Date.now() })],
      ['of no time', terminal.proof(SYNC, { iat: undefined })],
      ['for a POST', terminal.proof(SYNC, { htm: 'POST' })],
      ['for a card', terminal.proof(card)],
      ['for another host', terminal.proof(SYNC, { htu: `http://7620.localhost${SYNC}` })],
      ['for https', terminal.proof(SYNC, { htu: `https://4000.localhost${SYNC}` })],
      ['for a path below', terminal.proof(`${SYNC}/`)],
      ['by the name of another', terminal.proof(SYNC, { iss: neighbour.id })],
      ['with a jti that is none', terminal.proof(SYNC, { jti: 'once' })],
      ['with one claim more', terminal.proof(SYNC, { admin: true })],
      ['that is a debit message', terminal.say('request', { card: holder.hash, amount: 100 })],
      ["under another's key", signed(neighbour.key, 'klubkort-proof', terminal.id, { iss: terminal.id })],
      ['of nobody', signed(terminal.key, 'klubkort-proof', undefined, { iss: terminal.id })],
      ['that is a staff token', Promise.resolve(office.token)],
    ]
    for (const [what, proof] of claims) {
      await expectRefused('proof_invalid', what, async () => call('GET', SYNC, { token: await proof }))
    }
    const forSync = await terminal.proof(SYNC)
    await expectRefused('proof_invalid', 'reused for another path', () => call('GET', card, { token: forSync }))
    await expectRefused('proof_invalid', 'none', () => call('GET', SYNC))
    await expectRefused('proof_invalid', 'another scheme', () =>
      call('GET', SYNC, { headers: { authorization: `DPoP ${forSync}` } }),
    )
    expect((await call('GET', SYNC, { token: forSync })).status).toBe(200)
  })

  it('of a terminal that is unknown or waits is refused', async () => {
    const waiting = await office.post<{ terminal: string }>('/terminals', { site, name: 'Venter' })
    for (const id of ['4000-99', '7620-1', waiting.terminal]) {
      const proof = await signed(terminal.key, 'klubkort-proof', id, { iss: id })
      await expectRefused('terminal_unknown', id, () => call('GET', SYNC, { token: proof }))
    }
  })
})

// ── Tokens and set-up ───────────────────────────────────────────────────────

type Document = { openapi: string; paths: Record<string, Record<string, { responses: Record<string, unknown> }>> }
const documented = async () => (await call('GET', '/openapi.json')).body as unknown as Document

describe('a staff token', () => {
  it('is needed on every staff route: none, unknown, expired, revoked and of another role are refused', async () => {
    const issue = async (role: string, expiresAt: number, revokedAt: number | null) => {
      const token = `kk_${crypto.randomUUID()}`
      await office.db
        .prepare(
          'INSERT INTO staff_token (name, role, hash, created_at, expires_at, revoked_at) VALUES (?, ?, ?, 0, ?, ?)',
        )
        .bind(role, role, await digest(token), expiresAt, revokedAt)
        .run()
      return token
    }
    const soon = Date.now() + hour
    const tokens: [ErrorCode, string, string | undefined][] = [
      ['token_invalid', 'none', undefined],
      ['token_invalid', 'unknown', 'kk_unknown'],
      ['token_invalid', 'expired', await issue('admin', Date.now(), null)],
      ['token_invalid', 'revoked', await issue('admin', soon, Date.now())],
      ['token_invalid', 'a digest', await digest(office.token)],
      ['role_forbidden', 'finance', await issue('finance', soon, null)],
      ['role_forbidden', 'club', await issue('club', soon, null)],
    ]
    const routes = Object.entries((await documented()).paths).filter(([path]) => path.startsWith('/api/staff'))
    expect(routes.length).toBeGreaterThan(10)
    for (const [path, methods] of routes) {
      for (const method of Object.keys(methods)) {
        const shared = SHARED_ROUTES.includes(`${method.toUpperCase()} ${path.replace(/\{(\w+)\}/g, ':$1')}`)
        for (const [code, what, token] of tokens) {
          if (shared && code === 'role_forbidden') continue // Who may use these is in test/worker/access.test.ts.
          await expectRefused(code, `${what}: ${method} ${path}`, () =>
            call(method.toUpperCase() as 'GET', path.replace('{id}', '1'), {
              ...(token !== undefined && { token }),
              ...(method === 'post' && { body: {} }),
            }),
          )
        }
      }
    }
    expect((await call('GET', '/api/staff/me', { token: await issue('admin', soon, null) })).status).toBe(200)
  })
})

describe('setting up', () => {
  const setup = (token: string | undefined, body: unknown, host = 'http://7620.localhost') =>
    call('POST', `${host}/api/setup`, { ...(token !== undefined && { token }), body })
  const lemvig = { number: 7620, name: 'Lemvig', staff: 'Bodil' }

  it('is refused with a wrong key, for another number, with odd names, and a second time', async () => {
    const before = await contents(env.DB_7620)
    const key = env.SETUP_KEY
    const cases: [ErrorCode, string | undefined, unknown][] = [
      ['setup_key_invalid', undefined, lemvig],
      ['setup_key_invalid', 'wrong', lemvig],
      ['setup_key_invalid', key.slice(1), lemvig],
      ['setup_key_invalid', key.toUpperCase(), lemvig],
      ['setup_key_invalid', office.token, lemvig],
      ['malformed', key, { ...lemvig, number: 4000 }],
      ['malformed', key, { ...lemvig, number: '7620' }],
      ['malformed', key, { ...lemvig, number: 762 }],
      ['malformed', key, { ...lemvig, name: ' ' }],
      ['malformed', key, { ...lemvig, name: 'Lem\u001bvig' }],
      ['malformed', key, { ...lemvig, staff: 'x'.repeat(81) }],
      ['malformed', key, { ...lemvig, role: 'admin' }],
    ]
    for (const [code, token, body] of cases) {
      await expectRefused(code, JSON.stringify([token, body]), () => setup(token, body))
    }
    expect(await contents(env.DB_7620)).toEqual(before)

    expect((await setup(key, lemvig)).status).toBe(200)
    const settled = await contents(env.DB_7620)
    await expectRefused('already_set_up', 'a second time', () => setup(key, { ...lemvig, name: 'Another' }))
    expect(await contents(env.DB_7620)).toEqual(settled)
  })
})

// ── What the worker says of itself ──────────────────────────────────────────

describe('the contract', () => {
  it('is an OpenAPI 3.1 document of exactly the routes that programs call', async () => {
    const document = await documented()
    const listed = Object.entries(document.paths).flatMap(([path, methods]) =>
      Object.keys(methods).map((method) => `${method.toUpperCase()} ${path}`),
    )
    const served = app.routes
      .filter(({ method, path }) => method !== 'ALL' && /^\/(api\/(?!stripe)|healthz)/.test(path)) // Stripe has its own.
      .map(({ method, path }) => `${method} ${path.replace(/:(\w+)/g, '{$1}')}`)

    expect(document.openapi).toBe('3.1.0')
    expect(new Set(listed)).toEqual(new Set(served))
    expect(served).toContain('POST /api/terminal/messages')
    for (const methods of Object.values(document.paths)) {
      for (const { responses } of Object.values(methods)) expect(responses).toHaveProperty('200')
    }
  })

  it('names every refusal of the messages route, in one form', async () => {
    const { paths } = await documented()
    const refusal = paths[MESSAGES]?.post?.responses['4XX'] as {
      description: string
      content: Record<string, { schema: { $ref: string } }>
    }
    for (const code of [
      'malformed',
      'signature_invalid',
      'terminal_revoked',
      'terminal_stopped',
      'seq_gap',
      'message_conflict',
      'too_large',
    ]) {
      expect(refusal.description).toContain(code)
    }
    expect(refusal.content['application/json']?.schema.$ref).toBe('#/components/schemas/Error')
  })
})

describe('/healthz', () => {
  const health = async () => {
    const { status, body } = await call('GET', 'http://anywhere.example/healthz')
    const databases = body.databases as { municipality: number; status: string }[]
    return [status, body.status, ...databases.map((each) => `${each.municipality} ${each.status}`)]
  }

  it('tells databases without migrations, not set up, and ready apart', async () => {
    await reset()
    expect(await health()).toEqual([503, 'failing', '4000 migrations_missing', '7620 migrations_missing'])
    await applyD1Migrations(env.DB_4000, env.MIGRATIONS)
    expect(await health()).toEqual([503, 'failing', '4000 not_set_up', '7620 migrations_missing'])
    await applyD1Migrations(env.DB_7620, env.MIGRATIONS)
    expect(await health()).toEqual([200, 'ok', '4000 not_set_up', '7620 not_set_up'])
    await municipality()
    expect(await health()).toEqual([200, 'ok', '4000 ok', '7620 not_set_up'])
  })

  it('fails where a trigger that keeps the ledger append-only is gone', async () => {
    await office.db.exec('DROP TRIGGER posting_no_update')
    expect(await health()).toEqual([503, 'failing', '4000 migrations_missing', '7620 not_set_up'])
  })
})

describe('the ledger', () => {
  it('lets nobody change or delete a message, a transfer or a posting', async () => {
    await terminal.send(await terminal.say('request', { card: holder.hash, amount: 1000 }))
    for (const statement of [
      "UPDATE message SET outcome = 'declined'",
      'DELETE FROM message',
      'UPDATE transfer SET amount = 1',
      'DELETE FROM transfer',
      'UPDATE posting SET balance = 1',
      'DELETE FROM posting',
    ]) {
      const before = await contents(office.db)
      await expect(office.db.prepare(statement).run()).rejects.toThrow('append-only')
      expect(await contents(office.db)).toEqual(before)
    }
  })
})

import { createExecutionContext, env } from 'cloudflare:test'
import { beforeAll, describe, expect, it, vi } from 'vitest'
import { base64url, digest } from '../../shared/signing.ts'
import { setStatus } from '../../worker/cards/cards.ts'
import worker, { app } from '../../worker/main.ts'
import { draftPayout, requestPayout } from '../../worker/payouts/payouts.ts'
import { SHARED_ROUTES } from '../../worker/routes/staff-roles.ts'
import { setDailyLimit } from '../../worker/statements/accounts.ts'
import { bankReport, colleague, ownAccount } from './bank.ts'
import {
  type CardHolder,
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
  signed,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'
import { rowOf } from './roster.ts'
import { stripeAccount } from './stripe.ts'

/** Staff with a token that is good: the club is the child's own, the neighbour's another one. */
const STAFF = ['admin', 'club', 'neighbour', 'finance'] as const
/** Whose token opens nothing here: it has run out, was revoked, or is another municipality's admin's. */
const OUTSIDERS = ['expired', 'revoked', 'foreign'] as const
/** Everybody who may ask for something: the coparent has the same child, the stranger another one. */
const EVERYBODY = ['nobody', 'guardian', 'coparent', 'stranger', ...STAFF, ...OUTSIDERS, 'terminal'] as const
type Who = (typeof EVERYBODY)[number]
type TokenHolder = (typeof STAFF | typeof OUTSIDERS)[number]
const holdsToken = (who: Who): who is TokenHolder => ([...STAFF, ...OUTSIDERS] as Who[]).includes(who)

/** What is said of the child: to its guardians and the office, wherever it might slip out. */
const OF_THE_CHILD = ['Alma Hemmelig', '87,65']

/** What is said in the case about the child, and of who asks there: the child's own club may read it, and answer. */
const OF_THE_CASE = [
  'Asta Prøveforælder',
  'asta@hemmelig.example',
  '+4520202020',
  'Et hemmeligt emne',
  'Et hemmeligt spørgsmål',
]

/** What else only the guardian themselves and the office may read. */
const SECRETS = [...OF_THE_CHILD, ...OF_THE_CASE, '0007654321', 'Hemmelig Vej 7']

type World = {
  office: Municipality
  alma: CardHolder
  guardian: Parent
  coparent: Parent
  stranger: Parent
  tokens: Record<TokenHolder, string>
  terminal: EnrolledTerminal
  spare: string
  code: string
  secondSite: number
  product: number
  /** Products to take off sale, one for each who asks to. */
  retiring: number[]
  supportCase: string
  deposit: string
  agreement: string
  unfinishedAgreement: string
  payout: string
  order: string
  orders: CardOrders
  replacement: string
  approval: { account: number; replacement: string }
  /** A replacement that awaits an approval, for staff to withdraw. */
  withdrawn: string
  handOut: string
  batch: number
  payouts: Payouts
  clerk: number
  flagged: string[]
  roster: string
  sale: string
  gone: number
}

let world: World

type NewToken = { sites?: number[]; expiresAt?: number; revokedAt?: number }

async function staffToken(
  db: D1Database,
  role: 'admin' | 'club' | 'finance',
  { sites = [], expiresAt = Date.now() + 86_400_000, revokedAt }: NewToken = {},
): Promise<string> {
  const token = `kk_${base64url(crypto.getRandomValues(new Uint8Array(32)))}`
  const hash = await digest(token)
  await db.batch([
    db
      .prepare(
        `INSERT INTO staff_token (name, role, hash, created_at, expires_at, revoked_at) VALUES (?1, ?2, ?3, ?4, ?5, ?6)`,
      )
      .bind(`Et ${role}-bevis`, role, hash, Date.now(), expiresAt, revokedAt ?? null),
    ...sites.map((site) =>
      db
        .prepare('INSERT INTO staff_site (staff, site) SELECT id, ?2 FROM staff_token WHERE hash = ?1')
        .bind(hash, site),
    ),
  ])
  return token
}

/** A deposit that was paid, an agreement in force, and one whose card was never given, all of them one guardian's. */
async function moneyOf(db: D1Database, guardian: number, account: number) {
  const [deposit, agreement, unfinishedAgreement] = [newSale(), newSale(), newSale()]
  const mail = 'asta@hemmelig.example'
  await db.batch([
    db
      .prepare(
        `INSERT INTO payment (id, purpose, account, guardian, amount, mail, terms, status, intent, method, created_at,
           settled_at)
         VALUES (?1, 'deposit', ?2, ?3, 5000, ?4, 1, 'paid', 'pi_prøve', 'card', ?5, ?5)`,
      )
      .bind(deposit, account, guardian, mail, Date.now()),
    ...[agreement, unfinishedAgreement].map((id) =>
      db
        .prepare(
          `INSERT INTO agreement (id, account, guardian, mail, amount, threshold, activation, per_day, terms, status,
             payment_method, created_at)
           VALUES (?1, ?2, ?3, ?4, 20000, 5000, 10000, 2, 'da-1', ?5, 'pm_prøve', ?6)`,
        )
        .bind(id, account, guardian, mail, id === agreement ? 'active' : 'setting_up', Date.now()),
    ),
  ])
  return { deposit, agreement, unfinishedAgreement }
}

/** Orders of new cards, each of a child of its own, and one of those children. */
type CardOrders = { send: string; handOut: string; tap: string; child: number; member: number }

/** An order of a new card, which cost nothing. */
async function cardOrder(db: D1Database, guardian: number, account: number, own: boolean) {
  const id = newSale()
  await db
    .prepare(
      `INSERT INTO card_order (id, account, guardian, recipient, street, postal_code, city, fee, paid_from, terms, status,
         created_at, ordered_at)
       VALUES (?1, ?2, ?3, 'Alma', ?6, '4000', 'Prøveby', 0, 'account', 1, ?4, ?5, ?5)`,
    )
    .bind(id, account, guardian, own ? 'handed_out' : 'ordered', Date.now(), own ? 'Hemmelig Vej 7' : 'Prøvevej 9')
    .run()
  return id
}

async function cardOrders(office: Municipality, guardian: number): Promise<CardOrders> {
  const order = async () => {
    const { account, child } = await cardHolder(office, { name: 'En Anden' })
    return { child, id: await cardOrder(office.db, guardian, account, false) }
  }
  const [send, handOut, tap] = [await order(), await order(), await order()]
  const member = await cardHolder(office, { name: 'En Anden' })
  const ids = { send: send.id, handOut: handOut.id, tap: tap.id }
  return { ...ids, child: send.child, member: member.child }
}

/** A child that has left, and holds nothing. */
async function leaver(office: Municipality): Promise<number> {
  const { child } = await cardHolder(office, { name: 'Væk Prøvebarn' })
  await office.post(`/children/${child}/leave`)
  return child
}

/** Payouts that were requested, for staff to do each one thing with, and the file that one of them goes into. */
type Payouts = { approve: string; reject: string; file: string; untaken: string }

async function payoutsOf(office: Municipality, guardian: number, account: number): Promise<Payouts> {
  await ownAccount(office)
  const request = async () => {
    const id = newSale()
    const draft = { id, account, guardian, ...{ name: 'En Anden', registration: '1234', bankAccount: '0000000001' } }
    await draftPayout(office.db, { ...draft, message: '', amount: 100 }, Date.now())
    await requestPayout(office.db, id, guardian, Date.now())
    return id
  }
  const [approve, reject, exported, lost] = [await request(), await request(), await request(), await request()]
  const peter = await colleague(office, 'Peter Prøvefinans')
  await peter.post(`/payouts/${exported}/approve`)
  await (await colleague(office, 'Karen Prøvefinans')).post(`/payouts/${lost}/approve`)
  const untaken = newSale()
  await peter.post('/payouts/export', { id: untaken })
  return { approve, reject, file: newSale(), untaken }
}

/** Every child that is in no club yet is in this one. */
const ofClub = (db: D1Database, site: number) =>
  db.prepare('UPDATE child SET club = ? WHERE club IS NULL').bind(site).run()

/** A replacement that awaits an approval, of a child that Alma's guardians have too. */
async function awaitingApproval(office: Municipality, site: number, cprs: string[]) {
  const { child, account, card } = await cardHolder(office, { name: 'Alma Hemmelig' })
  for (const cpr of cprs) await office.post(`/children/${child}/guardians`, { cpr })
  const replacement = newSale()
  await office.post('/replacements', { id: replacement, child, lostCard: card, site })
  return { account, replacement }
}

/** A hand-out that nobody minds: each of them cancels the one before. */
const handOutCall = () => ({ id: newSale(), order: world.orders.tap, terminal: world.terminal.id })

/** What the form of a payout sends; it is never confirmed here. */
const payoutForm = (id: string, name: string, bankAccount: string) => ({
  id,
  name,
  registration: '1234',
  bankAccount,
  message: '',
  amount: '50',
})

beforeAll(async () => {
  await emptyDatabases()
  stripeAccount()
  const office = await municipality()
  const site = await newSite(office)
  const elsewhere = await newSite(office, 'Naboklubben')
  const terminal = await enrolledTerminal(office, site, 'Disken')
  const alma = await cardHolder(office, { name: 'Alma Hemmelig', credit: 10_000 })
  const other = await cardHolder(office, { name: 'Bo Nabo', credit: 10_000 })
  await office.db.prepare('UPDATE child SET club = ?').bind(site).run()
  const guardian = await parentOf(office, '0101575001', [alma.child], 'Asta Prøveforælder')
  const coparent = await parentOf(office, '0901575009', [alma.child], 'Carl Prøveforælder')
  const stranger = await parentOf(office, '0201575002', [other.child], 'Birk Prøveforælder')
  const supportCase = crypto.randomUUID()
  await guardian.post('/support', {
    id: supportCase,
    message: crypto.randomUUID(),
    account: String(alma.account),
    subject: 'Et hemmeligt emne',
    text: 'Et hemmeligt spørgsmål',
    phone: '20 20 20 20',
    callWanted: 'on',
  })
  await guardian.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@hemmelig.example' })
  await office.post('/publications', { kind: 'terms', language: 'da', text: 'Vilkår' })
  const payout = newSale()
  await guardian.post(`/konto/${alma.account}/udbetal`, payoutForm(payout, 'Asta Prøveforælder', '7654321'))
  const product = await office.post<{ id: number }>('/products', { site, name: 'Toast', price: 1500 })
  const secondSite = await newSite(office, 'Kantinen')
  const retiring: number[] = []
  for (const who of EVERYBODY) {
    const each = { site, name: `Udgår for ${who}`, price: 500 }
    retiring.push((await office.post<{ id: number }>('/products', each)).id)
  }
  const spare = await office.post<{ terminal: string; code: string }>('/terminals', { site, name: 'Reserven' })
  world = {
    office,
    alma,
    guardian,
    coparent,
    stranger,
    tokens: {
      admin: office.token,
      club: await staffToken(office.db, 'club', { sites: [site, secondSite] }),
      neighbour: await staffToken(office.db, 'club', { sites: [elsewhere] }),
      finance: await staffToken(office.db, 'finance'),
      expired: await staffToken(office.db, 'admin', { expiresAt: Date.now() - 1 }),
      revoked: await staffToken(office.db, 'admin', { revokedAt: Date.now() - 1 }),
      foreign: (await municipality(7620)).token,
    },
    terminal,
    spare: spare.terminal,
    code: spare.code,
    secondSite,
    product: product.id,
    retiring,
    supportCase,
    ...(await moneyOf(office.db, guardian.guardian, alma.account)),
    payout,
    order: await cardOrder(office.db, guardian.guardian, alma.account, true),
    orders: await cardOrders(office, stranger.guardian),
    replacement: newSale(),
    approval: await awaitingApproval(office, site, ['0101575001', '0901575009']),
    withdrawn: (await awaitingApproval(office, site, [])).replacement,
    handOut: newSale(),
    batch: (await office.post<{ id: number }>('/card-batches')).id,
    payouts: await payoutsOf(office, stranger.guardian, other.account),
    clerk: (await office.post<{ id: number }>('/people', { name: 'Klara Prøveklub', role: 'club', sites: [site] })).id,
    flagged: [],
    roster: newSale(),
    sale: newSale(),
    gone: await leaver(office),
  }
  await ofClub(office.db, site)
  await office.post('/hand-outs', { ...handOutCall(), id: world.handOut })
  await cardOrder(office.db, stranger.guardian, (await cardHolder(office, { name: 'En Anden' })).account, false)
  await terminal.send(await terminal.say('request', { card: alma.hash, amount: 1235 })) // It leaves 87,65 kr.
  for (let count = 0; count < EVERYBODY.length; count += 1) {
    await terminal.send(await terminal.say('advice', { card: 'u'.repeat(43), amount: 100 }))
    world.flagged.push(`${terminal.id}:${count + 2}`)
  }
  await terminal.send(await terminal.say('request', { sale: world.sale, card: other.hash, amount: 300 }))
})

/** Who may, with the address and what is sent; `path` and `body` are made of the world, and a body of who asks too. */
type Row = { may: readonly Who[]; path?: () => string; body?: (who: Who) => unknown }

const anybody = { may: EVERYBODY }
const admin = { may: ['admin'] } as const
const finance = { may: ['admin', 'finance'] } as const
/** What is one of a child or a site: the neighbours find nothing. In a list they find what is theirs, which is nothing. */
const ownClub = { may: ['admin', 'club'] } as const
const anyClub = { may: ['admin', 'club', 'neighbour'] } as const
const ownStaff = { may: ['admin', 'club', 'finance'] } as const
const anyStaff = { may: STAFF } as const
const guardians = { may: ['guardian', 'coparent', 'stranger'] } as const
const own = { may: ['guardian', 'coparent'] } as const
const author = { may: ['guardian'] } as const
const account = (rest: string) => () => `/konto/${world.alma.account}/${rest}`
const agreement = (rest: string) => () => `/konto/${world.alma.account}/optankning/${world.agreement}${rest}`
const staff = (rest: () => string) => () => `/api/staff/${rest()}`

/** Every route of the worker. A route that is missing here fails the first test below. */
const MATRIX: Record<string, Row> = {
  'GET /healthz': anybody,
  'GET /openapi.json': anybody,
  'POST /api/setup': { may: [], body: () => ({ number: 4000, name: 'En anden', staff: 'Ingen' }) },

  'POST /api/terminal/messages': {
    may: ['terminal'],
    body: async (who) => ({ messages: [await saleOf(who)] }),
  },
  'POST /api/terminal/enrol': {
    may: [], // Whoever has the code may; nobody here has.
    body: async () => enrolment('0000-0000-0000-0000', await newKey()),
  },
  'POST /api/terminal/key': {
    may: [], // Whoever has the key in use may; nobody here shows it.
    body: async () => {
      const key = await newKey()
      return { publicKey: key.publicKey, proof: await signed(key, 'klubkort-rotation', world.terminal.id, {}) }
    },
  },
  'GET /api/terminal/sync': { may: ['terminal'] },
  'GET /api/terminal/cards/:hash': { may: ['terminal'], path: () => `/api/terminal/cards/${world.alma.hash}` },

  'POST /api/stripe/webhook': { may: [], body: () => ({ id: 'evt_forged' }) }, // Stripe's signature, and nobody else's.

  'GET /api/staff/me': anyStaff,
  'GET /api/staff/sites': anyStaff,
  'POST /api/staff/sites': { ...admin, body: () => ({ name: 'Ny klub' }) },
  'GET /api/staff/sites/limits': admin,
  'POST /api/staff/sites/:id/limits': { ...admin, path: staff(() => 'sites/1/limits'), body: () => ({ saleMax: 100 }) },
  'GET /api/staff/products': anyStaff,
  'POST /api/staff/products': { ...ownClub, body: (who) => ({ site: 1, name: `Kakao for ${who}`, price: 1000 }) },
  'POST /api/staff/products/copy': { ...ownClub, body: () => ({ from: 1, to: world.secondSite }) },
  'POST /api/staff/products/import': { ...anyClub, body: () => ({ rows: [], retireMissing: false }) },
  'POST /api/staff/products/:id/price': {
    ...ownClub,
    path: staff(() => `products/${world.product}/price`),
    body: () => ({ price: 1600 }),
  },
  'POST /api/staff/products/:id/category': {
    ...ownClub,
    path: staff(() => `products/${world.product}/category`),
    body: () => ({ category: 'food' }),
  },
  'POST /api/staff/products/:id/retire': {
    ...ownClub,
    path: staff(() => `products/${world.retiring[nextRetiring++]}/retire`),
    body: () => ({}),
  },
  'GET /api/staff/children': anyStaff,
  'POST /api/staff/children': {
    ...anyClub,
    body: (who) => ({ name: 'Ny Prøvebarn', ...(who === 'club' && { club: 1 }) }),
  },
  'GET /api/staff/children/:id': { ...ownStaff, path: staff(() => `children/${world.alma.child}`) },
  'POST /api/staff/children/:id/guardians': {
    ...admin,
    path: staff(() => `children/${world.alma.child}/guardians`),
    body: () => ({ cpr: '0301575003' }),
  },
  'POST /api/staff/children/:id/guardians/end': {
    ...admin,
    path: staff(() => `children/${world.alma.child}/guardians/end`),
    body: () => ({ cpr: '0301575003' }),
  },
  'POST /api/staff/cards': { ...admin, body: () => ({ child: world.alma.child, uid: '04aabbccddeeff' }) },
  'GET /api/staff/cards/:id': { ...ownStaff, path: staff(() => `cards/${world.alma.card}`) },
  'POST /api/staff/cards/:id/block': {
    ...admin,
    path: staff(() => `cards/${world.alma.card}/block`),
    body: () => ({}),
  },
  'POST /api/staff/cards/:id/activate': {
    ...admin,
    path: staff(() => `cards/${world.alma.card}/activate`),
    body: () => ({}),
  },
  'GET /api/staff/orders': anyClub, // Finance has no use for where people live.
  'POST /api/staff/orders/:id/send': {
    ...admin,
    path: staff(() => `orders/${world.orders.send}/send`),
    body: () => ({}),
  },
  'POST /api/staff/orders/:id/hand-out': {
    ...ownClub,
    path: staff(() => `orders/${world.orders.handOut}/hand-out`),
    body: () => ({ uid: '04c0ffee000001' }),
  },
  'POST /api/staff/orders/:id/cancel': {
    ...ownClub,
    path: staff(() => `orders/${world.withdrawn}/cancel`),
    body: () => ({}),
  },
  'GET /api/staff/orders/:id': { may: ['admin', 'club'], path: staff(() => `orders/${world.orders.send}`) },
  'GET /api/staff/cards/:id/history': {
    may: ['admin', 'club'],
    path: staff(() => `cards/${world.alma.card}/history`),
  },
  'POST /api/staff/replacements': {
    may: ['admin', 'club'],
    body: () => ({ id: world.replacement, child: world.orders.member }),
  },
  'POST /api/staff/hand-outs': { may: ['admin', 'club'], body: handOutCall },
  'GET /api/staff/hand-outs/:id': { may: ['admin', 'club'], path: staff(() => `hand-outs/${world.handOut}`) },
  'POST /api/staff/hand-outs/:id/cancel': {
    may: ['admin', 'club'],
    path: staff(() => `hand-outs/${world.handOut}/cancel`),
    body: () => ({}),
  },
  'GET /api/staff/card-batches': admin,
  'POST /api/staff/card-batches': { ...admin, body: () => ({}) },
  'GET /api/staff/card-batches/:id': { ...admin, path: staff(() => `card-batches/${world.batch}`) },
  'GET /api/staff/card-stock': admin,
  'POST /api/staff/card-stock': {
    ...admin,
    body: () => ({ rows: [{ line: 2, number: 'BLANK-1', uid: '04c0ffee0000aa' }] }),
  },
  'POST /api/staff/children/:id/leave': {
    ...admin,
    path: staff(() => `children/${world.orders.child}/leave`),
    body: () => ({}),
  },
  'POST /api/staff/children/:id/return': {
    ...admin,
    path: staff(() => `children/${world.orders.child}/return`),
    body: () => ({}),
  },
  'GET /api/staff/accounts/:id': { ...finance, path: staff(() => `accounts/${world.alma.account}`) },
  'POST /api/staff/accounts/:id/credit': {
    ...admin,
    path: staff(() => `accounts/${world.alma.account}/credit`),
    body: () => ({ id: newSale(), amount: 100, reason: 'prøve' }),
  },
  'GET /api/staff/terminals': anyClub,
  'POST /api/staff/terminals': { ...admin, body: () => ({ site: 1, name: 'En ny' }) },
  'POST /api/staff/terminals/:id/code': {
    ...admin,
    path: staff(() => `terminals/${world.spare}/code`),
    body: () => ({}),
  },
  'POST /api/staff/terminals/:id/renew': {
    ...admin,
    path: staff(() => `terminals/${world.terminal.id}/renew`),
    body: () => ({}),
  },
  'GET /api/staff/terminals/risk': finance,
  'GET /api/staff/reviews': finance,
  'GET /api/staff/reviews/settled': finance,
  'GET /api/staff/reviews/:id': { ...finance, path: staff(() => `reviews/${world.flagged[0]}`) },
  'POST /api/staff/reviews/:id/settle': {
    ...finance,
    path: staff(() => `reviews/${world.flagged[nextFlagged++]}/settle`),
    body: () => ({ decision: 'carry', note: 'Klubben betaler' }),
  },
  'POST /api/staff/terminals/:id/revoke': {
    ...admin,
    path: staff(() => `terminals/${world.spare}/revoke`),
    body: () => ({}),
  },
  'GET /api/staff/ledger/check': finance,
  'GET /api/staff/cases': anyClub,
  'GET /api/staff/cases/:id': { ...ownClub, path: staff(() => `cases/${world.supportCase}`) },
  'POST /api/staff/cases/:id/assign': {
    ...ownClub,
    path: staff(() => `cases/${world.supportCase}/assign`),
    body: () => ({ to: 'me' }),
  },
  'POST /api/staff/cases/:id/answer': {
    ...ownClub,
    path: staff(() => `cases/${world.supportCase}/answer`),
    body: () => ({ id: crypto.randomUUID(), text: 'Et svar' }),
  },
  'POST /api/staff/cases/:id/close': {
    ...ownClub,
    path: staff(() => `cases/${world.supportCase}/close`),
    body: () => ({}),
  },
  'GET /api/staff/publications': admin,
  'POST /api/staff/publications': { ...admin, body: () => ({ kind: 'terms', language: 'da', text: 'Nye vilkår' }) },
  'GET /api/staff/settings': finance,
  'POST /api/staff/settings': { ...finance, body: () => ({ money: { cardFee: 4500 } }) }, // Finance: the money alone.
  'GET /api/staff/people': admin,
  'POST /api/staff/people': { ...admin, body: () => ({ name: 'Frida Prøvefinans', role: 'finance' }) },
  'POST /api/staff/people/:id/sites': {
    ...admin,
    path: staff(() => `people/${world.clerk}/sites`),
    body: () => ({ sites: [2] }),
  },
  'GET /api/staff/audit': admin,
  'GET /api/staff/children/:id/access': { ...admin, path: staff(() => `children/${world.alma.child}/access`) },
  'POST /api/staff/people/:id/revoke': {
    ...admin,
    path: staff(() => `people/${world.clerk}/revoke`),
    body: () => ({}),
  },
  'GET /api/staff/payouts': finance,
  'POST /api/staff/payouts/:id/approve': {
    ...finance,
    path: staff(() => `payouts/${world.payouts.approve}/approve`),
    body: () => ({}),
  },
  'POST /api/staff/payouts/:id/reject': {
    ...finance,
    path: staff(() => `payouts/${world.payouts.reject}/reject`),
    body: () => ({ reason: 'Kontoen findes ikke' }),
  },
  'POST /api/staff/payouts/export': { ...finance, body: () => ({ id: world.payouts.file }) },
  'GET /api/staff/payouts/files': finance,
  'GET /api/staff/payouts/files/:id': { ...finance, path: staff(() => `payouts/files/${world.payouts.file}`) },
  'POST /api/staff/payouts/files/:id/release': {
    ...finance,
    path: staff(() => `payouts/files/${world.payouts.untaken}/release`),
    body: () => ({ reason: 'Banken tog ikke imod filen' }),
  },
  'POST /api/staff/payouts/import-status': {
    ...finance,
    body: () => ({ report: bankReport(world.payouts.file, { group: { status: 'PDNG' } }) }),
  },
  'GET /api/staff/reports': { ...ownStaff, path: () => '/api/staff/reports?from=2026-01-01&to=2026-12-31&site=1' },
  'POST /api/staff/children/:id/export': {
    ...admin,
    path: staff(() => `children/${world.alma.child}/export`),
    body: () => ({}),
  },
  'POST /api/staff/children/:id/erase': {
    ...admin,
    path: staff(() => `children/${world.gone}/erase`),
    body: () => ({ name: 'Væk Prøvebarn' }),
  },
  'GET /api/staff/sales': anyStaff,
  'GET /api/staff/sales/:id': { ...ownStaff, path: staff(() => `sales/${world.sale}`) },
  'POST /api/staff/sales/:id/refund': {
    ...ownStaff,
    path: staff(() => `sales/${world.sale}/refund`),
    body: () => ({ id: newSale(), amount: 1, reason: 'Prøve' }),
  },
  'GET /api/staff/days': anyStaff,
  'GET /api/staff/days/show': {
    ...ownStaff,
    path: staff(() => `days/show?terminal=${world.terminal.id}&day=2026-01-01`),
  },
  'POST /api/staff/days/close': { ...ownStaff, body: () => ({ terminal: world.terminal.id, day: '2026-01-01' }) },
  'GET /api/staff/reports/liabilities': finance,
  'GET /api/staff/reports/clearing': finance,
  'GET /api/staff/reports/volume': finance,
  'POST /api/staff/exit-drill': { ...admin, body: () => ({}) },
  'GET /api/staff/roster': admin,
  'POST /api/staff/roster': { ...admin, body: () => ({ id: world.roster, rows: 1 }) },
  'POST /api/staff/roster/:id/rows': {
    ...admin,
    path: staff(() => `roster/${world.roster}/rows`),
    body: () => ({ rows: [{ ...rowOf(2), name: 'En Anden' }] }),
  },
  'POST /api/staff/roster/:id/plan': { ...admin, path: staff(() => `roster/${world.roster}/plan`), body: () => ({}) },
  'POST /api/staff/roster/:id/apply': { ...admin, path: staff(() => `roster/${world.roster}/apply`), body: () => ({}) },
  'POST /api/staff/roster/:id/discard': {
    ...admin,
    path: staff(() => `roster/${world.roster}/discard`),
    body: () => ({}),
  },

  'GET /': anybody,
  'POST /sprog': { ...anybody, body: () => ({ language: 'en', page: '/log-ind' }) },
  'GET /log-ind': anybody,
  'GET /log-ind/mitid': { may: [] }, // No broker is configured here; test/worker/login.test.ts has one.
  'GET /log-ind/svar': { may: [] },
  'GET /handelsbetingelser': anybody,
  'GET /was': anybody,
  'GET /privatliv': anybody,
  'GET /privatliv/mine-data': guardians,

  'GET /konti': guardians,
  'GET /konto/:account/vaelg': { ...own, path: account('vaelg') },
  'GET /konto/:account/brugerinfo': { ...own, path: account('brugerinfo') },
  'POST /konto/:account/kort/:card/:verb{spaer|aktiver}': {
    ...own,
    path: () => `/konto/${world.alma.account}/kort/${world.alma.card}/spaer`,
    body: () => ({}),
  },
  'POST /konto/:account/varegrupper/:category/:verb{luk|aabn}': {
    ...own,
    path: account('varegrupper/sweets/luk'),
    body: () => ({}),
  },
  'POST /konto/:account/maks-forbrug': { ...own, path: account('maks-forbrug'), body: () => ({ limit: '50' }) },
  'GET /brugerinfo': guardians,
  'POST /brugerinfo/om-dig': { ...guardians, body: () => ({ language: 'en' }) },
  'GET /konto/:account/kontoudtog': { ...own, path: account('kontoudtog') },
  'GET /konto/:account/kontoudtog.csv': { ...own, path: account('kontoudtog.csv') },
  'GET /konto/:account/kontoudtog.pdf': { ...own, path: account('kontoudtog.pdf') },
  'GET /konto/:account/indbetaling': { ...own, path: account('indbetaling') },
  'POST /konto/:account/indbetaling': {
    ...own,
    path: account('indbetaling'),
    body: async () => ({ id: newSale(), mail: 'b@proeve.example', amount: '100', accept: 'on', terms: await terms() }),
  },
  'GET /konto/:account/indbetaling/:payment': {
    ...author,
    path: () => `/konto/${world.alma.account}/indbetaling/${world.deposit}`,
  },
  'GET /konto/:account/optankning': { ...own, path: account('optankning') },
  'POST /konto/:account/optankning': {
    may: [], // The account has an agreement.
    path: account('optankning'),
    body: async () => ({ id: newSale(), mail: 'b@proeve.example', amount: '100', accept: 'on', terms: await terms() }),
  },
  'GET /konto/:account/optankning/:agreement': { ...author, path: agreement('') },
  'POST /konto/:account/optankning/:agreement/annuller': {
    ...author,
    path: () => `/konto/${world.alma.account}/optankning/${world.unfinishedAgreement}/annuller`,
    body: () => ({}),
  },
  'POST /konto/:account/optankning/:agreement/kort': { may: [], path: agreement('/kort'), body: () => ({}) },
  'POST /konto/:account/optankning/:agreement/genoptag': {
    ...author,
    path: agreement('/genoptag'),
    body: () => ({}),
  },
  'GET /konto/:account/udbetal': { ...own, path: account('udbetal') },
  'POST /konto/:account/udbetal': {
    ...own,
    path: account('udbetal'),
    body: () => payoutForm(newSale(), 'En Prøveforælder', '1234567'),
  },
  'GET /konto/:account/udbetal/:payout': { ...author, path: () => account(`udbetal/${world.payout}`)() },
  'POST /konto/:account/udbetal/:payout/bekraeft': {
    may: [], // No broker is configured here; test/worker/step-up.test.ts has one.
    path: () => account(`udbetal/${world.payout}/bekraeft`)(),
    body: () => ({}),
  },
  'GET /konto/:account/nyt-kort': { ...own, path: account('nyt-kort') },
  'POST /konto/:account/nyt-kort': {
    ...own,
    path: account('nyt-kort'),
    body: async () => ({
      ...{ id: newSale(), price: '4500', lostCard: String(world.alma.card), recipient: 'Alma', street: 'Prøvevej 1' },
      ...{ postalCode: '4000', city: 'Prøveby', pay: 'checkout', mail: 'b@proeve.example', accept: 'on' },
      terms: await terms(),
    }),
  },
  'GET /konto/:account/nyt-kort/:order': { ...own, path: () => account(`nyt-kort/${world.order}`)() },
  'POST /konto/:account/nyt-kort/:order/:verb{godkend|afvis|modtaget}': {
    ...own,
    path: () => `/konto/${world.approval.account}/nyt-kort/${world.approval.replacement}/afvis`,
    body: () => ({}),
  },
  'GET /support': guardians,
  'POST /support': {
    ...guardians,
    body: () => ({
      id: crypto.randomUUID(),
      message: crypto.randomUUID(),
      account: '',
      subject: 'Emne',
      text: 'Spørgsmål',
      phone: '',
    }),
  },
  'GET /support/:case': { ...author, path: () => `/support/${world.supportCase}` },
  'POST /support/:case': {
    ...author,
    path: () => `/support/${world.supportCase}`,
    body: () => ({ id: crypto.randomUUID(), text: 'Mere' }),
  },
  'POST /log-ud/alle': { ...guardians, body: () => ({}) },
  'POST /log-ud': { may: EVERYBODY, body: () => ({}) },
}

/** The version of the terms in force, as a form names it. */
async function terms(): Promise<string> {
  const newest = await world.office.db.prepare("SELECT max(version) AS version FROM publication WHERE kind = 'terms'")
  return `da-${await newest.first('version')}`
}

/** Each call settles a sale of its own, since one is settled once; products are taken off sale once too. */
let nextFlagged = 0
let nextRetiring = 0

/** A sale signed by the terminal, or by a key of somebody who says that they are it. */
async function saleOf(who: Who): Promise<string> {
  if (who === 'terminal') return world.terminal.say('request', { card: world.alma.hash, amount: 500 })
  const payload = { v: 1, kind: 'request', sale: newSale(), seq: 2, prev: '', card: world.alma.hash, amount: 500 }
  return signed(await newKey(), 'klubkort-debit', world.terminal.id, { ...payload, lines: [], at: Date.now() })
}

/** One request as somebody makes it, with everything that they can show. */
async function ask(route: string, who: Who): Promise<{ status: number; text: string; location: string | null }> {
  const [method = '', pattern = ''] = route.split(' ')
  const row = MATRIX[route]
  const path = row?.path?.() ?? pattern
  const form = !pattern.startsWith('/api/')
  const parent = who === 'guardian' || who === 'coparent' || who === 'stranger' ? world[who] : null
  const content = method === 'POST' ? await row?.body?.(who) : undefined
  const bearer = await bearerOf(who, path)
  const origin = 'http://4000.localhost'
  const request = new Request(origin + path, {
    method,
    redirect: 'manual',
    headers: {
      origin,
      ...(parent && { cookie: parent.cookie }),
      ...(bearer !== null && { authorization: `Bearer ${bearer}` }),
      ...(method === 'POST' && { 'content-type': form ? 'application/x-www-form-urlencoded' : 'application/json' }),
    },
    ...(method === 'POST' && {
      body: form
        ? new URLSearchParams({ csrf: parent?.csrf ?? '', ...(content as Record<string, string>) }).toString()
        : JSON.stringify(content),
    }),
  })
  const response = await worker.fetch(request, env, createExecutionContext())
  return { status: response.status, text: await response.text(), location: response.headers.get('location') }
}

async function bearerOf(who: Who, path: string): Promise<string | null> {
  if (who === 'terminal') return world.terminal.proof(path)
  return holdsToken(who) ? world.tokens[who] : null
}

/** Whether an answer lets somebody in: neither refused nor shown to the log-in. */
const letsIn = ({ status, location }: { status: number; location: string | null }) =>
  status < 400 && !(location?.startsWith('/log-ind?tilbage=') ?? false)

/** What of the secrets somebody may read; the coparent sees the child, and nothing of the other guardian. */
const mayKnow = (who: Who, secret: string, route: string) =>
  who === 'guardian' ||
  who === 'admin' ||
  (who === 'coparent' && OF_THE_CHILD.includes(secret)) ||
  (who === 'club' && route.includes('/api/staff/cases') && OF_THE_CASE.includes(secret)) ||
  ((who === 'club' || who === 'finance') && secret === 'Alma Hemmelig')
const secretsTold = (who: Who, text: string, route: string) =>
  SECRETS.filter((secret) => text.includes(secret) && !mayKnow(who, secret, route))

/**
 * How the staff API refuses somebody: without a good token it hears of nothing else, a role is told what it may not, and
 * to a club what is not its own is not there.
 */
function refusalOf(route: string, who: Who): number | null {
  if (!route.includes(' /api/staff/')) return null
  if (!holdsToken(who) || (OUTSIDERS as readonly Who[]).includes(who)) return 401
  return who === 'neighbour' && MATRIX[route]?.may.includes('club') ? 404 : 403
}

describe('a guardianship that ends while a form is on its way', () => {
  it('lets the guardian steer neither card nor limit, and staff still may', async () => {
    const { office } = world
    const emil = await cardHolder(office, { name: 'Emil Prøvebarn' })
    const { guardian } = await parentOf(office, '0401575004', [emil.child])
    const [parent, clerk] = [{ guardian }, { staff: 1 }]
    const now = Date.now()
    expect(await setStatus(office.db, emil.card, 'blocked', parent, now)).toMatchObject({ status: 'blocked' })
    expect(await setDailyLimit(office.db, emil.account, 5000, parent, now)).toBe('set')
    expect(await setStatus(office.db, world.alma.card, 'blocked', parent, now)).toBe('not_found')
    await office.post(`/children/${emil.child}/guardians/end`, { cpr: '0401575004' })
    const before = await contents(office.db)
    expect(await setStatus(office.db, emil.card, 'active', parent, now)).toBe('not_found')
    expect(await setDailyLimit(office.db, emil.account, null, parent, now)).toBe('not_found')
    expect(await contents(office.db)).toEqual(before)
    expect(await setStatus(office.db, emil.card, 'active', clerk, now)).toMatchObject({ status: 'active' })
    expect(await setDailyLimit(office.db, emil.account, 5000, clerk, now)).toBe('set')
    expect(await setDailyLimit(office.db, 999, 5000, clerk, now)).toBe('not_found')
  })
})

describe('every route', () => {
  const routes = [...new Set(app.routes.filter(({ method }) => method !== 'ALL').map((r) => `${r.method} ${r.path}`))]

  it('stands in the matrix, and the matrix knows no other', () => {
    const lines = Object.keys(MATRIX)
    expect({
      withoutLine: routes.filter((route) => !lines.includes(route)),
      withoutRoute: lines.filter((line) => !routes.includes(line)),
    }).toEqual({ withoutLine: [], withoutRoute: [] })
  })

  it('of the staff API is open to the roles that the matrix says, and to no other', () => {
    const roles = (route: string) => (MATRIX[route]?.may ?? []).filter((who) => who === 'club' || who === 'finance')
    const shared = routes.filter((route) => route.includes(' /api/staff/') && roles(route).length > 0)
    expect(shared.sort()).toEqual([...SHARED_ROUTES].sort())
  })

  it('keeps out whoever may not, tells them nothing, and lets them change nothing', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {}) // That no broker is configured.
    const leaks: string[] = []
    const quiet = ['session', 'viewing', 'alarm']
    let before = JSON.stringify(await contents(world.office.db, ...quiet))
    for (const route of routes) {
      const refused = EVERYBODY.filter((who) => !MATRIX[route]?.may.includes(who))
      for (const who of refused) {
        const answer = await ask(route, who)
        if (letsIn(answer)) leaks.push(`${route} lets ${who} in with ${answer.status}`)
        const refusal = refusalOf(route, who)
        if (refusal !== null && answer.status !== refusal) leaks.push(`${route} refuses ${who} with ${answer.status}`)
        const told = secretsTold(who, answer.text, route)
        if (told.length) leaks.push(`${route} tells ${who}: ${told.join(', ')}`)
      }
      const after = JSON.stringify(await contents(world.office.db, ...quiet))
      if (after !== before) leaks.push(`${route} lets one of ${refused.join(', ')} change something`)
      before = after
    }
    console.log(`${routes.length} routes × ${EVERYBODY.length}: leaks ${leaks.length}`)
    expect(leaks).toEqual([])
  })

  it('that shows a page or makes a file asks the database at most twice', async () => {
    const asked = [
      ...(['first', 'all', 'run', 'raw'] as const).map((name) =>
        vi.spyOn(Object.getPrototypeOf(world.office.db.prepare('SELECT 1')), name),
      ),
      vi.spyOn(Object.getPrototypeOf(world.office.db), 'batch'),
    ]
    const pages = routes.filter((route) => /^GET \/(?!api\/|healthz|openapi)/.test(route))
    const trips: Record<string, number> = {}
    for (const who of ['nobody', 'guardian'] as const) {
      for (const route of pages) {
        for (const spy of asked) spy.mockClear()
        await ask(route, who)
        trips[`${route} for ${who}`] = asked.reduce((sum, spy) => sum + spy.mock.calls.length, 0)
      }
    }
    for (const spy of asked) spy.mockRestore()
    expect(pages.length).toBeGreaterThan(15)
    expect(Object.entries(trips).filter(([, count]) => count > 2)).toEqual([])
    expect(trips['GET /konti for guardian']).toBe(2) // Or nothing was counted.
  })

  it('lets in whoever may, and tells its secrets to nobody else', async () => {
    const faults: string[] = []
    const last = ['POST /log-ud/alle', 'POST /log-ud'] // Nobody comes in after that.
    const order = [...routes.filter((route) => !last.includes(route)), ...last]
    for (const route of order) {
      for (const who of MATRIX[route]?.may ?? []) {
        const answer = await ask(route, who)
        if (!letsIn(answer)) faults.push(`${route} refuses ${who} with ${answer.status} ${answer.text.slice(0, 200)}`)
        const told = secretsTold(who, answer.text, route)
        if (told.length) faults.push(`${route} tells ${who}: ${told.join(', ')}`)
      }
    }
    expect(faults).toEqual([])
  })
})

import type { ProductCategory } from '../../shared/office/products.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { openingOf, type PastPurchase, sellInThePast, spentOn, type TellTime } from './demo-history.ts'
import { demoTexts } from './demo-texts.ts'
import type { Office } from './office.ts'
import { PERSONS } from './persons.ts'

/**
 * One child of the demo; the names are made up, and so are the cards' numbers. `balance` is what is left after the
 * purchases of the past weeks.
 */
export type DemoChild = {
  name: string
  uid: string
  balance: number
  dailyLimit: number | null
  past: PastPurchase[]
  blocked?: true
}

/**
 * One municipality of the demo with its one site; amounts in øre. `offline` says how many weekdays ago the site was
 * without a network.
 */
export type DemoMunicipality = {
  number: number
  name: string
  site: string
  terminal: string
  products: [name: string, price: number, category: ProductCategory][]
  children: DemoChild[]
  offline: number[]
}

const child = (name: string, uid: string, balance: number, rest: Partial<DemoChild> = {}): DemoChild => ({
  name: `${name} Prøvebarn`,
  uid,
  balance,
  dailyLimit: null,
  past: [],
  ...rest,
})

/** Two municipalities, two sites, a dozen children; cards with numbers of 4 and 7 bytes. */
export const DEMO: DemoMunicipality[] = [
  {
    number: 4000,
    name: 'Demokommunen',
    site: 'Klub Eksempel',
    terminal: 'Klubbens disk',
    products: [
      ['Toast', 1500, 'food'],
      ['Varmt måltid', 3200, 'food'],
      ['Grøntsager', 800, 'food'],
      ['Frugt', 400, 'food'],
      ['Rugbrødsmad', 1200, 'food'],
      ['Kakao', 1000, 'drink'],
      ['Saftevand', 500, 'drink'],
      ['Vand', 600, 'drink'],
      ['Perler', 1750, 'material'],
      ['Bordfodbold', 200, 'activity'],
    ],
    children: [
      child('Ada', '04a1b2c3d4e501', 20000, {
        past: [
          [19, '14.12', 'Toast', 'Saftevand'],
          [18, '14.35', 'Frugt'],
          [17, '15.02', 'Perler'],
          [15, '14.20', 'Varmt måltid', 'Vand'],
          [14, '14.08', 'Rugbrødsmad'],
          [13, '15.41', 'Bordfodbold', 'Bordfodbold'],
          [11, '14.15', 'Toast', 'Kakao'],
          [10, '14.50', 'Grøntsager'],
          [8, '14.05', 'Varmt måltid'],
          [7, '15.18', 'Kakao', 'Frugt'],
          [5, '14.31', 'Toast', 'Toast', 'Saftevand'],
          [4, '15.07', 'Perler'],
          [3, '14.11', 'Rugbrødsmad', 'Vand'],
          [2, '14.44', 'Varmt måltid'],
          [1, '15.22', 'Bordfodbold', 'Kakao'],
        ],
      }),
      child('Bo', '04a1b2c3d4e502', 4550, {
        past: [
          [18, '13.55', 'Toast'],
          [16, '14.40', 'Kakao', 'Rugbrødsmad'],
          [14, '14.02', 'Frugt', 'Vand'],
          [12, '15.30', 'Bordfodbold'],
          [11, '14.25', 'Varmt måltid'],
          [9, '14.10', 'Saftevand'],
          [6, '14.55', 'Toast', 'Kakao'],
          [5, '15.12', 'Perler'],
          [3, '14.18', 'Grøntsager', 'Vand'],
          [1, '14.37', 'Rugbrødsmad'],
        ],
      }),
      child('Cilla', '04a1b2c3d4e503', 1000, {
        past: [
          [13, '14.22', 'Toast'],
          [6, '14.48', 'Kakao', 'Frugt'],
          [2, '15.03', 'Rugbrødsmad'],
        ],
      }),
      child('Dan', '04a1b2c3d4e504', 15000, {
        dailyLimit: 5000,
        past: [
          [10, '14.33', 'Varmt måltid'],
          [4, '14.29', 'Toast', 'Saftevand'],
        ],
      }),
      child('Eva', '04a1b2c3d4e505', 7500, { blocked: true }),
      child('Finn', '3b5c7d91', 30000),
      child('Gry', '3b5c7d92', 0),
      child('Hans', '04a1b2c3d4e508', 12345),
    ],
    offline: [9],
  },
  {
    number: 7620,
    name: 'Prøvekommunen',
    site: 'Skolekantinen Eksempel',
    terminal: 'Kantinens disk',
    products: [
      ['Sandwich', 2500, 'food'],
      ['Dagens ret', 3000, 'food'],
      ['Salatskål', 2200, 'food'],
      ['Bolle', 700, 'food'],
      ['Mælk', 500, 'drink'],
      ['Æble', 300, 'food'],
    ],
    children: [
      child('Ida', '04f0e1d2c3b401', 10000, {
        past: [
          [17, '11.32', 'Dagens ret'],
          [15, '11.40', 'Sandwich', 'Mælk'],
          [12, '11.28', 'Salatskål'],
          [9, '09.55', 'Bolle', 'Mælk'],
          [8, '11.35', 'Dagens ret', 'Æble'],
          [4, '11.44', 'Sandwich'],
          [2, '11.31', 'Dagens ret', 'Mælk'],
          [1, '10.02', 'Bolle'],
        ],
      }),
      child('Jens', '04f0e1d2c3b402', 2500),
      child('Karl', '5a6b7c8d', 6000),
      child('Lis', '04f0e1d2c3b404', 500, { dailyLimit: 2000 }),
    ],
    offline: [],
  },
]

/** Two who look after money, so that one can approve a payout and the other export it. */
const FINANCE = ['Finn Prøvefinans', 'Frida Prøvefinans']

/** The one-time code of a terminal, which is good from now on, and the tokens of who looks after money. */
export type Filled = { code: string; finance: { name: string; token: string }[] }

/** Fills a municipality that has just been set up, as staff would have four weeks ago, and lets those weeks pass. */
export async function fill(desk: Office, demo: DemoMunicipality, tellTime: TellTime): Promise<Filled> {
  const now = Date.now()
  const opening = openingOf(now)
  await tellTime(opening)
  await desk.set({
    supportPhone: '00 00 00 00', // Danish numbers begin with 2 to 9, so this one calls nobody.
    supportMail: 'support@klubkort.example',
    supportHours: {
      da: 'mandag til torsdag kl. 08.00–16.00 samt fredag kl. 08.00–15.00',
      en: 'Monday to Thursday 8.00–16.00 and Friday 8.00–15.00',
    },
    mailFrom: `betalingskort-${demo.number}@klubkort.example`,
    money: { bankRegistration: '0000', bankAccount: '0000000001' }, // No bank has the registration number 0000.
  })
  const finance: Filled['finance'] = []
  for (const name of FINANCE) finance.push({ name, token: (await desk.addStaff(name, 'finance')).token })
  for (const text of demoTexts(demo.name)) await desk.publish(text)
  const site = await desk.addSite(demo.site)
  const onSale = new Map<string, { id: number; price: number }>()
  for (const [name, price, category] of demo.products) {
    onSale.set(name, await desk.addProduct(site.id, name, price, category))
  }
  const cards = new Map<string, number>()
  for (const { name, uid, balance, dailyLimit, past } of demo.children) {
    const added = await desk.addChild(name, dailyLimit)
    cards.set(uid, (await desk.addCard(added.id, uid)).id)
    const id = uuidv7(opening, crypto.getRandomValues(new Uint8Array(16)))
    const start = balance + spentOn(past, onSale)
    if (start > 0) await desk.credit(added.account, id, start, 'Startsaldo i demoen')
    for (const { municipality, cpr, children } of PERSONS) {
      const theirs: readonly string[] = children
      const parent = municipality === demo.number && theirs.some((first) => name.startsWith(`${first} `))
      if (parent && cpr !== null) await desk.addGuardian(added.id, cpr)
    }
  }
  const past = demo.children.map(({ uid, past }) => ({ uid, purchases: past }))
  await sellInThePast(desk, site.id, { past, offline: demo.offline, onSale }, tellTime, now)
  for (const { uid, blocked } of demo.children) {
    const card = cards.get(uid)
    if (blocked && card !== undefined) await desk.block(card)
  }
  await tellTime(null)
  const { code } = await desk.addTerminal(site.id, demo.terminal)
  return { code, finance }
}

import { uuidv7 } from '../../shared/uuidv7.ts'
import type { Office } from './office.ts'

/** One child of the demo; the names are made up, and so are the cards' numbers. */
export type DemoChild = { name: string; uid: string; balance: number; dailyLimit: number | null; blocked?: true }

/** One municipality of the demo with its one site; amounts in øre. */
export type DemoMunicipality = {
  number: number
  name: string
  site: string
  terminal: string
  products: [name: string, price: number][]
  children: DemoChild[]
}

const child = (name: string, uid: string, balance: number, rest: Partial<DemoChild> = {}): DemoChild => ({
  name: `${name} Prøvebarn`,
  uid,
  balance,
  dailyLimit: null,
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
      ['Toast', 1500],
      ['Varmt måltid', 3200],
      ['Grøntsager', 800],
      ['Frugt', 400],
      ['Rugbrødsmad', 1200],
      ['Kakao', 1000],
      ['Saftevand', 500],
      ['Vand', 600],
      ['Perler', 1750],
      ['Bordfodbold', 200],
    ],
    children: [
      child('Ada', '04a1b2c3d4e501', 20000),
      child('Bo', '04a1b2c3d4e502', 4550),
      child('Cilla', '04a1b2c3d4e503', 1000),
      child('Dan', '04a1b2c3d4e504', 15000, { dailyLimit: 5000 }),
      child('Eva', '04a1b2c3d4e505', 7500, { blocked: true }),
      child('Finn', '3b5c7d91', 30000),
      child('Gry', '3b5c7d92', 0),
      child('Hans', '04a1b2c3d4e508', 12345),
    ],
  },
  {
    number: 7620,
    name: 'Prøvekommunen',
    site: 'Skolekantinen Eksempel',
    terminal: 'Kantinens disk',
    products: [
      ['Sandwich', 2500],
      ['Dagens ret', 3000],
      ['Salatskål', 2200],
      ['Bolle', 700],
      ['Mælk', 500],
      ['Æble', 300],
    ],
    children: [
      child('Ida', '04f0e1d2c3b401', 10000),
      child('Jens', '04f0e1d2c3b402', 2500),
      child('Karl', '5a6b7c8d', 6000),
      child('Lis', '04f0e1d2c3b404', 500, { dailyLimit: 2000 }),
    ],
  },
]

/** Fills a municipality that has just been set up, as staff would; resolves to the one-time code of its terminal. */
export async function fill(desk: Office, demo: DemoMunicipality): Promise<string> {
  const site = await desk.addSite(demo.site)
  for (const [name, price] of demo.products) await desk.addProduct(site.id, name, price)
  for (const { name, uid, balance, dailyLimit, blocked } of demo.children) {
    const added = await desk.addChild(name, dailyLimit)
    const card = await desk.addCard(added.id, uid)
    if (blocked) await desk.block(card.id)
    const id = uuidv7(Date.now(), crypto.getRandomValues(new Uint8Array(16)))
    if (balance > 0) await desk.credit(added.account, id, balance, 'Startsaldo i demoen')
  }
  return (await desk.addTerminal(site.id, demo.terminal)).code
}

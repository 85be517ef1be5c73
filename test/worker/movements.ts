import { env } from 'cloudflare:test'
import { type DebitMessage, type SaleLine, totalOf } from '../../shared/debit.ts'
import { ore } from '../../shared/money.ts'
import { book } from '../../worker/ledger/debits.ts'
import { post } from '../../worker/ledger/transfers.ts'
import { setUp } from '../../worker/municipality/setup.ts'
import { emptyDatabases, newSale } from './municipality.ts'

/*
 * Movements at any moment of a test's choosing: messages go to the ledger as if their signatures had been verified, so
 * that the clock is an argument.
 */

export const db = env.DB_4000

/** What is sold here, by product id. Product 12 is sold too, though nobody put it on sale. */
export const PRODUCTS = {
  1: { name: 'Juice', category: 'drink', price: 500 },
  2: { name: 'Toast', category: 'food', price: 1500 },
  3: { name: 'Lakrids', category: 'sweets', price: 300 },
  4: { name: 'Biograftur', category: 'activity', price: 4500 },
} as const
export const UNKNOWN_PRODUCT = 12

/** Where it is sold: a terminal's name to its site's. */
export const SITES = { '4000-1': 'Ungdomsklubben', '4000-2': 'Kantinen' } as const
export type TillName = keyof typeof SITES

const SUSPENSE = "(SELECT id FROM account WHERE kind = 'suspense')"
const chains = new Map<TillName, { seq: number; prev: string }>()
let wallets = 0

/** An empty book with two sites, a terminal at each, and the products. */
export async function openBook(): Promise<void> {
  await emptyDatabases()
  chains.clear()
  wallets = 0
  await setUp(db, { number: 4000, name: 'Roskilde Kommune', staff: 'Astrid', token: 'unused' }, 0)
  await db.batch([
    ...Object.entries(SITES).flatMap(([terminal, name], index) => [
      db.prepare('INSERT INTO site (id, name, created_at) VALUES (?, ?, 0)').bind(index + 1, name),
      db.prepare("INSERT INTO account (id, kind, site) VALUES (?, 'revenue', ?)").bind(201 + index, index + 1),
      db
        .prepare("INSERT INTO terminal (id, site, name, public_key, created_at) VALUES (?1, ?2, ?1, 'key', 0)")
        .bind(terminal, index + 1),
    ]),
    ...Object.entries(PRODUCTS).map(([id, { name, category, price }]) =>
      db
        .prepare('INSERT INTO product (id, site, name, price, category, created_at) VALUES (?, 1, ?, ?, ?, 0)')
        .bind(Number(id), name, price, category),
    ),
  ])
}

/** A child's account and the hash of its card. */
export type Wallet = { child: number; account: number; card: string; name: string }

export async function newWallet(name = 'Ida Prøvebarn'): Promise<Wallet> {
  wallets += 1
  const [child, account, card] = [wallets, 1000 + wallets, `card-${wallets}`]
  await db.batch([
    db.prepare('INSERT INTO child (id, name, created_at) VALUES (?, ?, 0)').bind(child, name),
    db.prepare("INSERT INTO account (id, kind, floor, child) VALUES (?, 'wallet', 0, ?)").bind(account, child),
    db
      .prepare("INSERT INTO card (hash, account, status, version, created_at) VALUES (?, ?, 'active', ?, 0)")
      .bind(card, account, wallets),
  ])
  return { child, account, card, name }
}

export type Said = { sale?: string; lines: SaleLine[]; at?: number }

/** What a till says of a sale; answers with the sale's id and what became of it. */
export async function say(till: TillName, kind: DebitMessage['kind'], wallet: Wallet, said: Said, nowMs: number) {
  const { seq, prev } = chains.get(till) ?? { seq: 1, prev: '' }
  const sale = said.sale ?? newSale()
  const { lines, at = nowMs } = said
  const message = { v: 1, kind, sale, seq, prev, card: wallet.card, amount: totalOf(lines), lines, at } as const
  const hash = `${till}/${seq}`
  const booking = await book(db, { terminal: till, publicKey: 'key' }, [{ message, jws: hash, hash }], nowMs)
  if (booking.kind !== 'booked') throw new Error(`not booked: ${JSON.stringify(booking)}`)
  chains.set(till, { seq: seq + 1, prev: hash })
  return { sale, outcome: booking.results[0]?.outcome }
}

/** Money in, as a deposit or, with a reason, by the hand of staff. */
export async function payIn(wallet: Wallet, amount: number, nowMs: number, reason: string | null = null) {
  const suspense = await db.prepare(`SELECT ${SUSPENSE} AS id`).first<number>('id')
  const kind = reason === null ? 'deposit' : 'correction'
  const movement = { id: `${kind}:${newSale()}`, kind, staff: null, reason } as const
  const accounts = { debitAccount: suspense ?? 0, creditAccount: wallet.account }
  await db.batch(post(db, { ...movement, ...accounts, amount: ore(amount) }, nowMs))
}

import { exportJWK, generateKeyPair } from 'jose'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { type DebitMessage, type SaleLine, totalOf } from '../../shared/debit.ts'
import { PublicKey } from '../../shared/fields.ts'
import { cardHash, digest, sign } from '../../shared/signing.ts'
import { uuidv7 } from '../../shared/uuidv7.ts'
import { learningClock } from '../../terminal/clock.ts'
import { enrolAt, link } from '../../terminal/link.ts'
import type { Office } from './office.ts'

/** A purchase of the demo's past: how many weekdays ago, at what time in Copenhagen ('14.05'), and which products. */
export type PastPurchase = [weekdaysAgo: number, clock: string, ...products: string[]]

/** A card, what is on sale by name, and what it bought. */
export type Past = { uid: string; purchases: PastPurchase[] }[]
export type OnSale = Map<string, { id: number; price: number }>

/** The lines of a purchase, as the till makes them: each product once, with its quantity. */
function linesOf(products: string[], onSale: OnSale): SaleLine[] {
  return [...new Set(products)].map((name) => {
    const product = onSale.get(name)
    if (!product) throw new Error(`the demo sells no ${name}`)
    return { product: product.id, quantity: products.filter((each) => each === name).length, price: product.price }
  })
}

/** What some purchases come to, in øre. */
export function spentOn(purchases: PastPurchase[], onSale: OnSale): number {
  return purchases.reduce((sum, [, , ...products]) => sum + totalOf(linesOf(products, onSale)), 0)
}

/** The instant of a time of day in Copenhagen, so many weekdays before now. */
function instantOf(weekdaysAgo: number, clock: string, nowMs: number): number {
  const noon = new Date(`${copenhagenDay(nowMs)}T12:00:00Z`)
  for (let left = weekdaysAgo; left > 0; ) {
    noon.setUTCDate(noon.getUTCDate() - 1)
    if (noon.getUTCDay() % 6 !== 0) left -= 1
  }
  const local = new Intl.DateTimeFormat('en-GB', { timeZone: 'Europe/Copenhagen', hour: '2-digit', hourCycle: 'h23' })
  const [hour = 0, minute = 0] = clock.split('.').map(Number)
  return noon.getTime() + ((hour - Number(local.format(noon))) * 60 + minute) * 60_000
}

/** Tells the worker what time it is; null for the time that it is. */
export type TellTime = (nowMs: number | null) => Promise<void>

const OPENED_WEEKDAYS_AGO = 20

/** When the demo's past begins: a Copenhagen morning four weeks ago, before the first purchase. */
export function openingOf(nowMs: number): number {
  return instantOf(OPENED_WEEKDAYS_AGO, '08.00', nowMs)
}

/**
 * Lets a site have sold in the past, through a terminal of its own that is revoked in the end; its key is made here and
 * thrown away. Each sale is booked at its own instant. On a weekday of `offline` the terminal was without a network: it
 * delivers that day's sales on the next weekday's morning.
 */
export async function sellInThePast(
  desk: Office,
  site: number,
  { past, offline, onSale }: { past: Past; offline: readonly number[]; onSale: OnSale },
  tellTime: TellTime,
  nowMs: number,
): Promise<void> {
  const opening = openingOf(nowMs)
  const added = await desk.addTerminal(site, 'Demo-historik')
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const key = { privateKey, publicKey: PublicKey.parse((await exportJWK(publicKey)).x) }
  const enrolled = await enrolAt(desk.url, added.code, key, opening)
  if (enrolled.kind !== 'answer') throw new Error(`the demo's past cannot be enrolled: ${JSON.stringify(enrolled)}`)
  const { terminal, cardKey } = enrolled.value
  const { send } = link({
    enrolment: { ...enrolled.value, url: desk.url },
    key,
    clock: learningClock({ epoch: () => opening, monotonic: () => 0 }, 0),
    uuid: () => crypto.randomUUID(),
  })
  const sales = past
    .flatMap(({ uid, purchases }) =>
      purchases.map(([ago, clock, ...products]) => {
        const late = offline.includes(ago)
        const at = instantOf(ago, clock, nowMs)
        return { uid, at, late, bookedAt: late ? instantOf(ago - 1, '08.05', nowMs) : at, products }
      }),
    )
    .sort((one, other) => one.at - other.at)
  let [seq, prev] = [0, '']
  for (const { uid, at, late, bookedAt, products } of sales) {
    const lines = linesOf(products, onSale)
    const message: DebitMessage = {
      v: 1,
      kind: late ? 'advice' : 'request',
      sale: uuidv7(at, crypto.getRandomValues(new Uint8Array(16))),
      seq: ++seq,
      prev,
      card: await cardHash(cardKey, Uint8Array.from(Buffer.from(uid, 'hex'))),
      amount: totalOf(lines),
      lines,
      at,
    }
    const signed = await sign(privateKey, 'klubkort-debit', terminal, message)
    prev = await digest(signed)
    await tellTime(bookedAt)
    const booked = await send([signed])
    const amiss =
      booked.kind !== 'answer' || booked.value.results.some(({ outcome, reason }) => outcome !== 'approved' || reason)
    if (amiss) throw new Error(`the demo's past is not booked: ${JSON.stringify(booked)}`)
  }
  await desk.revoke(added.terminal)
}

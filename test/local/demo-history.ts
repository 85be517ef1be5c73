import { exportJWK, generateKeyPair } from 'jose'
import { copenhagenDay } from '../../shared/copenhagen.ts'
import { type DebitMessage, type SaleLine, totalOf } from '../../shared/debit.ts'
import { cardHash, digest, PublicKey, sign } from '../../shared/signing.ts'
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

/**
 * Lets a site have sold in the past: a terminal that was without a network for weeks delivers its advices, and is
 * revoked. Its key is made here and thrown away.
 */
export async function deliverPast(
  desk: Office,
  site: number,
  past: Past,
  onSale: OnSale,
  nowMs: number,
): Promise<void> {
  const added = await desk.addTerminal(site, 'Demo-historik')
  const { privateKey, publicKey } = await generateKeyPair('EdDSA', { crv: 'Ed25519', extractable: true })
  const key = { privateKey, publicKey: PublicKey.parse((await exportJWK(publicKey)).x) }
  const enrolled = await enrolAt(desk.url, added.code, key, nowMs)
  if (enrolled.kind !== 'answer') throw new Error(`the demo's past cannot be enrolled: ${JSON.stringify(enrolled)}`)
  const { terminal, cardKey } = enrolled.value
  const sales = past
    .flatMap(({ uid, purchases }) =>
      purchases.map(([ago, clock, ...products]) => ({ uid, at: instantOf(ago, clock, nowMs), products })),
    )
    .sort((one, other) => one.at - other.at)
  const messages: string[] = []
  for (const { uid, at, products } of sales) {
    const lines = linesOf(products, onSale)
    const advice: DebitMessage = {
      v: 1,
      kind: 'advice',
      sale: uuidv7(at, crypto.getRandomValues(new Uint8Array(16))),
      seq: messages.length + 1,
      prev: messages.length === 0 ? '' : await digest(messages.at(-1) ?? ''),
      card: await cardHash(cardKey, Uint8Array.from(Buffer.from(uid, 'hex'))),
      amount: totalOf(lines),
      lines,
      at,
    }
    messages.push(await sign(privateKey, 'klubkort-debit', terminal, advice))
  }
  const clock = learningClock({ epoch: () => nowMs, monotonic: () => 0 }, 0)
  const { send } = link({
    enrolment: { ...enrolled.value, url: desk.url },
    key,
    clock,
    uuid: () => crypto.randomUUID(),
  })
  const booked = await send(messages)
  const amiss =
    booked.kind !== 'answer' || booked.value.results.some(({ outcome, reason }) => outcome !== 'approved' || reason)
  if (amiss) throw new Error(`the demo's past is not booked: ${JSON.stringify(booked)}`)
  await desk.revoke(added.terminal)
}

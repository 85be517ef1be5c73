import { copenhagenDay } from '../shared/copenhagen.ts'
import type { Site } from './journal.ts'

/** A site as it sells at an instant (epoch milliseconds): each product at what it costs on that Copenhagen day. */
export function pricedOn(site: Site, atMs: number): Site {
  if (!site.products.some(({ later }) => later)) return site
  const today = copenhagenDay(atMs)
  const products = site.products.map((product) => ({
    ...product,
    price: product.later?.findLast(({ from }) => from <= today)?.price ?? product.price,
  }))
  return { ...site, products }
}

import { type Cart, shownLines, totalOfCart } from '../cart.ts'
import { type Connection, ENDED_BY_ENROLMENT } from '../forwarder.ts'
import type { Site } from '../journal.ts'
import { priceText, type Texts } from './texts.ts'
import { PRODUCTS_PER_PAGE, type View } from './view.ts'

type Message = Extract<View, { kind: 'message' }>

/** What the screen says when nothing is sold any more, and where to turn. */
export function failedView(failed: 'disk' | 'bug', words: Texts): Message {
  return { kind: 'message', headline: words.failed, detail: failed === 'disk' ? words.failedDisk : words.callOffice }
}

/** What keeps the till from selling, most serious first; null where nothing does. An `answer` is shown before the rest. */
export function obstacleView(
  { site, connection, readerWorks }: { site: Site; connection: Connection; readerWorks: boolean },
  answer: View | null,
  words: Texts,
): View | null {
  if (connection.kind === 'refused') {
    const { code } = connection
    if (ENDED_BY_ENROLMENT.has(code)) {
      return { kind: 'message', headline: words.stopped, detail: `${words.stoppedDetail} (${code})` }
    }
    const headline = code === 'terminal_revoked' ? words.revoked : words.barred
    return { kind: 'message', headline, detail: `${words.callOffice} (${code})` }
  }
  if (answer) return answer
  if (!readerWorks) return { kind: 'message', headline: words.noReader, detail: words.noReaderDetail }
  if (site.version === 0 && site.syncedAt === null) {
    return { kind: 'message', headline: words.notSynced, detail: words.notSyncedDetail }
  }
  return null
}

/** How many pages the products of a site take. */
export const pagesOf = ({ products }: Site) => Math.max(1, Math.ceil(products.length / PRODUCTS_PER_PAGE))

/** The products on one page of the list, counted from 0. */
export const productsOn = ({ products }: Site, page: number) =>
  products.slice(page * PRODUCTS_PER_PAGE, (page + 1) * PRODUCTS_PER_PAGE)

/** A till that sells: the products of a page, and what is chosen. */
export function saleView(
  site: Site,
  {
    page,
    chosen,
    undoing,
    canUndo,
    online,
  }: Record<'undoing' | 'canUndo' | 'online', boolean> & {
    page: number
    chosen: Cart
  },
  words: Texts,
): View {
  return {
    kind: 'sale',
    title: site.name,
    products: productsOn(site, page).map(({ name, price }) => ({ label: name, price: priceText(price) })),
    morePages: pagesOf(site) > 1,
    cart: shownLines(chosen),
    total: priceText(totalOfCart(chosen)),
    prompt: undoing ? words.undoPrompt : chosen.length > 0 ? words.layCard : words.choose,
    idle: chosen.length === 0 && !undoing,
    online,
    canUndo,
  }
}

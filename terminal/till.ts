import type { DebitMessage } from '../shared/debit.ts'
import { cardHash } from '../shared/signing.ts'
import type { Language, SyncProduct } from '../shared/wire.ts'
import { type Cart, EMPTY_CART, namesIn, saleLines, totalOfCart, withProduct } from './cart.ts'
import { choice } from './choice.ts'
import type { Clock } from './clock.ts'
import { append as appendTo, type Content, undoUnresolved } from './debit-messages.ts'
import type { Tap } from './devices/card-reader.ts'
import type { Forwarder } from './forwarder.ts'
import type { Enrolment, KeyPair } from './identity.ts'
import type { Entry, Journal } from './journal.ts'
import { DiskError } from './journal-database.ts'
import type { Link } from './link.ts'
import { offlineRefusal } from './offline.ts'
import { type Presented, presented } from './presented.ts'
import { pricedOn } from './prices.ts'
import { closedText, priceText, texts } from './screen/texts.ts'
import { failedView, obstacleView, pagesOf, productsOn, saleView } from './screen/till-view.ts'
import type { Press, Screen, View } from './screen/view.ts'

/** How long a request may go unanswered before the till decides for itself. */
export const ANSWER_WAIT_MS = 2_000
/** The same, when the last thing heard of the worker was silence: a tap should not wait for what is not there. */
const ANSWER_WAIT_OFFLINE_MS = 400
const UNDO_WITHIN_MS = 60_000
const ANSWER_SHOWN_MS = 4_000

type Answer = Extract<View, { kind: 'answer' }>

export type Till = ReturnType<typeof till>

/**
 * What sells: tap → journal → ask → answer → journal → screen. One thing at a time; a press during a sale waits for
 * its end. `fail` hears of an error that leaves the journal in doubt, after which nothing is sold: the screen says so.
 * With a `fixedPrice`, the number of a product, every card laid on with nothing chosen buys one of it.
 */
export function till({
  journal,
  forwarder,
  link,
  enrolment,
  key,
  clock,
  uuid,
  sleep,
  log,
  fail,
  fixedPrice = null,
}: {
  journal: Journal
  forwarder: Forwarder
  link: Link
  enrolment: Enrolment
  key: KeyPair
  clock: Clock
  uuid: () => string
  sleep: (ms: number, signal: AbortSignal) => Promise<unknown>
  log: (event: string, fields?: Record<string, unknown>) => void
  fail: (error: unknown) => void
  fixedPrice?: number | null
}) {
  let language: Language = 'da'
  const choosing = choice()
  /** The products on the buttons that are to be seen, which may be older than the newest sync. */
  let offered: SyncProduct[] = []
  let answer: Answer | null = null
  /** The message whose approval the answer tells, until a display has shown it. */
  let unseen: number | null = null
  let answerEnds = new AbortController()
  let undoable: { content: Content; at: number } | null = null
  let readerWorks = false
  let failed: 'disk' | 'bug' | null = null
  let screen: Screen | null = null
  let turn: Promise<void> = Promise.resolve()
  let busySince: number | null = null

  /** One after the other: what a press or a tap does is done before the next begins. */
  function inTurn(deed: () => Promise<void> | void): Promise<void> {
    turn = turn.then(async () => {
      if (failed) return
      busySince = clock.elapsed()
      try {
        await deed()
        await draw()
      } catch (error) {
        await giveUp(error)
      } finally {
        busySince = null
      }
    })
    return turn
  }

  /** Sells nothing any more, and says so: first on the screen, since whoever hears of it ends the program. */
  async function giveUp(error: unknown) {
    if (failed) return
    failed = error instanceof DiskError ? 'disk' : 'bug'
    answerEnds.abort()
    await draw().catch((cause: unknown) => log('screen_failed', { error: String(cause) }))
    fail(error)
  }

  /** In the language of the site's display, as it was told last: what is said of a dead disk cannot be read from it. */
  const words = () => texts(language)

  /** What is sold here, at the prices of the day; while nobody has told the time, of the last one that is known to be. */
  const assortment = () => pricedOn(journal.site(), clock.isLearnt() ? clock.now() : journal.notBefore())

  /** What a card laid on now would buy. What nobody chose, a card buys only where its child can see that it does. */
  function wanted(): Cart {
    const cart = choosing.cart()
    if (cart.length > 0 || fixedPrice === null || !screen) return cart
    const product = assortment().products.find(({ id }) => id === fixedPrice)
    return (product && withProduct(EMPTY_CART, product)) ?? EMPTY_CART
  }

  function view(): View {
    if (failed) return failedView(failed, words())
    const site = assortment()
    language = site.language
    const connection = forwarder.connection()
    const obstacle = obstacleView({ site, connection, readerWorks }, answer, words())
    if (obstacle) return obstacle
    const keypad = choosing.keypad()
    if (keypad !== null) return { kind: 'keypad', amount: keypad }
    const [page, undoing] = [choosing.page(pagesOf(site)), choosing.undoing()]
    const [chosen, canUndo, online] = [wanted(), undoIsOpen(), connection.kind === 'online']
    return saleView(site, { page, chosen, undoing, canUndo, online }, words())
  }

  /** At a fixed price a card that wavers in the field, or is laid on twice, buys once while its approval is to be seen. */
  const stillApproved = (card: string) =>
    fixedPrice !== null &&
    choosing.cart().length === 0 &&
    answer?.meaning === 'approved' &&
    undoable?.content.card === card

  /** Takes the last answer away; false where no card is served. */
  function beginAnew(): boolean {
    answerEnds.abort()
    answer = null
    return forwarder.connection().kind !== 'refused'
  }

  const undoIsOpen = () => undoable !== null && clock.elapsed() - undoable.at <= UNDO_WITHIN_MS

  async function draw() {
    if (!screen) return
    const picture = view()
    if (picture.kind === 'sale') {
      const site = assortment()
      offered = productsOn(site, choosing.page(pagesOf(site)))
    }
    try {
      await screen.show(picture, language)
    } catch (error) {
      log('screen_failed', { error: String(error) })
      screen = null // Whoever attached it hears of its end, and attaches it again.
      return
    }
    if (picture !== answer || unseen === null) return // What is in the way of an approval does not show it.
    journal.shown(unseen)
    unseen = null
  }

  /** Shows an answer until it has been seen, or until someone goes on; of an approval it is noted that it was shown. */
  async function say(meaning: Answer['meaning'], headline: string, detail: string, approved: number | null = null) {
    answerEnds.abort()
    answerEnds = new AbortController()
    const { signal } = answerEnds
    answer = { kind: 'answer', meaning, headline, detail }
    unseen = approved
    await draw()
    sleep(ANSWER_SHOWN_MS, signal).then(
      () =>
        inTurn(() => {
          if (!signal.aborted) answer = null
        }),
      () => undefined,
    )
  }

  const author = { journal, enrolment, key, clock }

  async function append(kind: DebitMessage['kind'], content: Content, at?: number, shown?: boolean): Promise<Entry> {
    // The sender may have met a disk that fails in the middle of a sale.
    if (failed) throw new Error('nothing is kept any more')
    return appendTo(author, kind, content, at, shown)
  }

  async function sell(card: string, chosen: Cart, { token, keep }: Presented) {
    const content: Content = { sale: uuid(), card, amount: totalOfCart(chosen), lines: saleLines(chosen), token }
    const request = await append('request', content)
    const known = forwarder.connection().kind
    const asked = await forwarder.ask(request.seq, known === 'offline' ? ANSWER_WAIT_OFFLINE_MS : ANSWER_WAIT_MS)
    const answered = journal.entry(request.seq)
    if (asked.how === 'answered' && asked.token && keep) {
      const kept = await keep(asked.token)
      if (kept !== 'written') log('token_unwritten', { seq: request.seq, how: kept })
    }
    if (answered.outcome === 'approved') {
      const balance = answered.balance === null ? '' : `${words().balance} ${priceText(answered.balance)}`
      return approve(answered, content, balance)
    }
    if (answered.outcome !== null) {
      const told = asked.how === 'answered' ? asked.closed : []
      const closed = answered.reason === 'category_closed' ? namesIn(chosen, told, journal.closed(card)) : []
      const why = answered.reason === null ? words().declinedElse : words().declinedWhy[answered.reason]
      await say('declined', words().declined, closed.length > 0 ? closedText(closed, words()) : why)
      return
    }
    await sellUnanswered(content, chosen)
  }

  /** The worker has not answered: the till decides, and tells it what became of the sale. */
  async function sellUnanswered(content: Content, chosen: Cart) {
    const closed = namesIn(chosen, [], journal.closed(content.card))
    const sale = {
      amount: content.amount,
      card: journal.card(content.card),
      token: Boolean(content.token),
      closed: closed.length > 0,
    }
    const refusal =
      forwarder.connection().kind === 'refused'
        ? 'cap_reached'
        : offlineRefusal(sale, journal.site(), journal.exposure(content.card), clock.now())
    const told = await append(refusal === null ? 'advice' : 'reversal', content)
    forwarder.wake()
    if (refusal === null) return approve(told, content, words().chargedLater)
    log('declined_offline', { reason: refusal })
    const why = refusal === 'category_closed' ? closedText(closed, words()) : words().offlineWhy[refusal]
    await say('declined', words().declined, why)
  }

  async function approve({ seq, at }: Entry, content: Content, detail: string) {
    choosing.sold()
    const soldForMs = Math.max(0, clock.now() - at)
    undoable = { content, at: clock.elapsed() - soldForMs }
    await say('approved', `${words().approved} ${priceText(content.amount)}`, detail, seq)
  }

  /**
   * Holds a restored worker to what was done here on its first answer, or without one: what was sold is told as an
   * advice, what was declined is reversed. It is told as of then, and nobody waits to see it.
   */
  async function insist() {
    for (const entry of journal.diverged()) {
      const { sale, seq, at } = entry
      const sold = entry.outcome === 'approved' || journal.has(sale, 'advice')
      const kind = sold ? 'advice' : 'reversal'
      log('diverged', { seq, told_as: kind })
      if (!journal.has(sale, 'reversal') && !journal.has(sale, kind)) await append(kind, entry, at, true)
      journal.insisted(seq)
    }
    forwarder.wake()
  }

  async function undo(card: string) {
    choosing.undone()
    if (!undoable || !undoIsOpen()) return void (await say('notice', words().declined, words().nothingToUndo))
    if (undoable.content.card !== card) return void (await say('notice', words().declined, words().undoOtherCard))
    const { content } = undoable
    undoable = null
    const reversal = await append('reversal', content)
    const { how } = await forwarder.ask(reversal.seq, ANSWER_WAIT_MS)
    await say('notice', words().undone, how === 'answered' ? priceText(content.amount) : words().undoneLater)
  }

  async function showBalance(card: string) {
    const found = await link.balance(card)
    if (found.kind === 'answer') {
      const { status, balance, handedOut } = found.value
      const held = `${words().balance} ${priceText(balance)}`
      if (handedOut) await say('approved', words().handedOut, held)
      else await say('balance', held, status === 'active' ? '' : words().balanceBlocked)
    } else if (found.kind === 'refused' && found.code === 'card_unknown') {
      await say('balance', words().balance, words().declinedWhy.card_unknown)
    } else {
      await say('balance', words().balance, words().noBalance)
    }
  }

  async function pressed(press: Press, buttons: readonly SyncProduct[]) {
    if (answer) {
      answerEnds.abort()
      answer = null
      return // The press was meant for the answer, not for what lies behind it.
    }
    const missed = choosing.press(press, { buttons, ownAmount: words().ownAmount, canUndo: undoIsOpen() })
    if (missed !== null) await say('notice', words().declined, words()[missed])
  }

  return {
    /**
     * Settles what a power cut left open: a request whose answer nobody knew is undone, and a restored worker is held to
     * what it had said.
     */
    recover: () =>
      inTurn(async () => {
        await undoUnresolved(author, ({ seq }) => log('recovered', { seq }))
        await insist()
      }),

    /** Hears that a restored worker says otherwise than at first. */
    insist: () => inTurn(insist),

    /** Sells nothing any more, since the journal has failed somebody else. */
    giveUp,

    /** When the deed under way was begun, by the clock that only grows; null while the till rests. */
    busySince: () => busySince,

    /** Does something between two deeds, as when the key is changed. */
    between: (deed: () => Promise<void>) => inTurn(deed),

    /** Lets what has begun come to its end, so that the journal may be closed. Nothing is asked of the till after it. */
    async end() {
      answerEnds.abort()
      await turn
    },

    /** A card, or what was none. */
    serve: (tap: Tap) =>
      inTurn(async () => {
        if (tap.kind === 'unreadable') {
          if (beginAnew()) await say('notice', words().declined, words().unreadable[tap.reason])
          return
        }
        const card = await cardHash(enrolment.cardKey, Uint8Array.from(tap.uid))
        if (stillApproved(card) || !beginAnew()) return
        const chosen = wanted()
        if (choosing.undoing()) await undo(card)
        else if (chosen.length > 0) await sell(card, chosen, await presented(tap, journal.site(), clock, sleep))
        else await showBalance(card)
      }),

    /** A press, on what is to be seen when it is told, whatever is seen by the time it is its turn. */
    press: (press: Press) => {
      const [seen, buttons] = [answer, offered]
      return inTurn(async () => {
        // Made before this answer came: it must not hide it unread.
        if (answer !== null && answer !== seen) return
        await pressed(press, buttons)
      })
    },

    /** Draws anew, since something outside has changed: the products, the connection. */
    refresh: () => inTurn(() => undefined),

    /** The reader answers, or has stopped to. */
    readerIs: (works: boolean) =>
      inTurn(() => {
        readerWorks = works
      }),

    /** A display to show everything on from now; first of all an approval that no display has shown yet. */
    attach: (attached: Screen) =>
      inTurn(async () => {
        screen = attached
        const sold = journal.unshown()
        if (sold) await approve(sold, sold, `${words().at} ${timeText(sold.at)}`)
      }),
  }
}

const timeOfDay = new Intl.DateTimeFormat('da-DK', {
  timeZone: 'Europe/Copenhagen',
  hour: '2-digit',
  minute: '2-digit',
})
const timeText = (atMs: number) => timeOfDay.format(atMs)

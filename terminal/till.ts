import type { DebitMessage } from '../shared/debit.ts'
import { cardHash, sign } from '../shared/signing.ts'
import type { SyncProduct } from '../shared/wire.ts'
import {
  type Cart,
  cartTexts,
  EMPTY_CART,
  saleLines,
  totalOfCart,
  typed,
  typedAmount,
  withAmount,
  withProduct,
} from './cart.ts'
import type { Clock } from './clock.ts'
import type { Tap } from './devices/mfrc522.ts'
import type { Forwarder } from './forwarder.ts'
import type { Enrolment, KeyPair } from './identity.ts'
import type { Entry, Journal } from './journal.ts'
import type { Link } from './link.ts'
import { offlineRefusal } from './offline.ts'
import { PRODUCTS_PER_PAGE } from './panel.ts'
import { DECLINED, OFFLINE, priceText, TEXT, UNREADABLE } from './texts.ts'
import type { Press, Screen, View } from './view.ts'

/** How long a request may go unanswered before the till decides for itself. */
export const ANSWER_WAIT_MS = 2_000
/** The same, when the last thing heard of the worker was silence: a tap should not wait for what is not there. */
const ANSWER_WAIT_OFFLINE_MS = 400
const UNDO_WITHIN_MS = 60_000
const ANSWER_SHOWN_MS = 4_000

type Content = Pick<DebitMessage, 'sale' | 'card' | 'amount' | 'lines'>
type Answer = Extract<View, { kind: 'answer' }>

export type Till = ReturnType<typeof till>

/**
 * What sells: tap → journal → ask → answer → journal → screen. One thing at a time; a press during a sale waits for
 * its end. `fail` hears of an error that leaves the journal in doubt, after which nothing may be sold.
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
}) {
  let cart: Cart = EMPTY_CART
  let keypad: string | null = null
  let page = 0
  /** The products on the buttons that are to be seen, which may be older than the newest sync. */
  let offered: SyncProduct[] = []
  let answer: Answer | null = null
  let answerEnds = new AbortController()
  let undoable: { content: Content; at: number } | null = null
  let undoing = false
  let readerWorks = false
  let failed = false
  let screen: Screen | null = null
  let turn: Promise<void> = Promise.resolve()

  /** One after the other: what a press or a tap does is done before the next begins. */
  function inTurn(deed: () => Promise<void> | void): Promise<void> {
    turn = turn.then(async () => {
      if (failed) return
      try {
        await deed()
      } catch (error) {
        failed = true
        fail(error)
      }
      await draw()
    })
    return turn
  }

  function view(): View {
    const site = journal.site()
    const connection = forwarder.connection()
    if (failed) return { kind: 'message', headline: TEXT.failed, detail: TEXT.callOffice }
    if (connection.kind === 'refused') {
      const revoked = connection.code === 'terminal_revoked'
      const headline = revoked ? TEXT.revoked : TEXT.barred
      return { kind: 'message', headline, detail: `${TEXT.callOffice} (${connection.code})` }
    }
    if (answer) return answer
    if (!readerWorks) return { kind: 'message', headline: TEXT.noReader, detail: TEXT.noReaderDetail }
    if (site.version === 0 && site.syncedAt === null) {
      return { kind: 'message', headline: TEXT.notSynced, detail: TEXT.notSyncedDetail }
    }
    if (keypad !== null) return { kind: 'keypad', amount: keypad }
    const pages = Math.max(1, Math.ceil(site.products.length / PRODUCTS_PER_PAGE))
    page %= pages
    return {
      kind: 'sale',
      title: site.name,
      products: productsShown().map(({ name, price }) => ({ label: name, price: priceText(price) })),
      morePages: pages > 1,
      cart: cartTexts(cart),
      total: priceText(totalOfCart(cart)),
      prompt: undoing ? TEXT.undoPrompt : cart.length > 0 ? TEXT.layCard : TEXT.choose,
      online: connection.kind === 'online',
      canUndo: undoIsOpen(),
    }
  }

  const productsShown = () => journal.site().products.slice(page * PRODUCTS_PER_PAGE, (page + 1) * PRODUCTS_PER_PAGE)

  const undoIsOpen = () => undoable !== null && clock.elapsed() - undoable.at <= UNDO_WITHIN_MS

  async function draw(): Promise<boolean> {
    if (!screen) return false
    const picture = view()
    if (picture.kind === 'sale') offered = productsShown()
    try {
      await screen.show(picture)
      return true
    } catch (error) {
      log('screen_failed', { error: String(error) })
      screen = null // Whoever attached it hears of its end, and attaches it again.
      return false
    }
  }

  /** Shows an answer until it has been seen, or until someone goes on. */
  async function say(meaning: Answer['meaning'], headline: string, detail: string): Promise<boolean> {
    answerEnds.abort()
    answerEnds = new AbortController()
    const { signal } = answerEnds
    answer = { kind: 'answer', meaning, headline, detail }
    const shown = await draw()
    sleep(ANSWER_SHOWN_MS, signal).then(
      () =>
        inTurn(() => {
          if (!signal.aborted) answer = null
        }),
      () => undefined,
    )
    return shown
  }

  async function append(kind: DebitMessage['kind'], content: Content): Promise<Entry> {
    const { seq, hash } = journal.head()
    const { sale, card, amount, lines } = content
    const at = Math.max(0, Math.round(clock.now()))
    const message: DebitMessage = { v: 1, kind, sale, seq: seq + 1, prev: hash, card, amount, lines, at }
    return journal.append(message, await sign(key.privateKey, 'klubkort-debit', enrolment.terminal, message))
  }

  async function sell(card: string) {
    const content: Content = { sale: uuid(), card, amount: totalOfCart(cart), lines: saleLines(cart) }
    const request = await append('request', content)
    const known = forwarder.connection().kind
    await forwarder.ask(request.seq, known === 'offline' ? ANSWER_WAIT_OFFLINE_MS : ANSWER_WAIT_MS)
    const answered = journal.entry(request.seq)
    if (answered.outcome === 'approved') {
      const balance = answered.balance === null ? '' : `${TEXT.balance} ${priceText(answered.balance)}`
      return approve(answered, content, balance)
    }
    if (answered.outcome !== null) {
      await say('declined', TEXT.declined, DECLINED[answered.reason ?? 'reversed'])
      return
    }
    await sellUnanswered(content)
  }

  /** The worker has not answered: the till decides, and tells it what became of the sale. */
  async function sellUnanswered(content: Content) {
    const refusal =
      forwarder.connection().kind === 'refused'
        ? 'cap_reached'
        : offlineRefusal(
            { amount: content.amount, card: journal.card(content.card) },
            journal.site(),
            journal.exposure(content.card),
            clock.now(),
          )
    const told = await append(refusal === null ? 'advice' : 'reversal', content)
    forwarder.wake()
    if (refusal === null) return approve(told, content, TEXT.chargedLater)
    log('declined_offline', { reason: refusal })
    await say('declined', TEXT.declined, OFFLINE[refusal])
  }

  async function approve({ seq, at }: Entry, content: Content, detail: string) {
    cart = EMPTY_CART
    const soldForMs = Math.max(0, clock.now() - at)
    undoable = { content, at: clock.elapsed() - soldForMs }
    const shown = await say('approved', `${TEXT.approved} ${priceText(content.amount)}`, detail)
    if (shown) journal.shown(seq)
  }

  async function undo(card: string) {
    undoing = false
    if (!undoable || !undoIsOpen()) return void (await say('notice', TEXT.declined, TEXT.nothingToUndo))
    if (undoable.content.card !== card) return void (await say('notice', TEXT.declined, TEXT.undoOtherCard))
    const { content } = undoable
    undoable = null
    const reversal = await append('reversal', content)
    const how = await forwarder.ask(reversal.seq, ANSWER_WAIT_MS)
    await say('notice', TEXT.undone, how === 'answered' ? priceText(content.amount) : TEXT.undoneLater)
  }

  async function showBalance(card: string) {
    const found = await link.balance(card)
    if (found.kind === 'answer') {
      const { status, balance } = found.value
      await say('balance', `${TEXT.balance} ${priceText(balance)}`, status === 'active' ? '' : TEXT.balanceBlocked)
    } else if (found.kind === 'refused' && found.code === 'card_unknown') {
      await say('balance', TEXT.balance, DECLINED.card_unknown)
    } else {
      await say('balance', TEXT.balance, TEXT.noBalance)
    }
  }

  function pressed(press: Press): Promise<unknown> | undefined {
    if (answer) {
      answerEnds.abort()
      answer = null
      return undefined // The press was meant for the answer, not for what lies behind it.
    }
    if (keypad !== null) return pressedKeypad(press, keypad)
    switch (press.kind) {
      case 'product': {
        const product = offered[press.index]
        return product === undefined ? undefined : put(withProduct(cart, product))
      }
      case 'next_page':
        page += 1
        return undefined
      case 'clear':
        cart = EMPTY_CART
        undoing = false
        return undefined
      case 'keypad':
        keypad = ''
        return undefined
      case 'undo':
        if (!undoIsOpen()) return say('notice', TEXT.declined, TEXT.nothingToUndo)
        undoing = !undoing
        return undefined
      case 'digit':
      case 'comma':
      case 'erase':
      case 'ok':
      case 'cancel':
      case 'dismiss':
        return undefined // Keys of another page, pressed as it went away.
    }
  }

  function pressedKeypad(press: Press, text: string): Promise<unknown> | undefined {
    if (press.kind === 'digit') keypad = typed(text, String(press.digit))
    if (press.kind === 'comma') keypad = typed(text, ',')
    if (press.kind === 'erase') keypad = text.slice(0, -1)
    if (press.kind === 'cancel') keypad = null
    if (press.kind !== 'ok') return undefined
    keypad = null
    const amount = typedAmount(text)
    return amount === null ? undefined : put(withAmount(cart, amount))
  }

  async function put(fuller: Cart | null) {
    if (fuller === null) return void (await say('notice', TEXT.declined, TEXT.cartFull))
    cart = fuller
    undoing = false
  }

  return {
    /** Settles what a power cut left open: a request whose answer nobody knew is undone. */
    recover: () =>
      inTurn(async () => {
        for (const open of journal.unresolved()) {
          log('recovered', { seq: open.seq })
          await append('reversal', open)
        }
        forwarder.wake()
      }),

    /**
     * Holds a restored worker to what was done here on its first answer: what was sold is told as an advice, what was
     * declined is reversed.
     */
    insist: (entries: readonly Entry[]) =>
      inTurn(async () => {
        for (const entry of entries) {
          const kind = entry.outcome === 'approved' ? 'advice' : 'reversal'
          log('diverged', { seq: entry.seq, told_as: kind })
          if (!journal.has(entry.sale, 'reversal') && !journal.has(entry.sale, kind)) await append(kind, entry)
        }
        forwarder.wake()
      }),

    /** Lets what has begun come to its end, so that the journal may be closed. Nothing is asked of the till after it. */
    async end() {
      answerEnds.abort()
      await turn
    },

    /** A card, or what was none. */
    serve: (tap: Tap) =>
      inTurn(async () => {
        answerEnds.abort()
        answer = null
        if (forwarder.connection().kind === 'refused') return
        if (tap.kind === 'unreadable') return void (await say('notice', TEXT.declined, UNREADABLE[tap.reason]))
        const card = await cardHash(enrolment.cardKey, Uint8Array.from(tap.uid))
        if (undoing) await undo(card)
        else if (cart.length > 0) await sell(card)
        else await showBalance(card)
      }),

    press: (press: Press) =>
      inTurn(async () => {
        await pressed(press)
      }),

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
        const unseen = journal.unshown()
        if (unseen) await approve(unseen, unseen, `Kl. ${timeText(unseen.at)}`)
      }),
  }
}

const timeOfDay = new Intl.DateTimeFormat('da-DK', {
  timeZone: 'Europe/Copenhagen',
  hour: '2-digit',
  minute: '2-digit',
})
const timeText = (atMs: number) => timeOfDay.format(atMs)

import type { DebitMessage } from '../shared/debit.ts'
import { cardHash, sign } from '../shared/signing.ts'
import type { Language, SyncProduct } from '../shared/wire.ts'
import { type Cart, EMPTY_CART, saleLines, totalOfCart, typed, typedAmount, withAmount, withProduct } from './cart.ts'
import type { Clock } from './clock.ts'
import type { Tap } from './devices/card-reader.ts'
import type { Forwarder } from './forwarder.ts'
import type { Enrolment, KeyPair } from './identity.ts'
import { DiskError, type Entry, type Journal } from './journal.ts'
import type { Link } from './link.ts'
import { offlineRefusal } from './offline.ts'
import { type Presented, presented } from './presented.ts'
import { priceText, texts } from './screen/texts.ts'
import { failedView, obstacleView, pagesOf, productsOn, saleView } from './screen/till-view.ts'
import type { Press, Screen, View } from './screen/view.ts'

/** How long a request may go unanswered before the till decides for itself. */
export const ANSWER_WAIT_MS = 2_000
/** The same, when the last thing heard of the worker was silence: a tap should not wait for what is not there. */
const ANSWER_WAIT_OFFLINE_MS = 400
const UNDO_WITHIN_MS = 60_000
const ANSWER_SHOWN_MS = 4_000

type Content = Pick<DebitMessage, 'sale' | 'card' | 'amount' | 'lines' | 'token'>
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

  /** What a card laid on now would buy. */
  function wanted(): Cart {
    if (cart.length > 0 || fixedPrice === null) return cart
    const product = journal.site().products.find(({ id }) => id === fixedPrice)
    return (product && withProduct(EMPTY_CART, product)) ?? EMPTY_CART
  }

  function view(): View {
    if (failed) return failedView(failed, words())
    const site = journal.site()
    language = site.language
    const connection = forwarder.connection()
    const obstacle = obstacleView({ site, connection, readerWorks }, answer, words())
    if (obstacle) return obstacle
    if (keypad !== null) return { kind: 'keypad', amount: keypad }
    page %= pagesOf(site)
    const [chosen, canUndo, online] = [wanted(), undoIsOpen(), connection.kind === 'online']
    return saleView(site, { page, chosen, undoing, canUndo, online }, words())
  }

  const undoIsOpen = () => undoable !== null && clock.elapsed() - undoable.at <= UNDO_WITHIN_MS

  async function draw(): Promise<boolean> {
    if (!screen) return false
    const picture = view()
    if (picture.kind === 'sale') offered = productsOn(journal.site(), page)
    try {
      await screen.show(picture, language)
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
    // The sender may have met a disk that fails in the middle of a sale.
    if (failed) throw new Error('nothing is kept any more')
    const { seq, hash } = journal.head()
    const { sale, card, amount, lines, token } = content
    const at = Math.max(0, Math.round(clock.now()))
    const message: DebitMessage = { v: 1, kind, sale, seq: seq + 1, prev: hash, card, amount, lines, at }
    if (token !== undefined && kind !== 'reversal') message.token = token
    return journal.append(message, await sign(key.privateKey, 'klubkort-debit', enrolment.terminal, message))
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
      await say('declined', words().declined, words().declinedWhy[answered.reason ?? 'reversed'])
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
            { amount: content.amount, card: journal.card(content.card), token: Boolean(content.token) },
            journal.site(),
            journal.exposure(content.card),
            clock.now(),
          )
    const told = await append(refusal === null ? 'advice' : 'reversal', content)
    forwarder.wake()
    if (refusal === null) return approve(told, content, words().chargedLater)
    log('declined_offline', { reason: refusal })
    await say('declined', words().declined, words().offlineWhy[refusal])
  }

  async function approve({ seq, at }: Entry, content: Content, detail: string) {
    cart = EMPTY_CART
    const soldForMs = Math.max(0, clock.now() - at)
    undoable = { content, at: clock.elapsed() - soldForMs }
    const shown = await say('approved', `${words().approved} ${priceText(content.amount)}`, detail)
    if (shown) journal.shown(seq)
  }

  async function undo(card: string) {
    undoing = false
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
      const { status, balance } = found.value
      await say(
        'balance',
        `${words().balance} ${priceText(balance)}`,
        status === 'active' ? '' : words().balanceBlocked,
      )
    } else if (found.kind === 'refused' && found.code === 'card_unknown') {
      await say('balance', words().balance, words().declinedWhy.card_unknown)
    } else {
      await say('balance', words().balance, words().noBalance)
    }
  }

  function pressed(press: Press, buttons: SyncProduct[]): Promise<unknown> | undefined {
    if (answer) {
      answerEnds.abort()
      answer = null
      return undefined // The press was meant for the answer, not for what lies behind it.
    }
    if (keypad !== null) return pressedKeypad(press, keypad)
    switch (press.kind) {
      case 'product': {
        const product = buttons[press.index]
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
        if (!undoIsOpen()) return say('notice', words().declined, words().nothingToUndo)
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
    return amount === null ? undefined : put(withAmount(cart, amount, words().ownAmount))
  }

  async function put(fuller: Cart | null) {
    if (fuller === null) return void (await say('notice', words().declined, words().cartFull))
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
        answerEnds.abort()
        answer = null
        if (forwarder.connection().kind === 'refused') return
        if (tap.kind === 'unreadable')
          return void (await say('notice', words().declined, words().unreadable[tap.reason]))
        const card = await cardHash(enrolment.cardKey, Uint8Array.from(tap.uid))
        const chosen = wanted()
        if (undoing) await undo(card)
        else if (chosen.length > 0) await sell(card, chosen, await presented(tap, journal.site(), sleep))
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
        const unseen = journal.unshown()
        if (unseen) await approve(unseen, unseen, `${words().at} ${timeText(unseen.at)}`)
      }),
  }
}

const timeOfDay = new Intl.DateTimeFormat('da-DK', {
  timeZone: 'Europe/Copenhagen',
  hour: '2-digit',
  minute: '2-digit',
})
const timeText = (atMs: number) => timeOfDay.format(atMs)

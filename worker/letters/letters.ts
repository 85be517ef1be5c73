import type { Language } from '../../shared/wire.ts'
import { deposit } from '../texts/deposit.ts'
import { longDay, plainKr } from '../texts/format.ts'
import { type Say, speaker } from '../texts/language.ts'
import { letters } from '../texts/letters.ts'
import { payment } from '../texts/payment.ts'

/**
 * What a letter tells, as the outbox keeps it: amounts in whole øre, instants in epoch milliseconds, days as
 * 'YYYY-MM-DD'; `child` is a first name. A line's `name` is null where staff keyed the amount in. A summary names the
 * `id` of each child as well, by which the outbox knows whether it may still be told.
 */
export type News =
  | {
      kind: 'purchase'
      data: { child: string; site: string; at: number; amount: number; balance: number; lines: Line[] }
    }
  | { kind: 'low_balance'; data: { child: string; balance: number; below: number } }
  | { kind: 'weekly'; data: { week: number; from: string; to: string; children: Child[] } }
  | { kind: 'case_answered'; data: Record<string, never> }
  | { kind: 'mail_changed'; data: Record<string, never> }
  | { kind: 'card_cloned'; data: { account: number; child: string; card: number } }
  | MoneyNews

/** News of money from outside or on its way there, about the child of `account`. */
export type MoneyNews =
  | { kind: 'deposited'; data: About & Receipt }
  | { kind: 'topped_up'; data: About & Receipt }
  | {
      kind: 'top_up_paused'
      data: About & { reason: 'declined' | 'authentication_required' | 'card_unusable' | 'disputed' }
    }
  | { kind: 'card_expiring'; data: About & { last4: string; expires: string } }
  | { kind: 'payout_returned'; data: About & { amount: number; reason: string | null } }
  | { kind: 'refund_failed'; data: About & { amount: number } }
  /** `order` is there where whoever ordered the card has to say that it has come. */
  | { kind: 'card_sent'; data: About & { order?: string } }
  | { kind: 'card_order_cancelled'; data: About & { amount: number; expired?: true } }
  | { kind: 'card_approval'; data: About & { amount: number; order: string } }
  | { kind: 'child_left'; data: About }

/** Whose account it is about, and what it holds now; null for somebody whose child it is no longer. */
type About = { account: number; child: string; balance: number | null }

/** How much was paid, when and with what, and the payment's id. */
type Receipt = { amount: number; at: number; method: 'card' | 'mobilepay' | null; reference: string }

type Line = { name: string | null; quantity: number; price: number }
type Child = { id: number; child: string; spent: number; balance: number }

/** Whom a letter is from: the municipality's name, and the portal's address without a closing slash. */
export type Sender = { name: string; portal: string }

/** The letter's subject and its text in plain lines. */
export function letterOf(news: News, language: Language, sender: Sender): { subject: string; text: string } {
  const say = speaker(language)
  const { subject, body } = wordsOf(news, language, say, sender.portal)
  const text = [`${say(letters.greeting)},`, ...body, `${say(letters.closing)}\n${sender.name}`].join('\n\n')
  return { subject, text: `${text}\n` }
}

type Words = { subject: string; body: string[] }

function wordsOf(news: News, language: Language, say: Say, portal: string): Words {
  const account = `${say(letters.account)}\n${portal}/`
  const settings = say(letters.settings)
  const holds = (balance: number | null) =>
    balance === null ? [] : [say(letters.purchase.balance)({ balance: plainKr(balance) })]
  switch (news.kind) {
    case 'purchase': {
      const { child, site, at, amount, balance, lines } = news.data
      const sold = { child, site, amount: plainKr(amount), day: longDay(language, at), time: timeOf(language, at) }
      const bought = lines.map(({ name, quantity, price }) =>
        say(letters.line)({ quantity, name: name ?? say(letters.keyedIn), price: plainKr(quantity * price) }),
      )
      return {
        subject: say(letters.purchase.subject),
        body: [
          [say(letters.purchase.sold)(sold), ...bought].join('\n'),
          say(letters.purchase.balance)({ balance: plainKr(balance) }),
          account,
          settings,
        ],
      }
    }
    case 'low_balance': {
      const { child, balance, below } = news.data
      const fact = { child, balance: plainKr(balance), below: plainKr(below) }
      return {
        subject: say(letters.lowBalance.subject),
        body: [say(letters.lowBalance.balance)(fact), account, settings],
      }
    }
    case 'weekly': {
      const { week, from, to, children } = news.data
      const opening = say(letters.weekly.opening)({ from: dayOf(language, from), to: dayOf(language, to) })
      const each = children.map(({ child, spent, balance }) =>
        say(letters.weekly.child)({ child, spent: plainKr(spent), balance: plainKr(balance) }),
      )
      return {
        subject: say(letters.weekly.subject)({ week }),
        body: [[opening, ...each].join('\n'), account, settings],
      }
    }
    case 'case_answered':
      return {
        subject: say(letters.caseAnswered.subject),
        body: [`${say(letters.caseAnswered.read)}\n${portal}/support`],
      }
    case 'mail_changed':
      return {
        subject: say(letters.mailChanged.subject),
        body: [say(letters.mailChanged.changed), `${say(letters.mailChanged.notYou)}\n${portal}/support`],
      }
    case 'card_cloned': {
      const { child, card, account: id } = news.data
      return {
        subject: say(letters.cardCloned.subject),
        body: [
          say(letters.cardCloned.fact)({ child, card }),
          say(letters.cardCloned.money),
          `${say(letters.cardCloned.next)}\n${portal}/konto/${id}/brugerinfo`,
        ],
      }
    }
    case 'deposited':
    case 'topped_up': {
      const words = news.kind === 'deposited' ? letters.deposited : letters.toppedUp
      const { child, amount, balance, at, method, reference } = news.data
      const paid = [
        say(letters.paidAt)({ day: longDay(language, at), time: timeOf(language, at) }),
        ...(method === null ? [] : [`${say(deposit.method)}: ${say(deposit.methods[method])}`]),
        `${say(payment.reference)}: ${reference}`,
      ]
      return {
        subject: say(words.subject),
        body: [say(words.fact)({ child, amount: plainKr(amount) }), paid.join('\n'), ...holds(balance), account],
      }
    }
    case 'top_up_paused': {
      const { child, reason, account: id } = news.data
      return {
        subject: say(letters.topUpPaused.subject),
        body: [
          say(letters.topUpPaused.fact)({ child }),
          say(letters.topUpPaused.reasons[reason]),
          `${say(letters.topUpPaused.mend)}\n${portal}/konto/${id}/optankning`,
        ],
      }
    }
    case 'card_expiring': {
      const { child, last4, expires, account: id } = news.data
      const [year, month] = expires.split('-')
      return {
        subject: say(letters.cardExpiring.subject),
        body: [
          say(letters.cardExpiring.fact)({ child, last4, expires: `${month}/${year}` }),
          `${say(letters.cardExpiring.change)}\n${portal}/konto/${id}/optankning`,
        ],
      }
    }
    case 'payout_returned': {
      const { child, amount, reason, balance } = news.data
      return {
        subject: say(letters.payoutReturned.subject),
        body: [
          say(letters.payoutReturned.fact)({ child, amount: plainKr(amount) }),
          ...holds(balance),
          ...(reason === null ? [] : [say(letters.payoutReturned.reason)({ reason })]),
          `${say(letters.payoutReturned.again)}\n${portal}/konto/${news.data.account}/udbetal`,
        ],
      }
    }
    case 'refund_failed': {
      const { child, amount, balance, account: id } = news.data
      return {
        subject: say(letters.refundFailed.subject),
        body: [
          say(letters.refundFailed.fact)({ child, amount: plainKr(amount) }),
          ...holds(balance),
          `${say(letters.payoutReturned.again)}\n${portal}/konto/${id}/udbetal`,
        ],
      }
    }
    case 'card_sent': {
      const { child, account: id, order } = news.data
      const received = `${say(letters.cardSent.received)}\n${portal}/konto/${id}/nyt-kort/${order}`
      return {
        subject: say(letters.cardSent.subject),
        body: [say(letters.cardSent.fact)({ child }), order === undefined ? account : received],
      }
    }
    case 'card_order_cancelled': {
      const { child, amount, account: id, expired } = news.data
      if (expired) {
        return {
          subject: say(letters.cardExpired.subject),
          body: [
            say(letters.cardExpired.fact)({ child }),
            `${say(letters.cardExpired.next)({ child })}\n${portal}/konto/${id}/nyt-kort`,
          ],
        }
      }
      return {
        subject: say(letters.cardOrderCancelled.subject),
        body: [
          amount === 0
            ? say(letters.cardOrderCancelled.free)({ child })
            : say(letters.cardOrderCancelled.fact)({ child, amount: plainKr(amount) }),
          account,
        ],
      }
    }
    case 'card_approval': {
      const { child, amount, balance, account: id, order } = news.data
      return {
        subject: say(letters.cardApproval.subject),
        body: [
          amount === 0
            ? say(letters.cardApproval.free)({ child })
            : say(letters.cardApproval.fact)({ child, amount: plainKr(amount) }),
          ...(amount === 0 ? [] : holds(balance)),
          `${say(letters.cardApproval.decide)}\n${portal}/konto/${id}/nyt-kort/${order}`,
        ],
      }
    }
    case 'child_left': {
      const { child, balance, account: id } = news.data
      return {
        subject: say(letters.childLeft.subject),
        body: [
          say(letters.childLeft.fact)({ child }),
          ...holds(balance),
          `${say(letters.childLeft.payout)}\n${portal}/konto/${id}/udbetal`,
        ],
      }
    }
  }
}

/** The time of an instant, in Copenhagen: '14.05'. */
function timeOf(language: Language, atMs: number): string {
  const form = { timeStyle: 'short', timeZone: 'Europe/Copenhagen' } as const
  return new Intl.DateTimeFormat(language === 'da' ? 'da-DK' : 'en-GB', form).format(atMs)
}

/** A day 'YYYY-MM-DD' with its weekday; at noon UTC it is the same day in Copenhagen. */
const dayOf = (language: Language, day: string) => longDay(language, Date.parse(`${day}T12:00:00Z`))

import type Stripe from 'stripe'
import { DISPUTE_FEE } from './cards.ts'
import * as make from './objects.ts'
import { found, idOf, invalid, type State } from './state.ts'

type Book = {
  made: (prefix: string) => make.Made
  enter: (line: Parameters<typeof make.bookLine>[1]) => Stripe.BalanceTransaction
  tell: (type: string, object: object) => void
  /** Whether refunds to a payment method begin as pending. */
  slowRefunds: (method: string) => boolean
}

/** Money that goes back to its payer: refunds, and disputes. */
export function givenBack(state: State, { made, enter, tell, slowRefunds }: Book) {
  return {
    refund(intentId: string, wanted: number | null, more: Partial<Stripe.Refund> = {}): Stripe.Refund {
      const intent = found(state.intents, 'payment_intent', intentId)
      const charge = state.charges[idOf(intent.latest_charge) ?? '']
      if (intent.status !== 'succeeded' || !charge) {
        throw invalid(`This PaymentIntent (${intentId}) does not have a successful charge to refund.`)
      }
      const left = charge.amount - charge.amount_refunded
      const amount = wanted ?? left
      if (charge.disputed)
        throw invalid(`Charge ${charge.id} has been charged back; cannot issue a refund.`, 'charge_disputed')
      if (left === 0) throw invalid(`Charge ${charge.id} has already been refunded.`, 'charge_already_refunded')
      if (amount < 1) throw invalid('Invalid positive integer', 'parameter_invalid_integer', 'amount')
      if (amount > left)
        throw invalid(`Refund amount (${amount} øre) is greater than unrefunded amount on charge (${left} øre)`)
      const byCard = charge.payment_method_details?.type === 'card'
      const slow = slowRefunds(charge.payment_method ?? '')
      const refund = make.refund(made(byCard ? 're' : 'pyr'), {
        amount,
        currency: charge.currency,
        charge: charge.id,
        payment_intent: intentId,
        status: slow ? 'pending' : 'succeeded',
        ...more,
      })
      const line = enter({
        type: byCard ? 'refund' : 'payment_refund',
        reporting_category: 'refund',
        amount: -amount,
        fee: 0,
        currency: charge.currency,
        source: refund.id,
      })
      state.refunds[refund.id] = { ...refund, balance_transaction: line.id }
      charge.amount_refunded += amount
      charge.refunded = charge.amount_refunded === charge.amount
      tell('charge.refunded', charge)
      tell('refund.created', refund)
      return state.refunds[refund.id] ?? refund
    },

    completeRefund(id: string): void {
      const refund = found(state.refunds, 'refund', id)
      refund.status = 'succeeded'
      tell('refund.updated', refund)
      tell('charge.refund.updated', refund)
    },

    /** The money comes back from a bank that would not have it. */
    failRefund(id: string, reason = 'expired_or_canceled_card'): void {
      const refund = found(state.refunds, 'refund', id)
      if (refund.status === 'failed') throw new Error(`the refund ${id} has failed already`)
      const charge = found(state.charges, 'charge', idOf(refund.charge))
      const line = enter({
        type: 'refund_failure',
        reporting_category: 'refund_failure',
        amount: refund.amount,
        fee: 0,
        currency: refund.currency,
        source: refund.id,
      })
      Object.assign(refund, { status: 'failed', failure_reason: reason, failure_balance_transaction: line.id })
      charge.amount_refunded -= refund.amount
      charge.refunded = false
      tell('refund.failed', refund)
      tell('refund.updated', refund)
      tell('charge.refund.updated', refund)
    },

    /** A payer contests: the money is taken away, with a fee. */
    dispute(intentId: string, amount?: number): Stripe.Dispute {
      const intent = found(state.intents, 'payment_intent', intentId)
      const charge = found(state.charges, 'charge', idOf(intent.latest_charge))
      const dispute: Stripe.Dispute = make.dispute(made('dp'), {
        amount: amount ?? charge.amount - charge.amount_refunded,
        currency: charge.currency,
        charge: charge.id,
        payment_intent: intentId,
        reason: 'fraudulent',
      })
      charge.disputed = true
      state.disputes[dispute.id] = dispute
      tell('charge.dispute.created', dispute)
      dispute.balance_transactions.push(
        enter({
          type: 'adjustment',
          reporting_category: 'dispute',
          amount: -dispute.amount,
          fee: DISPUTE_FEE,
          currency: dispute.currency,
          source: dispute.id,
        }),
      )
      tell('charge.dispute.funds_withdrawn', dispute)
      return dispute
    },

    /** A dispute ends; a won one gives the money back, and keeps the fee. */
    endDispute(id: string, outcome: 'won' | 'lost'): void {
      const dispute = found(state.disputes, 'dispute', id)
      if (['won', 'lost'].includes(dispute.status)) throw new Error(`the dispute ${id} has ended already`)
      dispute.status = outcome
      if (outcome === 'won') {
        dispute.balance_transactions.push(
          enter({
            type: 'adjustment',
            reporting_category: 'dispute_reversal',
            amount: dispute.amount,
            fee: 0,
            currency: dispute.currency,
            source: dispute.id,
          }),
        )
        tell('charge.dispute.funds_reinstated', dispute)
      }
      tell('charge.dispute.closed', dispute)
    },
  }
}

import { maySteer } from '../people/guardianships.ts'
import { bound, producedCard } from './card-binding.ts'

/** A card that came by post, and was made for the order: who ordered it says that it is there. */

type Receiving = { id: string; account: number; guardian: number }

/** `not_received`: it is not in the post, nobody knows which card it is, or the child has left. */
export type Received = 'activated' | 'not_received' | 'not_found'

/** Puts the card into use and closes the lost one for good; again is no change. Only who ordered it knows that it came. */
export async function activateSent(
  db: D1Database,
  { id, account, guardian }: Receiving,
  nowMs: number,
): Promise<Received> {
  const order = await db
    .prepare(
      `SELECT status, lost_card AS lostCard, ${producedCard('card_order.id')} AS hash
       FROM card_order WHERE id = ?1 AND account = ?2 AND guardian = ?3 AND ${maySteer('?2', '?3')}`,
    )
    .bind(id, account, guardian)
    .first<{ status: string; lostCard: number | null; hash: string | null }>()
  if (!order) return 'not_found'
  const { status, lostCard, hash } = order
  if (status === 'handed_out') return 'activated'
  if (status !== 'sent' || hash === null) return 'not_received'
  const answers = await db.batch([
    ...bound(db, { id, lostCard, hash }, { guardian }, nowMs, {
      sql: `card_order.status = 'sent' AND ${maySteer('card_order.account', '?10')}`,
      bind: [guardian],
    }),
    db.prepare(`SELECT status FROM card_order WHERE id = ?`).bind(id),
  ])
  const after = answers.at(-1)?.results[0] as { status: string } | undefined
  return after?.status === 'handed_out' ? 'activated' : 'not_received'
}

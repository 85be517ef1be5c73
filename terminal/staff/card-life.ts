import type { z } from 'zod'
import type { CardEvent } from '../../shared/office/cards.ts'
import { instant, table } from './output.ts'

type Event = z.infer<typeof CardEvent>

/** What the audit log calls a deed, in words. */
const WORDS: Readonly<Record<string, string>> = {
  card_ordered: 'ordered',
  card_order_paid: 'paid',
  card_order_paid_in_vain: 'paid in vain',
  card_replacement_begun: 'replacement begun',
  card_replacement_approved: 'approved and paid',
  card_replacement_refused: 'refused',
  card_replacement_expired: 'expired, as nobody approved it',
  card_order_moved: 'goes to another club',
  card_batched: 'put into a batch',
  card_produced: 'produced',
  card_order_sent: 'sent',
  card_order_handed_out: 'handed out',
  card_order_cancelled: 'cancelled',
  card_added: 'active',
  card_active: 'active again',
  card_blocked: 'blocked',
  cards_frozen: 'blocked, as the child left',
  card_cloned: 'blocked, as it was copied',
  card_closed: 'closed',
}

/** What has happened to a card, the oldest first, as a table; guardians are not named. */
export function lifeLines(events: readonly Event[]): string {
  return table(
    events,
    [
      { head: 'WHEN', cell: ({ at }) => instant(at) },
      { head: 'WHAT', cell: ({ what }) => WORDS[what] ?? what },
      { head: 'WHO', cell: ({ who }) => who.name ?? (who.kind === 'guardian' ? 'guardian' : '–'), flexible: true },
    ],
    'Nothing is known of it.',
  )
}

import { z } from '@hono/zod-openapi'
import type { Context } from 'hono'
import {
  Review,
  ReviewId,
  ReviewSettlings,
  Reviews,
  ReviewsQuery,
  SettleAnswer,
  SettleCall,
} from '../../shared/office/review.ts'
import { OfflineRisk, SiteLimits, SiteLimitsCall } from '../../shared/office/sites.ts'
import { Terminal, TerminalCall, TerminalCode } from '../../shared/office/terminals.ts'
import { newCode } from '../municipality/secrets.ts'
import { sitesOf } from '../people/staff.ts'
import { refuse } from '../refusal.ts'
import { offlineRisk, setSiteLimits, siteLimits } from '../terminals/offline-limits.ts'
import { openReviews, review, type SettleRefusal, settle, settledReviews } from '../terminals/review.ts'
import { addTerminal, CODE_LIFE_MS, renewCode, revoke, terminals } from '../terminals/terminals.ts'
import { changing, IdParam, Nothing, reading, router, type StaffEnv, TerminalParam } from './contract.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

/** Terminals, what they may do offline, and what staff must look into. Part of the staff API. */
export const staffTerminalRoutes = router<StaffEnv>()

staffTerminalRoutes
  .openapi(
    reading({
      path: '/terminals',
      summary: "All terminals, of which a club's staff see those at their own sites",
      answer: z.object({ terminals: z.array(Terminal) }),
    }),
    async (c) => c.json({ terminals: await terminals(c.var.db, { sites: sitesOf(c.var.staff) }) }, 200),
  )
  .openapi(
    changing({
      path: '/terminals',
      summary: 'Add a terminal; its one-time code is shown once',
      body: TerminalCall,
      answer: TerminalCode,
      refusals: ['site_unknown', 'name_taken'],
    }),
    async (c) => {
      const code = newCode(random)
      const added = await addTerminal(c.var.db, c.req.valid('json'), code, c.var.staff.id, c.var.now)
      if (added === 'site_unknown') return refuse(c, added, 'no such site')
      if (added === 'name_taken') return refuse(c, added, 'there is a terminal of that name')
      return c.json({ terminal: added.id, code, expiresAt: c.var.now + CODE_LIFE_MS }, 200)
    },
  )
  .openapi(
    reading({ path: '/terminals/risk', summary: 'The worst that can be lost offline', answer: OfflineRisk }),
    async (c) => c.json(await offlineRisk(c.var.db, c.var.now), 200),
  )

for (const [verb, summary, again] of [
  ['code', 'A new one-time code for a terminal that has not been enrolled', false],
  ['renew', 'A new one-time code for a terminal that is enrolled already, to enrol it with another key', true],
] as const) {
  staffTerminalRoutes.openapi(
    changing({
      path: `/terminals/{id}/${verb}`,
      summary,
      params: TerminalParam,
      body: Nothing,
      answer: TerminalCode,
      refusals: ['not_found', 'code_used', 'not_enrolled', 'terminal_revoked'],
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const code = newCode(random)
      const renewed = await renewCode(c.var.db, id, { code, again }, c.var.staff.id, c.var.now)
      switch (renewed) {
        case 'renewed':
          return c.json({ terminal: id, code, expiresAt: c.var.now + CODE_LIFE_MS }, 200)
        case 'not_found':
          return refuse(c, renewed, 'no such terminal')
        case 'code_used':
          return refuse(c, renewed, 'the terminal has been enrolled, or revoked')
        case 'not_enrolled':
          return refuse(c, renewed, 'the terminal has not been enrolled yet: klubkort terminal code')
        case 'terminal_revoked':
          return refuse(c, renewed, 'the terminal has been revoked for good: add another one')
      }
    },
  )
}

staffTerminalRoutes.openapi(
  changing({
    path: '/terminals/{id}/revoke',
    summary: 'Revoke a terminal, at once',
    params: TerminalParam,
    body: Nothing,
    answer: Terminal,
    refusals: ['not_found'],
  }),
  async (c) => {
    const revoked = await revoke(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
    return revoked ? c.json(revoked, 200) : refuse(c, 'not_found', 'no such terminal')
  },
)

// ── Limits ──────────────────────────────────────────────────────────────────

staffTerminalRoutes
  .openapi(
    reading({
      path: '/sites/limits',
      summary: 'What each site may do offline, and what of it is its own',
      answer: z.object({ sites: z.array(SiteLimits) }),
    }),
    async (c) => c.json({ sites: await siteLimits(c.var.db) }, 200),
  )
  .openapi(
    changing({
      path: '/sites/{id}/limits',
      summary: "Change a site's own limits; null gives the municipality's back",
      params: IdParam,
      body: SiteLimitsCall,
      answer: SiteLimits,
      refusals: ['site_unknown'],
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const set = await setSiteLimits(c.var.db, id, c.req.valid('json'), c.var.staff.id, c.var.now)
      return set ? c.json(set, 200) : refuse(c, 'site_unknown', 'no such site')
    },
  )

// ── Review ──────────────────────────────────────────────────────────────────

const ReviewParam = z.object({ id: ReviewId })

function refused(c: Context<StaffEnv>, refusal: SettleRefusal) {
  switch (refusal) {
    case 'review_unknown':
      return refuse(c, refusal, 'nothing of that id to look into, or the sale has been undone')
    case 'review_settled':
      return refuse(c, refusal, 'it has been decided already')
    case 'review_unfit':
      return refuse(
        c,
        refusal,
        "that is not to be decided of it: a known card's sale is kept or carried, an unknown one's carried or charged, messages put aside are booked or discarded, an alarm only has a note",
      )
    case 'balance_short':
      return refuse(c, refusal, 'the account does not hold that much')
    case 'account_unknown':
      return refuse(c, refusal, 'no such wallet')
  }
}

staffTerminalRoutes
  .openapi(
    reading({
      path: '/reviews',
      summary: 'What waits for staff, the oldest first',
      query: ReviewsQuery,
      answer: Reviews,
    }),
    async (c) => c.json(await openReviews(c.var.db, c.req.valid('query').offset, c.var.staff.id, c.var.now), 200),
  )
  .openapi(
    reading({
      path: '/reviews/settled',
      summary: 'What staff have decided, the newest first',
      query: ReviewsQuery,
      answer: ReviewSettlings,
    }),
    async (c) => c.json(await settledReviews(c.var.db, c.req.valid('query').offset), 200),
  )
  .openapi(
    reading({
      path: '/reviews/{id}',
      summary: 'One thing to look into, with its messages',
      params: ReviewParam,
      answer: Review,
      refusals: ['review_unknown'],
    }),
    async (c) => {
      const found = await review(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      return found ? c.json(found, 200) : refused(c, 'review_unknown')
    },
  )
  .openapi(
    changing({
      path: '/reviews/{id}/settle',
      summary: 'Decide on it, once and for good',
      params: ReviewParam,
      body: SettleCall,
      answer: SettleAnswer,
      refusals: ['review_unknown', 'review_settled', 'review_unfit', 'balance_short', 'account_unknown'],
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const settled = await settle(c.var.db, id, c.req.valid('json'), c.var.staff.id, c.var.now)
      return typeof settled === 'string' ? refused(c, settled) : c.json(settled, 200)
    },
  )

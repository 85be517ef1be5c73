import { Access, AccessQuery, Audit, AuditQuery } from '../../shared/office/audit.ts'
import { deeds } from '../municipality/audit.ts'
import { access } from '../people/viewings.ts'
import { refuse } from '../refusal.ts'
import { IdParam, reading, router, type StaffEnv } from './contract.ts'

/** Who did what, and who looked at whom. Part of the staff API. */
export const staffAuditRoutes = router<StaffEnv>()
  .openapi(
    reading({ path: '/audit', summary: 'Who did what, the newest first', query: AuditQuery, answer: Audit }),
    async (c) => c.json(await deeds(c.var.db, c.req.valid('query')), 200),
  )
  .openapi(
    reading({
      path: '/children/{id}/access',
      summary: 'Who looked at a child, the newest day first; that you looked is recorded',
      params: IdParam,
      query: AccessQuery,
      answer: Access,
      refusals: ['child_unknown'],
    }),
    async (c) => {
      const asked = { child: c.req.valid('param').id, offset: c.req.valid('query').offset }
      const found = await access(c.var.db, asked, c.var.staff.id, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'child_unknown', 'no such child')
    },
  )

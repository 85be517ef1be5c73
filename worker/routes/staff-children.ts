import { parseCpr } from '../../shared/cpr.ts'
import { Child, ChildCall, Children, ChildrenQuery, GuardianCall } from '../../shared/office/children.ts'
import { cprHash } from '../municipality/secrets.ts'
import { addChild, child, children } from '../people/children.ts'
import { addGuardianship, endGuardianship } from '../people/guardianships.ts'
import { refuse } from '../refusal.ts'
import { changing, IdParam, reading, router, type StaffEnv } from './contract.ts'

/** Whose card it is. Part of the staff API. */
export const staffChildRoutes = router<StaffEnv>()
  .openapi(
    reading({
      path: '/children',
      summary: 'Children by a part of their name',
      query: ChildrenQuery,
      answer: Children,
    }),
    async (c) => c.json(await children(c.var.db, c.req.valid('query'), c.var.staff, c.var.now), 200),
  )
  .openapi(
    changing({
      path: '/children',
      summary: 'Add a child with a wallet',
      body: ChildCall,
      answer: Child,
      refusals: ['site_unknown'],
    }),
    async (c) => {
      const wanted = c.req.valid('json')
      const added = await addChild(c.var.db, wanted, c.var.staff, c.var.now)
      if (added !== 'site_unknown') return c.json(added, 200)
      return refuse(c, added, wanted.club === null ? 'say which of your sites it belongs to: --club' : 'no such site')
    },
  )
  .openapi(
    reading({
      path: '/children/{id}',
      summary: 'A child, its account and cards',
      params: IdParam,
      answer: Child,
      refusals: ['child_unknown'],
    }),
    async (c) => {
      const found = await child(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'child_unknown', 'no such child')
    },
  )
for (const [path, summary, change] of [
  ['/children/{id}/guardians', "Link a guardian's CPR number, which is hashed on arrival", addGuardianship],
  ['/children/{id}/guardians/end', "End the link of a guardian's CPR number", endGuardianship],
] as const) {
  staffChildRoutes.openapi(
    changing({ path, summary, params: IdParam, body: GuardianCall, answer: Child, refusals: ['child_unknown'] }),
    async (c) => {
      const cpr = parseCpr(c.req.valid('json').cpr)
      if (cpr === null) return refuse(c, 'malformed', 'cpr: not a CPR number')
      const hash = await cprHash(c.env.MASTER_KEY, c.var.municipality, cpr)
      const guardianship = { child: c.req.valid('param').id, cprHash: hash }
      const changed = await change(c.var.db, guardianship, c.var.staff.id, c.var.now)
      return changed ? c.json(changed, 200) : refuse(c, 'child_unknown', 'no such child')
    },
  )
}

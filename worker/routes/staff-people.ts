import { z } from '@hono/zod-openapi'
import { StaffCall, StaffMember, StaffSitesCall, StaffToken } from '../../shared/office/staff.ts'
import { newToken } from '../municipality/secrets.ts'
import { addStaff, moveStaff, revokeStaff, staffMembers } from '../people/staff.ts'
import { refuse } from '../refusal.ts'
import { changing, IdParam, Nothing, reading, router, type StaffEnv } from './contract.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

/** Who works here: staff and their tokens. Part of the staff API. */
export const staffPeopleRoutes = router<StaffEnv>()
  .openapi(
    reading({
      path: '/people',
      summary: 'Staff and their tokens, without the tokens themselves',
      answer: z.object({ people: z.array(StaffMember) }),
    }),
    async (c) => c.json({ people: await staffMembers(c.var.db, c.var.now) }, 200),
  )
  .openapi(
    changing({
      path: '/people',
      summary: 'Give somebody a token of their own, which is shown once',
      body: StaffCall,
      answer: StaffToken,
      refusals: ['name_taken', 'site_unknown'],
    }),
    async (c) => {
      const token = newToken(random)
      const added = await addStaff(c.var.db, { ...c.req.valid('json'), token }, c.var.staff.id, c.var.now)
      if (added === 'name_taken')
        return refuse(c, added, 'somebody of that name has a token that is good for longer than two weeks')
      if (added === 'site_unknown') return refuse(c, added, 'no such site')
      return c.json({ ...added, token }, 200)
    },
  )
  .openapi(
    changing({
      path: '/people/{id}/sites',
      summary: "Put a club's staff at other sites",
      params: IdParam,
      body: StaffSitesCall,
      answer: StaffMember,
      refusals: ['not_found', 'role_unfit', 'site_unknown'],
    }),
    async (c) => {
      const move = { id: c.req.valid('param').id, ...c.req.valid('json') }
      const moved = await moveStaff(c.var.db, move, c.var.staff.id, c.var.now)
      if (moved === 'not_found') return refuse(c, moved, 'nobody has this number')
      if (moved === 'role_unfit') return refuse(c, moved, "only a club's staff have sites")
      if (moved === 'site_unknown') return refuse(c, moved, 'no such site')
      return c.json(moved, 200)
    },
  )
  .openapi(
    changing({
      path: '/people/{id}/revoke',
      summary: 'Revoke a token, at once; the last admin keeps theirs',
      params: IdParam,
      body: Nothing,
      answer: StaffMember,
      refusals: ['not_found', 'last_admin'],
    }),
    async (c) => {
      const revoked = await revokeStaff(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      if (revoked === 'not_found') return refuse(c, revoked, 'nobody has this number')
      if (revoked === 'last_admin') return refuse(c, revoked, 'nobody else could do what only admins may')
      return c.json(revoked, 200)
    },
  )

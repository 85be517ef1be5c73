import { z } from '@hono/zod-openapi'
import { StaffCall, StaffMember, StaffToken } from '../../shared/office/staff.ts'
import { newToken } from '../municipality/secrets.ts'
import { addStaff, revokeStaff, staffMembers } from '../people/staff.ts'
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
      refusals: ['name_taken'],
    }),
    async (c) => {
      const token = newToken(random)
      const added = await addStaff(c.var.db, { ...c.req.valid('json'), token }, c.var.staff.id, c.var.now)
      return added
        ? c.json({ ...added, token }, 200)
        : refuse(c, 'name_taken', 'somebody of that name has a token that is good')
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

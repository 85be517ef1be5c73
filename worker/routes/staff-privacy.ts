import { ChildFile, Erasure, ErasureCall } from '../../shared/office/privacy.ts'
import { childFile } from '../people/child-export.ts'
import { erase } from '../people/erasure.ts'
import { refuse } from '../refusal.ts'
import { changing, IdParam, Nothing, router, type StaffEnv } from './contract.ts'

/** What is known of a child, handed over or erased. Part of the staff API; only admins may. */
export const staffPrivacyRoutes = router<StaffEnv>()
  .openapi(
    changing({
      path: '/children/{id}/export',
      summary: 'Everything about one child, for a machine to read; that it was taken is recorded',
      params: IdParam,
      body: Nothing,
      answer: ChildFile,
      refusals: ['child_unknown'],
    }),
    async (c) => {
      const file = await childFile(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      return file ? c.json(file, 200) : refuse(c, 'child_unknown', 'no such child')
    },
  )
  .openapi(
    changing({
      path: '/children/{id}/erase',
      summary: 'Erase a child that has left; what bookkeeping asks for is kept until its day',
      params: IdParam,
      body: ErasureCall,
      answer: Erasure,
      refusals: ['child_unknown', 'child_stays', 'child_erased', 'name_wrong', 'erasure_blocked'],
    }),
    async (c) => {
      const { name } = c.req.valid('json')
      const erased = await erase(c.var.db, c.req.valid('param').id, name, c.var.staff.id, c.var.now)
      switch (erased) {
        case 'child_unknown':
          return refuse(c, erased, 'no such child')
        case 'child_stays':
          return refuse(c, erased, 'the child has not left')
        case 'child_erased':
          return refuse(c, erased, 'the child has been erased already')
        case 'name_wrong':
          return refuse(c, erased, "that is not the child's name")
      }
      if ('inTheWay' in erased) return refuse(c, 'erasure_blocked', `in the way: ${erased.inTheWay.join(', ')}`)
      return c.json(erased, 200)
    },
  )

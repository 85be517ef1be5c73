import { z } from '@hono/zod-openapi'
import {
  RosterApplied,
  RosterApplyCall,
  RosterCall,
  RosterHistory,
  RosterHistoryQuery,
  RosterParam,
  RosterPlan,
  RosterPlanCall,
  RosterRowsAnswer,
  RosterRowsCall,
} from '../../shared/office/roster.ts'
import { beginRoster, discardRoster, stageRows } from '../people/roster.ts'
import { applyRoster } from '../people/roster-application.ts'
import { rosterHistory } from '../people/roster-history.ts'
import { planRoster } from '../people/roster-plan.ts'
import { refuse } from '../refusal.ts'
import { changing, Nothing, reading, router, type StaffEnv } from './contract.ts'

const Done = z.object({ done: z.literal(true) })

const WORDS = {
  roster_unknown: 'no such roster is being read in; begin anew',
  roster_incomplete: 'not all rows of the roster have come',
  roster_changed: 'something else has changed meanwhile; read the roster in again',
  roster_leaving: 'more than a fifth of the children would leave',
} as const

/** The roster, in pages, planned, and applied at once. Part of the staff API. */
export const staffRosterRoutes = router<StaffEnv>()
  .openapi(
    reading({
      path: '/roster',
      summary: 'Which rosters were read in, the newest first',
      query: RosterHistoryQuery,
      answer: RosterHistory,
    }),
    async (c) => c.json(await rosterHistory(c.var.db, c.req.valid('query').offset), 200),
  )
  .openapi(
    changing({
      path: '/roster',
      summary: 'Begin to read a roster in',
      body: RosterCall,
      answer: Done,
      refusals: ['id_taken'],
    }),
    async (c) => {
      const begun = await beginRoster(c.var.db, c.req.valid('json'), c.var.staff.id, c.var.now)
      return begun === 'begun' ? c.json({ done: true as const }, 200) : refuse(c, begun, 'that id is taken')
    },
  )
  .openapi(
    changing({
      path: '/roster/{id}/rows',
      summary: 'Stage rows of a roster; CPR numbers are hashed on arrival',
      params: RosterParam,
      body: RosterRowsCall,
      answer: RosterRowsAnswer,
      refusals: ['roster_unknown'],
    }),
    async (c) => {
      const keys = { masterKey: c.env.MASTER_KEY, municipality: c.var.municipality }
      const faults = await stageRows(c.var.db, c.req.valid('param').id, c.req.valid('json').rows, keys, c.var.now)
      return faults === 'roster_unknown' ? refuse(c, faults, WORDS[faults]) : c.json({ faults }, 200)
    },
  )
  .openapi(
    changing({
      path: '/roster/{id}/plan',
      summary: 'What the roster would change',
      params: RosterParam,
      body: RosterPlanCall,
      answer: RosterPlan,
      refusals: ['roster_unknown', 'roster_incomplete'],
    }),
    async (c) => {
      const wanted = { ...c.req.valid('param'), ...c.req.valid('json') }
      const plan = await planRoster(c.var.db, wanted, c.var.staff.id, c.var.now)
      return typeof plan === 'string' ? refuse(c, plan, WORDS[plan]) : c.json(plan, 200)
    },
  )
  .openapi(
    changing({
      path: '/roster/{id}/apply',
      summary: 'Apply the roster as it was planned, all of it or nothing',
      params: RosterParam,
      body: RosterApplyCall,
      answer: RosterApplied,
      refusals: ['roster_unknown', 'roster_incomplete', 'roster_changed', 'roster_leaving'],
    }),
    async (c) => {
      const wanted = { ...c.req.valid('param'), ...c.req.valid('json') }
      const applied = await applyRoster(c.var.db, wanted, c.var.staff.id, c.var.now)
      return typeof applied === 'string' ? refuse(c, applied, WORDS[applied]) : c.json(applied, 200)
    },
  )
  .openapi(
    changing({
      path: '/roster/{id}/discard',
      summary: 'Give up a roster that is not applied',
      params: RosterParam,
      body: Nothing,
      answer: Done,
    }),
    async (c) => {
      await discardRoster(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      return c.json({ done: true as const }, 200)
    },
  )

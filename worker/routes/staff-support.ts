import { z } from '@hono/zod-openapi'
import { Publication, PublicationCall } from '../../shared/office/publications.ts'
import { Settings, SettingsCall } from '../../shared/office/settings.ts'
import {
  AnswerCall,
  AssignCall,
  CaseAnswered,
  CaseId,
  CasesQuery,
  StaffCase,
  StaffCaseSummary,
  StaffCases,
} from '../../shared/office/support.ts'
import { changeSettings, settings } from '../municipality/settings.ts'
import { refuse } from '../refusal.ts'
import { answer, assign, close, staffCase, staffCases } from '../support/case-desk.ts'
import { publications, publish } from '../support/publications.ts'
import { changing, Nothing, reading, router, type StaffEnv } from './contract.ts'

/** What staff do for parents: answer them, and publish what the portal tells them. Part of the staff API. */
export const staffSupportRoutes = router<StaffEnv>()

const CaseParam = z.object({ id: CaseId })

staffSupportRoutes
  .openapi(
    reading({
      path: '/cases',
      summary: 'Support cases: calls wanted first, then who has waited longest',
      query: CasesQuery,
      answer: StaffCases,
    }),
    async (c) => c.json(await staffCases(c.var.db, c.req.valid('query'), c.var.staff, c.var.now), 200),
  )
  .openapi(
    reading({
      path: '/cases/{id}',
      summary: 'A support case, who asks, and what was said',
      params: CaseParam,
      answer: StaffCase,
      refusals: ['case_unknown'],
    }),
    async (c) => {
      const found = await staffCase(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'case_unknown', 'no such case')
    },
  )
  .openapi(
    changing({
      path: '/cases/{id}/answer',
      summary: 'Answer a support case, once per id; the guardian is told by mail',
      params: CaseParam,
      body: AnswerCall,
      answer: CaseAnswered,
      refusals: ['case_unknown', 'id_taken'],
    }),
    async (c) => {
      const said = { case: c.req.valid('param').id, ...c.req.valid('json') }
      const answered = await answer(c.var.db, said, c.var.staff, c.var.now)
      if (answered === 'case_unknown') return refuse(c, answered, 'no such case')
      if (answered === 'id_taken') return refuse(c, answered, 'this id has said something else already')
      return c.json(answered, 200)
    },
  )
  .openapi(
    changing({
      path: '/cases/{id}/close',
      summary: "Close a support case; the guardian's next message opens it again",
      params: CaseParam,
      body: Nothing,
      answer: StaffCaseSummary,
      refusals: ['case_unknown'],
    }),
    async (c) => {
      const closed = await close(c.var.db, c.req.valid('param').id, c.var.staff, c.var.now)
      return closed ? c.json(closed, 200) : refuse(c, 'case_unknown', 'no such case')
    },
  )
  .openapi(
    changing({
      path: '/cases/{id}/assign',
      summary: 'Say who looks after a support case',
      params: CaseParam,
      body: AssignCall,
      answer: StaffCaseSummary,
      refusals: ['case_unknown', 'not_found', 'role_unfit'],
    }),
    async (c) => {
      const wanted = { id: c.req.valid('param').id, ...c.req.valid('json') }
      const assigned = await assign(c.var.db, wanted, c.var.staff, c.var.now)
      if (assigned === 'case_unknown') return refuse(c, assigned, 'no such case')
      if (assigned === 'not_found') return refuse(c, assigned, 'nobody has this number, or their token is not good')
      if (assigned === 'role_unfit') return refuse(c, assigned, 'they may not see this case')
      return c.json(assigned, 200)
    },
  )

staffSupportRoutes
  .openapi(
    reading({
      path: '/publications',
      summary: 'Every version of what is published, without the texts',
      answer: z.object({ publications: z.array(Publication) }),
    }),
    async (c) => c.json({ publications: await publications(c.var.db) }, 200),
  )
  .openapi(
    changing({
      path: '/publications',
      summary: 'Publish a text as the next version; the text in force already is no new version',
      body: PublicationCall,
      answer: Publication,
    }),
    async (c) => c.json(await publish(c.var.db, c.req.valid('json'), c.var.staff.id, c.var.now), 200),
  )
  .openapi(
    reading({ path: '/settings', summary: 'What the municipality has settled about itself', answer: Settings }),
    async (c) => c.json(await settings(c.var.db), 200),
  )
  .openapi(
    changing({
      path: '/settings',
      summary: 'Change the settings that are named',
      body: SettingsCall,
      answer: Settings,
      refusals: ['settings_conflict'],
    }),
    async (c) => {
      const wanted = c.req.valid('json')
      const money = Object.keys(wanted).every((name) => name === 'money')
      if (c.var.staff.role === 'finance' && !money) {
        return refuse(c, 'role_forbidden', 'a finance token may change the rules for money alone')
      }
      const changed = await changeSettings(c.var.db, wanted, c.var.staff.id, c.var.now)
      if (changed === 'settings_conflict') {
        return refuse(
          c,
          changed,
          'the smallest deposit would be above the largest, or a top-up fire before it is in force',
        )
      }
      return c.json(changed, 200)
    },
  )

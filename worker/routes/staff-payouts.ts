import { z } from '@hono/zod-openapi'
import {
  BankFileContent,
  BankFiles,
  ExportCall,
  ImportStatusAnswer,
  ImportStatusCall,
  PayoutId,
  PayoutsQuery,
  RejectCall,
  RejectedPayout,
  ReleaseAnswer,
  ReleaseCall,
  StaffPayout,
  StaffPayouts,
} from '../../shared/office/payouts.ts'
import { approve, type Decided, payouts, reject } from '../payouts/payout-desk.ts'
import { bankFile, bankFiles, exportPayouts } from '../payouts/payout-files.ts'
import { importStatus, release } from '../payouts/payout-reports.ts'
import { refuse } from '../refusal.ts'
import { changing, Nothing, reading, router, type StaffEnv } from './contract.ts'

/** What admins and finance do with payouts. Part of the staff API. */
export const staffPayoutRoutes = router<StaffEnv>()

const PayoutParam = z.object({ id: PayoutId })

/** Whether the payout is as it was asked to be; what else is to be said is said in these words. */
function refusalOf(decided: Exclude<Decided, { kind: 'done' }>) {
  switch (decided.kind) {
    case 'unknown':
      return { code: 'payout_unknown', message: 'no such payout' } as const
    case 'too_late':
      return { code: 'payout_too_late', message: 'it has ended, or is in a file for the bank' } as const
  }
}

staffPayoutRoutes
  .openapi(
    reading({
      path: '/payouts',
      summary: 'Payouts by state: what is open with the longest awaited first',
      query: PayoutsQuery,
      answer: StaffPayouts,
    }),
    async (c) => c.json(await payouts(c.var.db, c.req.valid('query'), c.var.staff.id, c.var.now), 200),
  )
  .openapi(
    changing({
      path: '/payouts/export',
      summary: 'Make a file for the bank of what others have approved, once per id',
      body: ExportCall,
      answer: BankFileContent,
      refusals: ['nothing_to_export', 'bank_account_missing', 'id_taken'],
    }),
    async (c) => {
      const exported = await exportPayouts(c.var.db, c.req.valid('json'), c.var.staff.id, c.var.now)
      switch (exported.kind) {
        case 'exported':
          return c.json(exported.file, 200)
        case 'nothing': {
          const own = exported.ownApprovals
          const others = own > 0 ? `; ${own} that you approved must be exported by somebody else` : ''
          return refuse(c, 'nothing_to_export', `no approved payout awaits its export${others}`)
        }
        case 'no_bank_account':
          return refuse(c, 'bank_account_missing', "the municipality's own bank account is not among its settings")
        case 'bad_day':
          return refuse(c, 'malformed', 'executionDay: not today or one of the next 60 days')
        case 'id_taken':
          return refuse(c, 'id_taken', 'a file of this id has another version or day of execution')
      }
    },
  )
  .openapi(
    reading({ path: '/payouts/files', summary: 'The files made for the bank, the newest first', answer: BankFiles }),
    async (c) => c.json({ files: await bankFiles(c.var.db) }, 200),
  )
  .openapi(
    reading({
      path: '/payouts/files/{id}',
      summary: 'A file for the bank as it was made',
      params: PayoutParam,
      answer: BankFileContent,
      refusals: ['bank_file_unknown'],
    }),
    async (c) => {
      const file = await bankFile(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      return file ? c.json(file, 200) : refuse(c, 'bank_file_unknown', 'no such file')
    },
  )
  .openapi(
    changing({
      path: '/payouts/files/{id}/release',
      summary: 'Give up a file that the bank did not take: its payouts are back and the parents are told why',
      params: PayoutParam,
      body: ReleaseCall,
      answer: ReleaseAnswer,
      refusals: ['bank_file_unknown', 'bank_file_own'],
    }),
    async (c) => {
      const { reason } = c.req.valid('json')
      const released = await release(c.var.db, c.req.valid('param').id, c.var.staff.id, reason, c.var.now)
      switch (released.kind) {
        case 'released':
          return c.json(released.answer, 200)
        case 'file_unknown':
          return refuse(c, 'bank_file_unknown', 'no such file')
        case 'own_file':
          return refuse(c, 'bank_file_own', 'somebody else than who made the file has to release it')
      }
    },
  )
  .openapi(
    changing({
      path: '/payouts/import-status',
      summary: "Take in the bank's status report (pain.002); the same report again changes nothing",
      body: ImportStatusCall,
      answer: ImportStatusAnswer,
      refusals: ['bank_file_unknown'],
    }),
    async (c) => {
      const imported = await importStatus(c.var.db, c.req.valid('json').report, c.var.staff.id, c.var.now)
      switch (imported.kind) {
        case 'imported':
          return c.json(imported.answer, 200)
        case 'invalid':
          return refuse(c, 'malformed', `report: ${imported.reason}`)
        case 'file_unknown':
          return refuse(c, 'bank_file_unknown', 'the report is about a file that was not made here')
      }
    },
  )
  .openapi(
    changing({
      path: '/payouts/{id}/approve',
      summary: 'Approve a payout, for somebody else to export',
      params: PayoutParam,
      body: Nothing,
      answer: StaffPayout,
      refusals: ['payout_unknown', 'payout_too_late'],
    }),
    async (c) => {
      const decided = await approve(c.var.db, c.req.valid('param').id, c.var.staff.id, c.var.now)
      if (decided.kind === 'done') return c.json(decided.payout, 200)
      const { code, message } = refusalOf(decided)
      return refuse(c, code, message)
    },
  )
  .openapi(
    changing({
      path: '/payouts/{id}/reject',
      summary: 'Reject a payout that is in no file yet; the money is back and the parent is told why',
      params: PayoutParam,
      body: RejectCall,
      answer: RejectedPayout,
      refusals: ['payout_unknown', 'payout_too_late'],
    }),
    async (c) => {
      const { reason } = c.req.valid('json')
      const decided = await reject(c.var.db, c.req.valid('param').id, c.var.staff.id, reason, c.var.now)
      if (decided.kind === 'done') return c.json(decided.payout, 200)
      const { code, message } = refusalOf(decided)
      return refuse(c, code, message)
    },
  )

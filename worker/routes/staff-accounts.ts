import { Account, CreditAnswer, CreditCall } from '../../shared/office/accounts.ts'
import { LedgerCheck } from '../../shared/office/ledger.ts'
import { checkLedger } from '../ledger/check.ts'
import { refuse } from '../refusal.ts'
import { account, credit } from '../statements/accounts.ts'
import { changing, IdParam, reading, router, type StaffEnv } from './contract.ts'

/** The book: a wallet's movements, and whether it is whole. Part of the staff API. */
export const staffAccountRoutes = router<StaffEnv>()
  .openapi(
    reading({
      path: '/accounts/{id}',
      summary: 'A wallet and its newest movements',
      params: IdParam,
      answer: Account,
      refusals: ['account_unknown'],
    }),
    async (c) => {
      const found = await account(c.var.db, c.req.valid('param').id, { staff: c.var.staff.id }, c.var.now)
      return found ? c.json(found, 200) : refuse(c, 'account_unknown', 'no such wallet')
    },
  )
  .openapi(
    changing({
      path: '/accounts/{id}/credit',
      summary: 'Credit a wallet by the hand of staff, once per id',
      params: IdParam,
      body: CreditCall,
      answer: CreditAnswer,
      refusals: ['account_unknown', 'transfer_conflict'],
    }),
    async (c) => {
      const { id } = c.req.valid('param')
      const credited = await credit(c.var.db, id, c.req.valid('json'), c.var.staff.id, c.var.now)
      if (credited === 'account_unknown') return refuse(c, credited, 'no such wallet')
      if (credited === 'transfer_conflict') return refuse(c, credited, 'this id has moved something else already')
      return c.json(credited, 200)
    },
  )

staffAccountRoutes.openapi(
  reading({ path: '/ledger/check', summary: 'Hold the book against its invariants', answer: LedgerCheck }),
  async (c) => c.json(await checkLedger(c.var.db), 200),
)

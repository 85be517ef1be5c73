import {
  Clearing,
  ExitDrill,
  ExitDrillCall,
  Liabilities,
  Report,
  ReportQuery,
  Volume,
} from '../../shared/office/reports.ts'
import { liabilities } from '../ledger/liabilities.ts'
import { clearing } from '../payments/clearing.ts'
import { exitDrill } from '../payouts/exit-drill.ts'
import { refuse } from '../refusal.ts'
import { report, volume } from '../statements/reports.ts'
import { changing, reading, router, type StaffEnv } from './contract.ts'

const random = (bytes: number) => crypto.getRandomValues(new Uint8Array(bytes))

/** What the book says, in sum. Part of the staff API. */
export const staffReportRoutes = router<StaffEnv>()
  .openapi(
    reading({
      path: '/reports',
      summary: 'Everything that was booked on some days, or what of it belongs to one site',
      query: ReportQuery,
      answer: Report,
      refusals: ['site_unknown', 'role_forbidden'],
    }),
    async (c) => {
      const { from, to, site = null } = c.req.valid('query')
      const { id: staff, sites } = c.var.staff
      if (sites !== null && site === null) {
        return refuse(c, 'role_forbidden', 'a club token may see the report of one site: name it')
      }
      if (sites !== null && site !== null && !sites.includes(site)) return refuse(c, 'site_unknown', 'no such site')
      const made = await report(c.var.db, { from, to, site }, { staff }, c.var.now)
      return made === 'site_unknown' ? refuse(c, made, 'no such site') : c.json(made, 200)
    },
  )
  .openapi(
    reading({
      path: '/reports/liabilities',
      summary: "What is owed, what is held, and what is the municipality's own",
      answer: Liabilities,
    }),
    async (c) => c.json(await liabilities(c.var.db), 200),
  )
  .openapi(
    reading({ path: '/reports/clearing', summary: "The clearing account against Stripe's book", answer: Clearing }),
    async (c) => c.json(await clearing(c.var.db, c.var.now), 200),
  )
  .openapi(
    reading({
      path: '/reports/volume',
      summary: 'What was paid with the card in twelve months, against what must be notified',
      answer: Volume,
    }),
    async (c) => c.json(await volume(c.var.db, c.var.now), 200),
  )
  .openapi(
    changing({
      path: '/exit-drill',
      summary: 'What would pay everyone back, and the proof that the money is there; nothing is moved',
      body: ExitDrillCall,
      answer: ExitDrill,
    }),
    async (c) => c.json(await exitDrill(c.var.db, c.req.valid('json'), c.var.staff.id, random, c.var.now), 200),
  )

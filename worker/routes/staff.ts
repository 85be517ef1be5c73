import { TOKEN_ENDS, WhoAmI } from '../../shared/office/staff.ts'
import { staffOf, TOKEN_ENDS_SOON_MS, workplace } from '../people/staff.ts'
import { refuse } from '../refusal.ts'
import { reading, router, type StaffEnv } from './contract.ts'
import { staffAccountRoutes } from './staff-accounts.ts'
import { staffAuditRoutes } from './staff-audit.ts'
import { staffCardMakingRoutes } from './staff-card-making.ts'
import { staffCardRoutes } from './staff-cards.ts'
import { staffChildRoutes } from './staff-children.ts'
import { staffHandOutRoutes } from './staff-hand-outs.ts'
import { staffPayoutRoutes } from './staff-payouts.ts'
import { staffPeopleRoutes } from './staff-people.ts'
import { staffPrivacyRoutes } from './staff-privacy.ts'
import { staffProductRoutes } from './staff-products.ts'
import { staffReportRoutes } from './staff-reports.ts'
import { mayUse } from './staff-roles.ts'
import { staffRosterRoutes } from './staff-roster.ts'
import { staffSaleRoutes } from './staff-sales.ts'
import { staffSupportRoutes } from './staff-support.ts'
import { staffTerminalRoutes } from './staff-terminals.ts'

/** What staff's command line talks to; which role may do what stands in staff-roles.ts. */
export const staffRoutes = router<StaffEnv>()

staffRoutes.use(async (c, next) => {
  const token = /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1]
  const staff = token === undefined ? null : await staffOf(c.var.db, token, c.var.now)
  if (!staff) {
    const { success } = await c.env.GUESSES.limit({ key: `token:${c.req.header('cf-connecting-ip')}` })
    if (!success) return refuse(c, 'too_often', 'too many tokens that are none; wait a minute')
    return refuse(c, 'token_invalid', 'no staff token, or one that is unknown, expired or revoked')
  }
  if (staff.expiresAt - c.var.now < TOKEN_ENDS_SOON_MS) c.header(TOKEN_ENDS, String(staff.expiresAt))
  if (!mayUse(c, staff.role)) return refuse(c, 'role_forbidden', `a ${staff.role} token may not do this`)
  c.set('staff', staff)
  return next()
})

staffRoutes.openapi(reading({ path: '/me', summary: 'Whose token this is', answer: WhoAmI }), async (c) => {
  const { municipality, staff } = c.var
  const { name: municipalityName, sites } = await workplace(c.var.db, staff)
  const { name, role, expiresAt } = staff
  return c.json({ municipality, municipalityName, staff: name, role, sites, expiresAt }, 200)
})

staffRoutes.route('/', staffProductRoutes)
staffRoutes.route('/', staffChildRoutes)
staffRoutes.route('/', staffAccountRoutes)
staffRoutes.route('/', staffTerminalRoutes)
staffRoutes.route('/', staffCardRoutes)
staffRoutes.route('/', staffCardMakingRoutes)
staffRoutes.route('/', staffHandOutRoutes)
staffRoutes.route('/', staffSupportRoutes)
staffRoutes.route('/', staffPeopleRoutes)
staffRoutes.route('/', staffReportRoutes)
staffRoutes.route('/', staffPayoutRoutes)
staffRoutes.route('/', staffRosterRoutes)
staffRoutes.route('/', staffAuditRoutes)
staffRoutes.route('/', staffSaleRoutes)
staffRoutes.route('/', staffPrivacyRoutes)

import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Role } from '../../shared/office/staff.ts'

/*
 * What clubs and finance may do. Admins may do everything, and what has no line here only they may do: the exit drill
 * above all, which makes a file that pays everybody. Two routes ask
 * further: finance may change the rules for money alone, and a club sees the report of one site at a time.
 */
const MAY: Record<string, readonly Role[]> = {
  'GET /me': ['club', 'finance'],
  'GET /sites': ['club', 'finance'],
  'GET /products': ['club', 'finance'],
  'GET /children': ['club', 'finance'],
  'GET /children/:id': ['club', 'finance'],
  'GET /accounts/:id': ['finance'],
  'GET /ledger/check': ['finance'],
  'GET /settings': ['finance'],
  'POST /settings': ['finance'],

  'GET /terminals/risk': ['finance'],
  'GET /reviews': ['finance'],
  'GET /reviews/settled': ['finance'],
  'GET /reviews/:id': ['finance'],
  'POST /reviews/:id/settle': ['finance'],

  'GET /payouts': ['finance'],
  'POST /payouts/:id/approve': ['finance'],
  'POST /payouts/:id/reject': ['finance'],
  'POST /payouts/export': ['finance'],
  'GET /payouts/files': ['finance'],
  'GET /payouts/files/:id': ['finance'],
  'POST /payouts/files/:id/release': ['finance'],
  'POST /payouts/import-status': ['finance'],

  'GET /cards/:id': ['club', 'finance'],
  'GET /orders': ['club'],
  'POST /orders/:id/hand-out': ['club'],

  'GET /sales': ['club', 'finance'],
  'GET /sales/:id': ['club', 'finance'],
  'POST /sales/:id/refund': ['club', 'finance'],
  'GET /days': ['club', 'finance'],
  'GET /days/show': ['club', 'finance'],
  'POST /days/close': ['club', 'finance'],

  'GET /reports': ['club', 'finance'],
  'GET /reports/liabilities': ['finance'],
  'GET /reports/clearing': ['finance'],
  'GET /reports/volume': ['finance'],
}

const BASE = '/api/staff'

/** The routes that somebody beside admins may use, as 'GET /api/staff/sites'. */
export const SHARED_ROUTES = Object.keys(MAY).map((route) => route.replace(' ', ` ${BASE}`))

/** Whether a role may use the route that a request has come for. */
export function mayUse(c: Context, role: Role): boolean {
  if (role === 'admin') return true
  const route = matchedRoutes(c).findLast(({ method, path }) => method === c.req.method && path.startsWith(BASE))
  return route !== undefined && (MAY[`${route.method} ${route.path.slice(BASE.length)}`]?.includes(role) ?? false)
}

import type { Context } from 'hono'
import { matchedRoutes } from 'hono/route'
import type { Role } from '../../shared/office/staff.ts'

/*
 * What clubs and finance may do. Admins may do everything, and what has no line here only they may do: the exit drill
 * above all, which makes a file that pays everybody. A club sees and does only what
 * is of its own sites; everything else is not there for it, which each route's statements see to. Three routes ask
 * further: finance may change the rules for money alone, and a club sees the report of one site at a time, and ends of
 * the orders only a replacement that nobody has approved.
 */
const MAY: Record<string, readonly Role[]> = {
  'GET /me': ['club', 'finance'],
  'GET /sites': ['club', 'finance'],
  'GET /products': ['club', 'finance'],
  'POST /products': ['club'],
  'POST /products/copy': ['club'],
  'POST /products/import': ['club'],
  'POST /products/:id/price': ['club'],
  'POST /products/:id/category': ['club'],
  'POST /products/:id/retire': ['club'],
  'GET /children': ['club', 'finance'],
  'POST /children': ['club'],
  'GET /children/:id': ['club', 'finance'],
  'GET /accounts/:id': ['finance'],
  'GET /ledger/check': ['finance'],
  'GET /settings': ['finance'],
  'POST /settings': ['finance'],

  'GET /terminals': ['club'],
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
  'POST /orders/:id/cancel': ['club'],
  'GET /orders/:id': ['club'],
  'GET /cards/:id/history': ['club'],
  'POST /replacements': ['club'],
  'POST /hand-outs': ['club'],
  'GET /hand-outs/:id': ['club'],
  'POST /hand-outs/:id/cancel': ['club'],

  'GET /cases': ['club'],
  'GET /cases/:id': ['club'],
  'POST /cases/:id/answer': ['club'],
  'POST /cases/:id/close': ['club'],
  'POST /cases/:id/assign': ['club'],

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

import { type Context, Hono } from 'hono'
import { viewingOf, viewingsQuery } from '../people/viewings.ts'
import { page } from '../portal/layout.tsx'
import { OwnPrivacy } from '../portal/privacy.tsx'
import { PublicationPage } from '../portal/publication.tsx'
import type { PortalEnv } from '../portal/view.ts'
import {
  currentPublication,
  currentPublicationQuery,
  publicationOf,
  publicationVersion,
} from '../support/publications.ts'
import { LANGUAGES } from '../texts/language.ts'
import { portal } from '../texts/portal.ts'

const KINDS = { '/handelsbetingelser': 'terms', '/was': 'accessibility', '/privatliv': 'privacy' } as const
type Address = keyof typeof KINDS

/** How many viewings Privatliv is given; the download has all of them. */
const VIEWINGS_SHOWN = 200

/** One version by its number, in the language that is named or else in the reader's; what is not there is not found. */
async function showVersion(c: Context<PortalEnv>, address: Address, version: string) {
  const { view, db } = c.var
  const first = LANGUAGES.find((language) => language === c.req.query('sprog')) ?? view.language
  if (!/^[1-9]\d{0,8}$/.test(version)) return c.notFound()
  const text = await publicationVersion(db, KINDS[address], first, Number(version))
  if (!text) return c.notFound()
  const title = view.say(portal[KINDS[address]])
  return page(c, { title }, PublicationPage({ view, title, address, text, asked: true }))
}

/** What the municipality publishes, for everybody. Privatliv also says what it holds of whoever is logged in. */
export const publicationRoutes = new Hono<PortalEnv>()

for (const address of ['/handelsbetingelser', '/was'] as const) {
  publicationRoutes.get(address, async (c) => {
    const { view, db } = c.var
    const version = c.req.query('version')
    if (version !== undefined) return showVersion(c, address, version)
    const text = await currentPublication(db, KINDS[address], view.language)
    const title = view.say(portal[KINDS[address]])
    return page(c, { title }, PublicationPage({ view, title, address, text, asked: false }))
  })
}

publicationRoutes.get('/privatliv', async (c) => {
  const { view, db } = c.var
  const { visit } = view
  const version = c.req.query('version')
  if (version !== undefined) return showVersion(c, '/privatliv', version)
  const [found, viewings] = await db.batch([
    currentPublicationQuery(db, 'privacy', view.language),
    ...(visit ? [viewingsQuery(db, visit.guardian.id, VIEWINGS_SHOWN)] : []),
  ])
  const title = view.say(portal.privacy)
  const own = visit && OwnPrivacy({ view: { ...view, visit }, viewings: (viewings?.results ?? []).map(viewingOf) })
  const text = publicationOf(found?.results[0])
  return page(c, { title }, PublicationPage({ view, title, address: '/privatliv', text, asked: false, children: own }))
})

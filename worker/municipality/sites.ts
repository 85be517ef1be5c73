import { type Staff, sitesOf, withinSites } from '../people/staff.ts'
import { recordedIfChanged } from './audit.ts'

export type SiteRow = { id: number; name: string }

/** The sites that staff may see, by name. */
export async function sites(db: D1Database, staff: Staff): Promise<SiteRow[]> {
  const query = db.prepare(`SELECT id, name FROM site WHERE ${withinSites('id', '?1')} ORDER BY name`)
  return (await query.bind(sitesOf(staff)).all<SiteRow>()).results
}

/** Adds a site together with its revenue account; null where the name is taken. */
export async function addSite(db: D1Database, name: string, staff: number, nowMs: number): Promise<SiteRow | null> {
  const [added, , , row] = await db.batch<SiteRow>([
    db.prepare('INSERT INTO site (name, created_at) VALUES (?1, ?2) ON CONFLICT DO NOTHING').bind(name, nowMs),
    recordedIfChanged(db, { staff, action: 'site_added', subject: `site:${name}` }, nowMs),
    db
      .prepare("INSERT INTO account (kind, site) SELECT 'revenue', id FROM site WHERE name = ? AND changes() > 0")
      .bind(name),
    db.prepare('SELECT id, name FROM site WHERE name = ?').bind(name),
  ])
  return added?.meta.changes ? (row?.results[0] ?? null) : null
}

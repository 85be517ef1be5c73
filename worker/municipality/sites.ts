import { recordedIfChanged } from './audit.ts'

export type SiteRow = { id: number; name: string }

/** Every site, by name. */
export async function sites(db: D1Database): Promise<SiteRow[]> {
  return (await db.prepare('SELECT id, name FROM site ORDER BY name').all<SiteRow>()).results
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

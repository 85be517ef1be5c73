import journal from '../../migrations/meta/_journal.json'

export type DatabaseHealth = 'ok' | 'unreachable' | 'migrations_missing' | 'not_set_up'

const MIGRATIONS = journal.entries.map((entry) => `${entry.tag}.sql`)
const APPEND_ONLY = ['message', 'transfer', 'posting', 'quarantine', 'review'].flatMap((table) => [
  `${table}_no_update`,
  `${table}_no_delete`,
])

/** Whether a database answers, has every migration of this build and the triggers the ledger relies on, and is set up. */
export async function health(db: D1Database): Promise<DatabaseHealth> {
  try {
    const [applied, triggers, settings] = await db.batch<{ name: string }>([
      db.prepare('SELECT name FROM d1_migrations'),
      db.prepare("SELECT name FROM sqlite_master WHERE type = 'trigger'"),
      db.prepare('SELECT name FROM municipality'),
    ])
    const names = (rows?: D1Result<{ name: string }>) => new Set(rows?.results.map(({ name }) => name))
    const current = MIGRATIONS.every((name) => names(applied).has(name))
    const guarded = APPEND_ONLY.every((name) => names(triggers).has(name))
    if (!current || !guarded) return 'migrations_missing'
    return settings?.results.length ? 'ok' : 'not_set_up'
  } catch (error) {
    return String(error).includes('no such table') ? 'migrations_missing' : 'unreachable'
  }
}

import type { z } from 'zod'
import type { Publication, PublicationKind } from '../../shared/office/publications.ts'
import type { Language } from '../../shared/wire.ts'
import { recordedIfChanged } from '../municipality/audit.ts'

/** One version of what a municipality publishes, in Markdown; `otherLanguage` where there is none in the one asked for. */
export type PublicationText = {
  kind: PublicationKind
  language: Language
  version: number
  text: string
  at: number
  otherLanguage: boolean
}

type Row = Omit<PublicationText, 'otherLanguage'> & { otherLanguage: 0 | 1 }

/** What is in force: the newest version in a language, or else the newest in the other; null where there is neither. */
export async function currentPublication(
  db: D1Database,
  kind: PublicationKind,
  language: Language,
): Promise<PublicationText | null> {
  return publicationOf(await currentPublicationQuery(db, kind, language).first())
}

/** The statement that reads what is in force, for a batch; `publicationOf` makes it of its first row. */
export function currentPublicationQuery(
  db: D1Database,
  kind: PublicationKind,
  language: Language,
): D1PreparedStatement {
  return db
    .prepare(
      `SELECT kind, language, version, text, at, language <> ?2 AS otherLanguage FROM publication
       WHERE kind = ?1 ORDER BY otherLanguage, version DESC LIMIT 1`,
    )
    .bind(kind, language)
}

/** One version, however old, in a language or else in the other; null where neither has it. */
export async function publicationVersion(
  db: D1Database,
  kind: PublicationKind,
  language: Language,
  version: number,
): Promise<PublicationText | null> {
  const query = db
    .prepare(
      `SELECT kind, language, version, text, at, language <> ?2 AS otherLanguage FROM publication
       WHERE kind = ?1 AND version = ?3 ORDER BY otherLanguage LIMIT 1`,
    )
    .bind(kind, language, version)
  return publicationOf(await query.first())
}

export function publicationOf(found: unknown): PublicationText | null {
  const row = found as Row | null | undefined
  return row ? { ...row, otherLanguage: row.otherLanguage === 1 } : null
}

/** A version as staff see it in a list: what, when and by whom, without the text. */
export type PublicationView = z.infer<typeof Publication>

const VIEW = `
SELECT kind, language, version, publication.at, staff_token.name AS staff
FROM publication JOIN staff_token ON staff_token.id = publication.staff`

/** Every version, by kind and language, the newest first. */
export async function publications(db: D1Database): Promise<PublicationView[]> {
  const query = db.prepare(`${VIEW} ORDER BY kind, language, version DESC LIMIT 500`)
  return (await query.all<PublicationView>()).results
}

/** Publishes a text as the next version, and gives the version in force; the text in force already is no new version. */
export async function publish(
  db: D1Database,
  { kind, language, text }: { kind: PublicationKind; language: Language; text: string },
  staff: number,
  nowMs: number,
): Promise<PublicationView> {
  const newest = `FROM publication WHERE kind = ?1 AND language = ?2 ORDER BY version DESC LIMIT 1`
  const [, , row] = await db.batch<PublicationView>([
    db
      .prepare(
        `INSERT INTO publication (kind, language, version, text, staff, at)
         SELECT ?1, ?2, coalesce((SELECT version ${newest}), 0) + 1, ?3, ?4, ?5
         WHERE ?3 IS NOT (SELECT text ${newest})
         ON CONFLICT DO NOTHING`,
      )
      .bind(kind, language, text, staff, nowMs),
    recordedIfChanged(
      db,
      { staff, action: 'publication_published', subject: `publication:${kind}-${language}` },
      nowMs,
    ),
    db.prepare(`${VIEW} WHERE kind = ?1 AND language = ?2 ORDER BY version DESC LIMIT 1`).bind(kind, language),
  ])
  const published = row?.results[0]
  if (!published) throw new Error('a text was published and is not there')
  return published
}

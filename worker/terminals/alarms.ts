import type { alarm } from '../schema/core.ts'

/** What shows that a terminal is not alone with its key, or has lost what it had written. */
export type TerminalAlarm = {
  terminal: string
  publicKey: string
  kind: Extract<(typeof alarm.$inferSelect)['kind'], 'message_conflict' | 'journal_forked' | 'journal_rolled_back'>
  seq: number
  hash: string
}

/**
 * The statements that raise an alarm, once however often it is seen, and stop the terminal until it is enrolled again; a
 * terminal that has another key by now goes on. For the caller's batch.
 */
export function stopped(
  db: D1Database,
  { terminal, publicKey, kind, seq, hash }: TerminalAlarm,
  nowMs: number,
): D1PreparedStatement[] {
  return [
    db
      .prepare('INSERT INTO alarm (terminal, kind, seq, hash, at) VALUES (?1, ?2, ?3, ?4, ?5) ON CONFLICT DO NOTHING')
      .bind(terminal, kind, seq, hash, nowMs),
    db
      .prepare('UPDATE terminal SET stopped_at = ?2 WHERE id = ?1 AND stopped_at IS NULL AND public_key = ?3')
      .bind(terminal, nowMs, publicKey),
    db
      .prepare(
        "INSERT INTO audit (at, action, subject) SELECT ?2, 'terminal_stopped', 'terminal:' || ?1 WHERE changes() > 0",
      )
      .bind(terminal, nowMs),
  ]
}

/** One line of JSON; never a name, a card, a token or a body. */
export function log(level: 'info' | 'error', event: string, fields: Record<string, unknown>) {
  console[level](JSON.stringify({ level, event, ...fields }))
}

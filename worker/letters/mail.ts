import type { Language } from '../../shared/wire.ts'

/** One mail in plain text. `reference` names it for good: the same letter sent again carries the same one. */
export type Mail = {
  from: { name: string; email: string }
  replyTo: string | null
  to: string
  subject: string
  text: string
  language: Language
  reference: string
}

/** What became of a mail; `code` says why in one word, without an address in it. */
export type Sending =
  | { kind: 'sent' }
  | { kind: 'refused'; code: string } // This mail was not taken; another one may be.
  | { kind: 'unavailable'; code: string } // No mail of this municipality is taken at present.

/** Faults of the sender's set-up and its quotas, by Cloudflare's names: no letter is to blame for them. */
const UNAVAILABLE = new Set([
  'E_SENDER_NOT_VERIFIED',
  'E_SENDER_DOMAIN_NOT_AVAILABLE',
  'E_RATE_LIMIT_EXCEEDED',
  'E_DAILY_LIMIT_EXCEEDED',
])

/**
 * Hands a mail to Cloudflare's mail service, which writes Message-ID itself and refuses one of ours; so the reference
 * goes into a header of our own. `Auto-Submitted` (RFC 3834) keeps out-of-office replies away.
 */
export async function send(service: SendEmail, mail: Mail): Promise<Sending> {
  const { from, replyTo, to, subject, text, language, reference } = mail
  try {
    await service.send({
      from,
      to,
      subject,
      text,
      ...(replyTo !== null && { replyTo }),
      headers: {
        'Auto-Submitted': 'auto-generated',
        'Content-Language': language,
        'X-Klubkort-Letter': reference,
      },
    })
    return { kind: 'sent' }
  } catch (error) {
    const code = codeOf(error)
    return { kind: UNAVAILABLE.has(code) ? 'unavailable' : 'refused', code }
  }
}

/** The service's name of an error. Its message is left out, since that may hold the recipient's address. */
function codeOf(error: unknown): string {
  const code = error instanceof Error && 'code' in error ? error.code : null
  if (typeof code === 'string' && /^[A-Z_]{1,60}$/.test(code)) return code
  return error instanceof Error ? error.name : 'unknown'
}

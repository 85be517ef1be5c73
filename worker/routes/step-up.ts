import type { Confirmation } from '../confirmations.ts'
import type { PortalContext } from '../portal/view.ts'
import { sendToBroker } from './login.tsx'

/** `returnTo` is the page that shows what is to be confirmed; `message` is what the MitID app says, in a line. */
export type StepUp = { confirms: Confirmation; returnTo: string; message: string }

/**
 * Sends a guardian to the broker to log in anew, which confirms one thing (OWASP ASVS 7.5.3). What follows is the log-in's
 * way back: when the same guardian has logged in, the thing is done, and else nothing has happened.
 */
export function stepUp(c: PortalContext, { confirms, returnTo, message }: StepUp): Promise<Response> {
  return sendToBroker(c, returnTo, { confirms, message })
}

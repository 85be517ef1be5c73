import type { Context, TypedResponse } from 'hono'
import type { ClientErrorStatusCode } from 'hono/utils/http-status'
import { ERROR_STATUS, type ErrorBody, type ErrorCode } from '../shared/errors.ts'

type Refusal = Response & TypedResponse<ErrorBody, ClientErrorStatusCode, 'json'>

/** Answers with a refusal in its one documented form, under the status that belongs to its code. */
export function refuse(c: Context, code: ErrorCode, message: string): Refusal {
  return c.json({ error: { code, message } } satisfies ErrorBody, ERROR_STATUS[code]) as Refusal
}

/** What each outcome that is none is called on the wire, and what it says; an outcome that is not in it does not compile. */
export type Refusals<Outcome extends string> = Readonly<Record<Outcome, readonly [code: ErrorCode, message: string]>>

/** Answers with the refusal that an outcome is. */
export function refused<Outcome extends string>(c: Context, outcome: Outcome, refusals: Refusals<Outcome>): Refusal {
  const [code, message]: readonly [ErrorCode, string] = refusals[outcome]
  return refuse(c, code, message)
}

import type { Context, TypedResponse } from 'hono'
import type { ClientErrorStatusCode } from 'hono/utils/http-status'
import { ERROR_STATUS, type ErrorBody, type ErrorCode } from '../shared/errors.ts'

type Refusal = Response & TypedResponse<ErrorBody, ClientErrorStatusCode, 'json'>

/** Answers with a refusal in its one documented form, under the status that belongs to its code. */
export function refuse(c: Context, code: ErrorCode, message: string): Refusal {
  return c.json({ error: { code, message } } satisfies ErrorBody, ERROR_STATUS[code]) as Refusal
}

import { createRoute, OpenAPIHono, z } from '@hono/zod-openapi'
import { ErrorBody, type ErrorCode } from '../../shared/errors.ts'
import type { AppEnv } from '../env.ts'
import type { Staff } from '../people/staff.ts'
import { refuse } from '../refusal.ts'

/** What a route of the staff API finds in its context. */
export type StaffEnv = AppEnv & { Variables: { staff: Staff } }

/** A router that holds every request against its route's schemas; what does not fit is `malformed`. */
export function router<E extends AppEnv = AppEnv>() {
  return new OpenAPIHono<E>({
    defaultHook: (result, c) => {
      if (result.success) return undefined
      const issue = result.error.issues[0]
      const where = issue?.path.length ? `${issue.path.join('.')}: ` : ''
      return refuse(c, 'malformed', `${where}${issue?.message ?? 'not of the documented form'}`)
    },
  })
}

const json = <S extends z.ZodType>(schema: S) => ({ 'application/json': { schema } })

/** The responses of a route: its answer, and the codes of its refusals. */
function responses<S extends z.ZodType>(answer: S, codes: ErrorCode[]) {
  return {
    200: { description: 'done', content: json(answer) },
    '4XX': { description: ['malformed', ...codes].join(', '), content: json(ErrorBody) },
  }
}

/** The id in a path: a whole number above zero. */
export const IdParam = z.object({
  id: z
    .string()
    .regex(/^[1-9]\d{0,15}$/)
    .transform(Number),
})

/** A terminal's id in a path: '4000-7'. */
export const TerminalParam = z.object({ id: z.string().regex(/^\d{4}-\d{1,6}$/) })

/** A body for what needs no words but must not be sent by a stray link. */
export const Nothing = z.strictObject({})

type Contract<P extends string, S extends z.ZodType> = {
  path: P
  summary: string
  answer: S
  refusals?: ErrorCode[]
}

/** A route that reads. */
export function reading<
  P extends string,
  S extends z.ZodType,
  Q extends z.ZodObject = z.ZodObject<Record<never, never>>,
  I extends z.ZodObject = z.ZodObject<Record<never, never>>,
>(contract: Contract<P, S> & { query?: Q; params?: I }) {
  const { path, summary, answer, query, params } = contract
  return createRoute({
    method: 'get',
    path,
    summary,
    request: { query: query ?? (z.object({}) as unknown as Q), params: params ?? (z.object({}) as unknown as I) },
    responses: responses(answer, contract.refusals ?? []),
  })
}

/** A route that changes something: a JSON body in, a JSON answer out. */
export function changing<
  P extends string,
  S extends z.ZodType,
  B extends z.ZodType,
  I extends z.ZodObject = z.ZodObject<Record<never, never>>,
>(contract: Contract<P, S> & { body: B; params?: I }) {
  const { path, summary, answer, body, params } = contract
  return createRoute({
    method: 'post',
    path,
    summary,
    request: { body: { required: true, content: json(body) }, params: params ?? (z.object({}) as unknown as I) },
    responses: responses(answer, contract.refusals ?? []),
  })
}

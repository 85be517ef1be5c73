import type { z } from 'zod'
import type { RosterApplied, RosterFault, RosterPlan, RosterRow } from '../../shared/office/roster.ts'
import { type Answer, call, type Municipality, newSale } from './municipality.ts'

/** A row of a roster as the office sends it. */
export type Row = z.input<typeof RosterRow>
export type Plan = z.infer<typeof RosterPlan>
export type Applied = z.infer<typeof RosterApplied>
export type Fault = z.infer<typeof RosterFault>

/** CPR numbers that belong to nobody: born in 2057. */
export const cprOf = (number: number) => {
  const two = (value: number) => String(value).padStart(2, '0')
  return `${two(1 + (number % 28))}${two(1 + (Math.floor(number / 28) % 12))}57${5000 + Math.floor(number / 336)}`
}

/** The CPR number of a child whom a roster tells: one of 1858, for what is to come is no birth date. */
export const CHILD = { cpr: '0201585001', birthDay: '1858-01-02' }

/** A child of a roster on a line, in no club and nobody's unless `more` says otherwise. */
export const rowOf = (line: number, more: Partial<Row> = {}): Row => ({
  ...{ line, name: `Barn ${line} Prøvebarn`, birthDay: '2015-06-07', school: 'Prøveskolen', club: null },
  ...{ cpr: null, guardians: [], ...more },
})

/** The calls of one import, each answered as it comes. */
export function importOf(office: Municipality, rows: readonly Row[], id = newSale()) {
  const post = (path: string, body: unknown): Promise<Answer> =>
    call('POST', `http://${office.number}.localhost/api/staff/roster${path}`, { token: office.token, body })
  return {
    id,
    begin: (count = rows.length) => post('', { id, rows: count }),
    rows: (page = rows) => post(`/${id}/rows`, { rows: page }),
    plan: (listed?: number) => post(`/${id}/plan`, listed === undefined ? {} : { listed }),
    apply: (allowLeaving = false) => post(`/${id}/apply`, { allowLeaving }),
    discard: () => post(`/${id}/discard`, {}),
  }
}

function ok<T>({ status, body }: Answer): T {
  if (status !== 200) throw new Error(`refused with ${status}: ${JSON.stringify(body)}`)
  return body as T
}

/** Stages a roster and plans it; resolves to the plan and what applies it. */
export async function planned(office: Municipality, rows: readonly Row[], listed?: number) {
  const roster = importOf(office, rows)
  ok(await roster.begin())
  const { faults } = ok<{ faults: Fault[] }>(await roster.rows())
  if (faults.length > 0) throw new Error(`faults: ${JSON.stringify(faults)}`)
  return { ...roster, plan: ok<Plan>(await roster.plan(listed)) }
}

/** Reads a roster in. */
export async function readIn(office: Municipality, rows: readonly Row[], allowLeaving = false): Promise<Applied> {
  return ok<Applied>(await (await planned(office, rows)).apply(allowLeaving))
}

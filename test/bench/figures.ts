/** A bound to be kept: at least or at most so much, of the ratio where the figure has one and of the value otherwise. */
export type Goal = { atLeast: number } | { atMost: number }

/** One thing that was measured. `ratio` is against what the name says, taken inside one run. */
export type Figure = { name: string; value: number; unit: string; ratio?: number; goal?: Goal }

/** The middle of some numbers; of an even count the mean of the two in the middle. */
export function median(values: readonly number[]): number {
  return (
    (percentile(values, 50) +
      -percentile(
        values.map((value) => -value),
        50,
      )) /
    2
  )
}

/** The smallest of some numbers that `percent` of them do not exceed (nearest rank). */
export function percentile(values: readonly number[], percent: number): number {
  const sorted = values.toSorted((a, b) => a - b)
  const value = sorted[Math.max(0, Math.ceil((sorted.length * percent) / 100) - 1)]
  if (value === undefined) throw new RangeError('nothing was measured')
  return value
}

/** Whether a figure keeps its goal; null where it has none. */
export function met({ value, ratio, goal }: Figure): boolean | null {
  if (goal === undefined) return null
  const measured = ratio ?? value
  return 'atLeast' in goal ? measured >= goal.atLeast : measured <= goal.atMost
}

/** A figure as one line of JSON. */
export function lineOf(figure: Figure): string {
  const { name, value, unit, ratio } = figure
  const rounded = { value: round(value), unit, ratio: ratio === undefined ? null : round(ratio) }
  return JSON.stringify({ name, ...rounded, goal: goalText(figure) || null, met: met(figure) })
}

/** All figures as a table for people. */
export function tableOf(figures: readonly Figure[]): string {
  const rows = figures.map((figure) => {
    const kept = met(figure)
    return [
      figure.name,
      `${round(figure.value)} ${figure.unit}`,
      figure.ratio === undefined ? '' : String(round(figure.ratio)),
      goalText(figure),
      kept === null ? '' : kept ? 'met' : 'MISSED',
    ]
  })
  const table = [['figure', 'value', 'ratio', 'goal', ''], ...rows]
  const widths = table[0]?.map((_, column) => Math.max(...table.map((row) => row[column]?.length ?? 0))) ?? []
  return table
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(widths[column] ?? 0))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}

function goalText({ goal }: Figure): string {
  if (goal === undefined) return ''
  return 'atLeast' in goal ? `≥ ${goal.atLeast}` : `≤ ${goal.atMost}`
}

/** Three digits that count, and no more decimals than that takes. */
const round = (value: number) => (Math.abs(value) >= 100 ? Math.round(value) : Number(value.toPrecision(3)))

import type { ScenarioName } from './scenarios.ts'

/**
 * Where a till is wrong on purpose: in which file, what is right there, what stands in its place, what comes of it, and in
 * which scenario that is to be seen.
 */
export type Fault = { file: string; right: string; wrong: string; figure: string; scenario: ScenarioName }

/** What must be found out within a few seeds; else nothing is proven by all seeds being right. */
export const FAULTS = {
  /** It says no to a child after having asked in vain, and does not take back what it asked. */
  no_reversal: {
    file: 'terminal/till.ts',
    right: "const told = await append(refusal === null ? 'advice' : 'reversal', content)",
    wrong: `if (refusal !== null) return void (await say('declined', words().declined, words().offlineWhy[refusal]))
    const told = await append('advice', content)`,
    figure: 'flips',
    scenario: 'network',
  },
  /** It hears that the worker says no, keeps nothing of it, and decides by itself. */
  forgotten_declines: {
    file: 'terminal/till.ts',
    right: 'const answered = journal.entry(request.seq)',
    wrong: `const kept = journal.entry(request.seq)
    const answered = kept.outcome === 'declined' ? { ...kept, outcome: null } : kept`,
    figure: 'flips',
    scenario: 'late_decline',
  },
  /** It sells without an answer what its own list says is closed for the card. */
  closed_sold: {
    file: 'terminal/offline.ts',
    right: "if (sale.closed) return 'category_closed'",
    wrong: '',
    figure: 'closed on its list',
    scenario: 'closed',
  },
  /** It shows what the next loss of power takes from its disk. */
  synchronous_normal: {
    file: 'terminal/journal-database.ts',
    right: 'PRAGMA synchronous = FULL',
    wrong: 'PRAGMA synchronous = NORMAL',
    figure: 'acknowledged lost',
    scenario: 'killed',
  },
} satisfies Record<string, Fault>

export type FaultName = keyof typeof FAULTS

/** Where a till is wrong on purpose: in which file, what is right there, what stands in its place, and what comes of it. */
export type Fault = { file: string; right: string; wrong: string; figure: string }

/** What must be found out within a few seeds; else nothing is proven by all seeds being right. */
export const FAULTS = {
  /** It says no to a child after having asked in vain, and does not take back what it asked. */
  no_reversal: {
    file: 'terminal/till.ts',
    right: "const told = await append(refusal === null ? 'advice' : 'reversal', content)",
    wrong: `if (refusal !== null) return void (await say('declined', words().declined, words().offlineWhy[refusal]))
    const told = await append('advice', content)`,
    figure: 'flips',
  },
  /** It hears that the worker says no, keeps nothing of it, and decides by itself. */
  forgotten_declines: {
    file: 'terminal/till.ts',
    right: 'const answered = journal.entry(request.seq)',
    wrong: `const kept = journal.entry(request.seq)
    const answered = kept.outcome === 'declined' ? { ...kept, outcome: null } : kept`,
    figure: 'flips',
  },
  /** It sells without an answer what its own list says is closed for the card. */
  closed_sold: {
    file: 'terminal/offline.ts',
    right: "if (sale.closed) return 'category_closed'",
    wrong: '',
    figure: 'closed on its list',
  },
  /** It shows what the next loss of power takes from its disk. */
  synchronous_normal: {
    file: 'terminal/journal-database.ts',
    right: 'PRAGMA synchronous = FULL',
    wrong: 'PRAGMA synchronous = NORMAL',
    figure: 'acknowledged lost',
  },
} satisfies Record<string, Fault>

export type FaultName = keyof typeof FAULTS

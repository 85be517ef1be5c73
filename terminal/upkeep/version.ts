import about from '../package.json' with { type: 'json' }

/** What this program calls itself, to the worker and to those who look after it. */
export const SOFTWARE = `klubkort-terminal/${about.version}`

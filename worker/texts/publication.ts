import type { Texts } from './language.ts'

/** What stands around the texts that a municipality publishes. */
export const publication = {
  version: {
    da: (version: number, day: string) => `Version ${version}, offentliggjort ${day}`,
    en: (version: number, day: string) => `Version ${version}, published ${day}`,
  },
  otherLanguage: {
    da: 'Teksten findes ikke på dansk. Her er den på engelsk.',
    en: 'The text is not available in English. Here it is in Danish.',
  },
  older: { da: 'Ældre versioner', en: 'Older versions' },
  olderOne: { da: (version: number) => `Version ${version}`, en: (version: number) => `Version ${version}` },
  notNewest: {
    da: 'Du har bedt om en bestemt version. Den kan være afløst af en nyere.',
    en: 'You have asked for a particular version. A newer one may have replaced it.',
  },
  newest: { da: 'Se den gældende version', en: 'See the version in force' },
  none: {
    da: 'Kommunen har ikke offentliggjort teksten endnu. Spørg supporten, hvis du mangler svar på noget.',
    en: 'The municipality has not published the text yet. Ask support if there is something you need to know.',
  },
  noneCall: { da: 'Ring til supporten på', en: 'Call support on' },
} satisfies Texts

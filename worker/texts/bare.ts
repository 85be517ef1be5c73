import type { Texts } from './language.ts'

/** What can be said where nothing is known. */
export const bare = {
  failed: {
    title: { da: 'Siden kan ikke vises lige nu', en: 'The page cannot be shown right now' },
    text: {
      da: 'Fejlen er hos os, og der er ikke ændret noget. Prøv igen om lidt.',
      en: 'The fault is ours, and nothing has been changed. Try again in a moment.',
    },
  },
  nobody: {
    title: { da: 'Her er der ingen portal', en: 'There is no portal here' },
    text: {
      da: 'Adressen begynder med kommunens postnummer. Se den på kommunens hjemmeside eller i brevet fra klubben.',
      en: 'The address begins with the municipality’s postal code. Look it up on its website, or in the club’s letter.',
    },
  },
} satisfies Texts

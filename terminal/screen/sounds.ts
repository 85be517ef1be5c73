import type { Screen, View } from './view.ts'

/** What a sound tells. Like colour and pictogram it follows meaning, and never wealth. */
export type Sound = 'approved' | 'declined' | 'balance' | 'notice' | 'message'

/**
 * A sound for a loudspeaker, as tones (0 Hz is silence), and for a buzzer that knows only on and off, as milliseconds on,
 * off, on …; `resource` is its number on the display. Each differs from the others in count and length of its parts as
 * well as in pitch.
 */
export type SoundShape = {
  resource: number
  tones: readonly { hertz: number; ms: number }[]
  pulsesMs: readonly number[]
}

export const sounds: Readonly<Record<Sound, SoundShape>> = {
  approved: {
    resource: 0,
    tones: [
      { hertz: 880, ms: 90 },
      { hertz: 1_320, ms: 160 },
    ],
    pulsesMs: [120],
  },
  declined: {
    resource: 1,
    tones: [
      { hertz: 330, ms: 220 },
      { hertz: 0, ms: 80 },
      { hertz: 247, ms: 320 },
    ],
    pulsesMs: [250, 120, 250],
  },
  notice: {
    resource: 2,
    tones: [
      { hertz: 660, ms: 70 },
      { hertz: 0, ms: 60 },
      { hertz: 660, ms: 70 },
      { hertz: 0, ms: 60 },
      { hertz: 660, ms: 70 },
    ],
    pulsesMs: [50, 60, 50, 60, 50],
  },
  balance: {
    resource: 4,
    tones: [
      { hertz: 784, ms: 70 },
      { hertz: 0, ms: 60 },
      { hertz: 784, ms: 70 },
    ],
    pulsesMs: [50, 60, 50],
  },
  message: { resource: 3, tones: [{ hertz: 440, ms: 600 }], pulsesMs: [600] },
}

/** The sound of a view; null for those that somebody made by pressing a button. */
export function soundOf(view: View): Sound | null {
  switch (view.kind) {
    case 'message':
      return 'message'
    case 'answer':
      return view.meaning
    case 'sale':
    case 'keypad':
      return null
  }
}

/** Whether a view says what the one before it said, so that it is only drawn anew. */
function repeats(view: View, before: View | null): boolean {
  if (view === before) return true
  return view.kind === 'message' && before?.kind === 'message' && view.headline === before.headline
}

/** A screen that also sounds: once for each new answer or message, when it stands on the display. */
export function soundingScreen(screen: Screen, play: (sound: Sound) => void): Screen {
  let last: View | null = null
  return {
    presses: screen.presses,
    async show(view, language) {
      await screen.show(view, language)
      const sound = repeats(view, last) ? null : soundOf(view)
      last = view
      if (sound) play(sound)
    },
  }
}

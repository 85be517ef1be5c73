import type { Key } from '../devices/keypad.ts'
import type { Press, Screen, View } from './view.ts'

const RETRY_MS = 2_000
/** Nobody types more than this ahead; beyond it something lies on the keys. */
const KEYS_MAX = 16

/** What a key means while a view is shown, in the order of the presses it stands for. */
export function pressesOf(key: Key, view: View): Press[] {
  switch (view.kind) {
    case 'message':
      return []
    case 'answer':
      return [{ kind: 'dismiss' }]
    case 'sale':
      if (key.kind === 'digit') return [{ kind: 'keypad' }, key]
      if (key.kind === 'minus') return [{ kind: 'undo' }]
      return key.kind === 'erase' || key.kind === 'escape' ? [{ kind: 'clear' }] : []
    case 'keypad':
      switch (key.kind) {
        case 'digit':
        case 'comma':
          return [key as Press]
        case 'erase':
          return [{ kind: 'erase' }]
        case 'enter':
          return [{ kind: 'ok' }]
        case 'escape':
        case 'minus':
          return [{ kind: 'cancel' }]
      }
  }
}

/**
 * A screen with the staff's keypad beside it. A key counts for what is shown when it is taken: digits begin an amount,
 * Enter ends it, Backspace erases a digit or clears the sale, Esc goes back, and minus undoes the last sale. Keys typed
 * before an answer came are dropped, so that none of them hides it.
 *
 * `keys` opens the keypad. Where it is missing or has been unplugged, `told` hears why, once until that changes, and it
 * is opened anew every two seconds; the screen goes on without it.
 */
export function keyedScreen(
  screen: Screen,
  keys: (signal: AbortSignal) => AsyncIterable<Key>,
  told: (trouble: string | null) => void,
  { retryMs = RETRY_MS } = {},
): Screen {
  let shown: View | null = null
  let typed: Key[] = []

  async function listen(signal: AbortSignal, wake: () => void): Promise<void> {
    let trouble: string | null = null
    while (!signal.aborted) {
      try {
        for await (const key of keys(signal)) {
          if (trouble !== null) told(null)
          trouble = null
          if (typed.length < KEYS_MAX) typed.push(key)
          wake()
        }
      } catch (error) {
        const said = error instanceof Error ? error.message : String(error)
        if (said !== trouble) told(said)
        trouble = said
      }
      await pause(retryMs, signal)
    }
  }

  async function* presses(outer: AbortSignal): AsyncGenerator<Press> {
    const ended = new AbortController()
    const signal = AbortSignal.any([outer, ended.signal])
    const touched: Press[] = []
    let over: { error: unknown } | null = null
    let wake = () => {}
    typed = []
    const touching = (async () => {
      for await (const press of screen.presses(signal)) {
        touched.push(press)
        wake()
      }
    })().then(
      () => undefined,
      (error: unknown) => {
        over = { error }
        wake()
      },
    )
    const listening = listen(signal, () => wake())
    const onAbort = () => wake()
    signal.addEventListener('abort', onAbort)
    try {
      while (!signal.aborted) {
        const press = touched.shift()
        const key = press ? undefined : typed.shift()
        if (press) yield press
        else if (key) {
          if (shown) yield* pressesOf(key, shown)
        } else if (over) throw (over as { error: unknown }).error
        else
          await new Promise<void>((resolve) => {
            wake = resolve
          })
      }
    } finally {
      signal.removeEventListener('abort', onAbort)
      ended.abort()
      await Promise.all([touching, listening])
    }
  }

  return {
    async show(view, language) {
      if (view.kind === 'answer' && view !== shown) typed = []
      await screen.show(view, language)
      shown = view
    },
    presses,
  }
}

function pause(ms: number, signal: AbortSignal): Promise<void> {
  return new Promise((resolve) => {
    const end = () => {
      clearTimeout(timer)
      signal.removeEventListener('abort', end)
      resolve()
    }
    const timer = setTimeout(end, ms)
    signal.addEventListener('abort', end)
    if (signal.aborted) end()
  })
}

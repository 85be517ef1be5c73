/** Where progress is shown: a terminal is drawn on, anything else is left alone. */
type Screen = { isTTY?: boolean; columns?: number; write: (text: string) => unknown }

const BAR = 24

/**
 * A bar that says how much of `total` is done, on one line that is drawn over, and wiped by `end`. What takes no longer
 * than a moment draws none.
 */
export function progressBar(screen: Screen, label: string, total: number) {
  let shown = -1
  return {
    advance(done: number) {
      const percent = Math.floor((100 * done) / Math.max(1, total))
      if (!screen.isTTY || percent === shown) return
      shown = percent
      const full = Math.round((BAR * percent) / 100)
      const line = `${label} ${'█'.repeat(full)}${'░'.repeat(BAR - full)} ${percent} %`
      screen.write(`\r\u001b[K${line.slice(0, Math.max(0, (screen.columns ?? 80) - 1))}`)
    },
    end() {
      if (shown !== -1) screen.write('\r\u001b[K')
    },
  }
}

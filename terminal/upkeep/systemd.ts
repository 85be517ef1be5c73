import { execFile } from 'node:child_process'
import { promisify } from 'node:util'

const run = promisify(execFile)
const NOTIFY_TIMEOUT_MS = 5_000

export type Systemd = {
  /** How often the watchdog wants to hear of us, in milliseconds; null where there is none. */
  watchdogMs: number | null
  tell(state: 'READY=1' | 'STOPPING=1' | 'WATCHDOG=1', status?: string): Promise<void>
}

/**
 * What started this program, as the environment tells. Node cannot send to a unix datagram socket, so systemd's own
 * program does. A message that is lost is one ping less; it never stops a sale.
 */
export function systemd(environment: NodeJS.ProcessEnv): Systemd {
  const { NOTIFY_SOCKET, WATCHDOG_USEC } = environment
  if (!NOTIFY_SOCKET) return { watchdogMs: null, tell: async () => undefined }
  const watchdogMs = WATCHDOG_USEC && Number(WATCHDOG_USEC) > 0 ? Number(WATCHDOG_USEC) / 1000 : null
  return {
    watchdogMs,
    async tell(state, status) {
      const args = status === undefined ? [state] : [state, `STATUS=${status}`]
      await run('systemd-notify', args, { timeout: NOTIFY_TIMEOUT_MS }).catch(() => undefined)
    },
  }
}

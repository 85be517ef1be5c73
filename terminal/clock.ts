/** The machine's own clocks, in milliseconds: the time of day as far as it knows it, and one that only grows. */
export type Machine = { epoch(): number; monotonic(): number }

/** The Pi has no real-time clock: what it believes of the time of day it learns from the worker. */
export type Clock = {
  /** Epoch milliseconds as the worker has them, as well as they are known. */
  now(): number
  /** Milliseconds that only ever grow and never jump; for measuring how long something takes. */
  elapsed(): number
  /**
   * Learns from an answer to what was asked at `askedAt`, a reading of `elapsed`: the worker's time was `workerTimeMs` at
   * some moment since then. A slow answer says little, and does not undo what a quick one has told.
   */
  learn(workerTimeMs: number, askedAt: number): void
  /** Whether the time is the worker's, learnt since the start, and not what the machine believes. */
  isLearnt(): boolean
}

/**
 * A clock over the machine's own; all readings in milliseconds. Once learnt, time goes on by the monotonic clock, so that
 * nothing that steps the machine's clock is noticed. Before that the machine is believed, but never before `notBefore`,
 * the latest time that the journal knows to have passed: how long the power was off, nobody here can tell.
 */
export function learningClock(machine: Machine, notBefore: number): Clock {
  const started = machine.monotonic()
  let base: number | null = null
  return {
    now: () =>
      base === null ? Math.max(machine.epoch(), notBefore + machine.monotonic() - started) : base + machine.monotonic(),
    elapsed: machine.monotonic,
    learn(workerTimeMs, askedAt) {
      const [earliest, latest] = [workerTimeMs - machine.monotonic(), workerTimeMs - askedAt]
      base = base === null ? earliest : Math.min(Math.max(base, earliest), latest)
    },
    isLearnt: () => base !== null,
  }
}

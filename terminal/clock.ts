/** The Pi has no real-time clock: what it believes of the time of day it learns from the worker. */
export type Clock = {
  /** Epoch milliseconds as the worker has them, as well as they are known. */
  now(): number
  /** Milliseconds that only ever grow and never jump; for measuring how long something takes. */
  elapsed(): number
  /** Learns from an answer that carries the worker's time. */
  learn(workerTimeMs: number): void
}

/** A clock over the machine's own; both readings in milliseconds. */
export function learningClock(machine: { epoch(): number; monotonic(): number }): Clock {
  let offset = 0
  return {
    now: () => machine.epoch() + offset,
    elapsed: machine.monotonic,
    learn(workerTimeMs) {
      offset = workerTimeMs - machine.epoch()
    },
  }
}

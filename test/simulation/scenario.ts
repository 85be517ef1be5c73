import type { Play } from './play.ts'

/**
 * One way for things to go wrong. `run` lets it happen; after it everything is mended, delivered and held against the
 * ledger. `strange` figures are those that only this scenario has.
 */
export type Scenario = {
  boxes: number
  /** How often it is played, among the others; 0 where it is only played when it is asked for. */
  weight: number
  run(play: Play): Promise<Partial<Strange>>
}

/** What only some scenarios can tell. */
export type Strange = {
  copies: number
  copiesDetected: number
  diskFaults: number
  workerDeaths: number
  lockedOut: number
  cardCopies: number
  cardCopiesFound: number
  longDayDrainMs: number
  longDayCalls: number
  longDayBusyMs: number
}

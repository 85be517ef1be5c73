import type { Box } from './box.ts'
import type { Weather } from './network.ts'
import type { Play } from './play.ts'

export const boxAt = (play: Play, index: number): Box => {
  const box = play.boxes[index]
  if (!box) throw new RangeError('there are so many boxes')
  return box
}

/** What tills may do by themselves: what a new municipality allows, or so little that they often have to say no. */
const CAPS = [
  null,
  null,
  { saleMax: 1_000, cardSumMax: 2_500, unsentSumMax: 10_000, unsentCountMax: 6 },
  { saleMax: 3_000, cardSumMax: 1_500, unsentSumMax: 3_000, unsentCountMax: 30 },
  { saleMax: 5_000, cardSumMax: 6_000, unsentSumMax: 4_000, unsentCountMax: 30 },
  { saleMax: 0, cardSumMax: 0, unsentSumMax: 0, unsentCountMax: 0 },
]

/** Everybody is at the counter, and the tills are on. */
export async function opening(play: Play, øre: readonly number[], before: (box: Box) => void = () => {}) {
  const caps = play.misfortune.pick(CAPS)
  if (caps) await play.caps(caps)
  for (const [child, amount] of øre.entries()) if (amount > 0) await play.deposit(child, amount)
  for (const box of play.boxes) {
    before(box)
    box.powerOn()
  }
  await play.world.sleep(8_000)
}

/** Children buy one after the other at one till, for so many acts, with what a counter is like. */
export async function counter(
  play: Play,
  box: Box,
  {
    acts,
    children,
    pause = [1_000, 5_000],
    around = async () => {},
  }: {
    acts: number
    children: readonly number[]
    pause?: readonly [number, number]
    around?: (child: number) => Promise<void>
  },
) {
  const { random } = play
  for (let act = 0; act < acts && play.goesOn(); act++) {
    const child = random.pick(children)
    await around(child)
    await play.sell(box, child, { products: random.pick([1, 1, 1, 2]), twice: random.chance(0.15) })
    if (random.chance(0.12)) await play.undo(box, child)
    await play.nap(...pause)
  }
}

export const WEATHERS: readonly Weather[] = [
  { lost: 0.1, answerLost: 0.1, twice: 0.2, late: 0.1, slow: 0.2 },
  { lost: 0.3, answerLost: 0.2, twice: 0.3, late: 0.2, slow: 0.3 },
  { lost: 0.05, answerLost: 0.4, twice: 0.1, late: 0.3, slow: 0.1 },
]

export const all = (play: Play, deed: (box: Box) => Promise<void>) => Promise.all(play.boxes.map(deed))
export const ALL_CHILDREN = [0, 1, 2, 3, 4, 5]

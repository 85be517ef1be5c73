import type { Box, Death } from './box.ts'
import { cardOf } from './card.ts'
import { all, boxAt, counter, opening, WEATHERS } from './counter.ts'
import { FAIR, faultyDatabase } from './network.ts'
import type { Play } from './play.ts'

/* What terminals, their disks and clocks, and cards do. */

const highest = (play: Play, box: Box) => Math.max(0, ...(play.sent.get(box.name)?.keys() ?? []))

/** More steps than a sale takes, and a start. Primes, so that the seeds come by every one. */
const STEPS = 251
const STARTING_STEPS = 113
const ACTS = 7

/**
 * A program that ends at any step, a plug that is pulled at any write. Each death is some steps after the deed begins;
 * the seeds share out how many, so that a few hundred of them end it at every one.
 */
export async function killed(play: Play) {
  const { misfortune } = play
  const death = (): Death => (misfortune.chance(0.75) ? 'power' : 'killed')
  await opening(play, [20_000, 8_000, 3_000, 1_500], (box) => {
    const number = (play.seed * play.boxes.length + play.boxes.indexOf(box)) * 37
    if (misfortune.chance(0.8) && play.act()) box.diesIn(number % STARTING_STEPS, death())
  })
  for (const box of play.boxes) {
    if (misfortune.chance(0.4)) box.cable.weather = { ...FAIR, lost: 0.1, answerLost: 0.2, twice: 0.1 }
    if (misfortune.chance(0.2)) box.cable.plugged = false
  }
  await all(play, async (box) => {
    for (let act = 0; act < ACTS && play.goesOn(); act++) {
      const number = (play.seed * play.boxes.length + play.boxes.indexOf(box)) * ACTS + act
      if (misfortune.chance(0.6) && play.act()) box.diesIn(number % STEPS, death())
      await play.sell(box, play.random.pick([0, 1, 2, 3]))
      if (play.random.chance(0.15)) await play.undo(box, play.random.pick([0, 1]))
      if (!box.isOn()) {
        await play.nap(500, 6_000)
        // Now and then it dies again as it begins.
        if (misfortune.chance(0.4) && play.act()) box.diesIn(number % STARTING_STEPS, death())
        box.powerOn()
        await play.world.sleep(7_000)
        box.powerOn()
      }
      await play.nap(500, 5_000)
    }
  })
  return {}
}

/** About as long as a sale without an answer takes. */
const SALE_MS = 2_500

export async function disk(play: Play) {
  const { misfortune } = play
  let diskFaults = 0
  await opening(play, [20_000, 8_000, 3_000])
  await all(play, async (box) => {
    if (misfortune.chance(0.4)) box.cable.plugged = false
    for (let act = 0; act < 5 && play.goesOn(); act++) {
      if (misfortune.chance(0.5) && play.act()) {
        diskFaults += 1
        const how = misfortune.pick(['once', 'full', 'failing'] as const)
        const writes = misfortune.between(0, 12)
        // Before the sale that comes now, or in the middle of it.
        play.world.after(misfortune.between(0, SALE_MS), () => {
          play.tell(`${box.name}: the disk ${how === 'once' ? 'fails once' : how === 'full' ? 'is full' : 'fails'}`)
          if (how === 'once') box.disk.failAfter = writes
          else box.disk.health = how
        })
      }
      await play.sell(box, play.random.pick([0, 1, 2]))
      await play.nap(500, 8_000)
      if (box.disk.health !== 'well' && misfortune.chance(0.5)) {
        box.disk.health = 'well'
        play.tell(`${box.name}: the disk is well again`)
        if (misfortune.chance(0.3)) box.die('power')
        box.powerOn()
        await play.world.sleep(11_000)
      }
    }
    await play.world.sleep(SALE_MS)
  })
  return { diskFaults }
}

const DAY_MS = 86_400_000

export async function clockOff(play: Play) {
  const { misfortune } = play
  await opening(play, [20_000, 8_000, 3_000, 900], (box) => {
    box.clockIsOffBy = misfortune.pick([-DAY_MS, DAY_MS, -40 * DAY_MS, 3_600_000])
    play.tell(`${box.name}: its clock is off by ${box.clockIsOffBy / DAY_MS} days`)
    box.cable.weather = { ...FAIR, lost: 0.15, answerLost: 0.1, late: 0.1 }
  })
  await all(play, async (box) => {
    await counter(play, box, {
      acts: 6,
      children: [0, 1, 2, 3],
      around: async () => {
        if (misfortune.chance(0.3) && play.act()) {
          box.clockIsOffBy = misfortune.pick([-DAY_MS, DAY_MS, 0, -60_000])
          play.tell(`${box.name}: its clock jumps to be off by ${box.clockIsOffBy / DAY_MS} days`)
        }
        if (misfortune.chance(0.15) && play.act()) {
          box.cable.plugged = !box.cable.plugged
          box.die('power')
          box.powerOn()
          await play.world.sleep(8_000)
        }
      },
    })
  })
  return {}
}

/** A journal is put back to what it was, or its card is copied and both go on. */
export async function copied(play: Play) {
  const { misfortune } = play
  const box = boxAt(play, 0)
  await opening(play, [20_000, 8_000, 3_000])
  for (let act = 0; act < 2; act++) await play.sell(box, play.random.pick([0, 1]))
  await play.world.sleep(3_000)
  box.die('power')
  const copy = box.disk.copy()
  const before = highest(play, box)
  box.powerOn()
  await play.world.sleep(9_000)
  const after = misfortune.between(1, 3)
  for (let act = 0; act < after; act++) await play.sell(box, play.random.pick([0, 1]))
  await play.world.sleep(12_000)
  if (highest(play, box) === before) return {} // Nothing was sold since: there is nothing to find out.
  const together = misfortune.chance(0.5)
  let other = box
  if (together) {
    other = play.twin(box, copy)
    play.tell(`${other.name}: goes on beside it`)
  } else {
    box.die('power')
    box.disk.restore(copy)
    play.forgotten.add(box.name)
    play.tell(`${box.name}: the journal is put back to an earlier one`)
  }
  other.cable.plugged = misfortune.chance(0.5)
  other.powerOn()
  await play.world.sleep(8_000)
  const both = together ? [box, other] : [other]
  await Promise.all(
    both.map(async (each) => {
      for (let act = 0; act < 2; act++) {
        await play.sell(each, play.random.pick([0, 1]))
        await play.nap(500, 4_000)
      }
    }),
  )
  other.cable.plugged = true
  await play.world.sleep(180_000)
  const [[stopped] = []] = await play.query([
    {
      sql: `SELECT id FROM terminal WHERE id = ? AND stopped_at IS NOT NULL
            AND EXISTS (SELECT 1 FROM alarm WHERE alarm.terminal = terminal.id)`,
      bind: [box.enrolment.terminal],
    },
  ])
  const detected = stopped && both.every((each) => each.view()?.kind === 'message') ? 1 : 0
  if (!detected) play.fail('copies', `${other.name} goes on with a journal that is not its own`, box.name)
  return { copies: 1, copiesDetected: detected }
}

/**
 * Cards that carry a token are torn away as it is read and written, at tills of which some begin without the network and
 * with a clock that is wrong; one of the cards is copied.
 */
export async function tokens(play: Play) {
  const { random, misfortune, town } = play
  await play.caps({ tokenTypes: ['classic'], weakSaleMax: 1_300, weakCardSumMax: 2_500 })
  const children = [0, 1, 2]
  for (const child of children) play.cards.set(child, cardOf())
  await opening(play, [20_000, 20_000, 20_000, 20_000])
  Object.assign(play.haste, { reading: 0.04, writing: misfortune.pick([0, 0.3, 0.6]) })
  const network = misfortune.chance(0.5) ? { ...FAIR, answerLost: 0.15, lost: 0.05, twice: 0.2 } : FAIR
  for (const box of play.boxes) box.cable.weather = network
  const some = () =>
    all(play, async (box) => {
      for (let act = 0; act < 4 && play.goesOn(); act++) {
        await play.sell(box, random.pick([...children, 3])) // The last has a card that nothing can be written to.
        await play.nap(300, 3_000)
        if (!misfortune.chance(0.15) || !play.act()) continue
        if (box.cable.plugged && misfortune.chance(0.5)) await beginsAlone(box)
        else {
          box.cable.plugged = !box.cable.plugged
          play.tell(`${box.name}: the cable is ${box.cable.plugged ? 'in again' : 'out'}`)
        }
      }
    })
  // Nobody tells it what time it is, so what it sells may be of another day.
  const beginsAlone = async (box: Box) => {
    box.cable.plugged = false
    box.die('power')
    box.clockIsOffBy = misfortune.pick([DAY_MS, DAY_MS, 3_600_000, 60_000, -DAY_MS])
    play.tell(`${box.name}: begins without the network, and its clock is off by ${box.clockIsOffBy / 60_000} min`)
    box.powerOn()
    await play.world.sleep(8_000)
  }
  await some()
  const stolen = random.pick(children)
  const copy = play.cards.get(stolen)?.copy()
  if (misfortune.chance(0.4) && play.act()) await beginsAlone(boxAt(play, 0))
  await some()
  Object.assign(play.haste, { reading: 0, writing: 0 })
  for (const { cable } of play.boxes) Object.assign(cable, { weather: FAIR, plugged: true })
  await play.world.sleep(40_000)
  const blocked = async () => {
    const ids = town.children.slice(0, 3).map(({ card }) => card)
    const [rows = []] = await play.query([{ sql: `SELECT id FROM card WHERE status <> 'active' AND id IN (${ids})` }])
    return rows.map(({ id }) => ids.indexOf(Number(id)))
  }
  const lockedOut = await blocked()
  for (const child of lockedOut)
    play.fail('locked out', `the card of child ${child + 1} is blocked, and nobody copied it`)
  const box = boxAt(play, 0)
  // The child's own card goes on, so that what the copy shows is of the past.
  for (let act = 0; act < 2 && play.goesOn(); act++) await play.sell(box, stolen)
  const copied = copy?.counter() ?? null
  const behind = (play.cards.get(stolen)?.counter() ?? 0) - (copied ?? 0)
  await play.world.sleep(15_000)
  if (!copy || copied === null || behind < 2 || !play.goesOn()) return { lockedOut: lockedOut.length }
  await play.sell(box, stolen, { shown: copy })
  await play.world.sleep(2_000)
  const found = (await blocked()).includes(stolen)
  if (!found)
    play.fail('copied cards', `a copy of the card of child ${stolen + 1} was laid on, and the card is not blocked`)
  return { lockedOut: lockedOut.length, cardCopies: 1, cardCopiesFound: found ? 1 : 0 }
}

/** All of it at once. */
export async function everything(play: Play) {
  const { misfortune, network: net } = play
  net.host.trouble = faultyDatabase(misfortune, 0.05)
  await opening(play, [20_000, 8_000, 3_000, 1_500, 700], (box) => {
    box.clockIsOffBy = misfortune.pick([0, 0, -86_400_000, 86_400_000])
  })
  for (const box of play.boxes) box.cable.weather = misfortune.pick(WEATHERS)
  await all(play, async (box) => {
    await counter(play, box, {
      acts: 6,
      children: [0, 1, 2, 3, 4],
      around: async (child) => {
        if (!misfortune.chance(0.5) || !play.act()) return
        const what = misfortune.between(0, 5)
        if (what === 0) box.cable.plugged = !box.cable.plugged
        if (what <= 2) box.diesIn(Math.floor(3 * 100 ** misfortune.next()), misfortune.pick(['power', 'killed']))
        if (what === 3) await play.deposit(child, 1_000)
        if (what === 4) box.displayWorks = !box.displayWorks
        if (what === 5 && !box.isOn()) box.powerOn()
        if (what === 5) box.displayWorks = true
        if (!box.isOn()) {
          box.powerOn()
          await play.world.sleep(7_000)
        }
      },
    })
  })
  return {}
}

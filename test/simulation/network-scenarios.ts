import type { Box } from './box.ts'
import { ALL_CHILDREN, all, boxAt, counter, opening, WEATHERS } from './counter.ts'
import { FAIR, faultyDatabase } from './network.ts'
import type { Play } from './play.ts'

/* What the network, the worker and its database do. */

const LONG_DAY_SALES = 2_000
/** Longer than the journal keeps what has been delivered. */
const SUMMER_MS = 61 * 24 * 3_600_000

export async function network(play: Play) {
  const weather = play.misfortune.pick(WEATHERS)
  await opening(play, [20_000, 8_000, 3_000, 1_500, 700, 0])
  for (const box of play.boxes) box.cable.weather = weather
  await all(play, async (box) => {
    await counter(play, box, {
      acts: 5,
      children: ALL_CHILDREN,
      around: async () => {
        if (!play.misfortune.chance(0.2) || !play.act()) return
        box.cable.plugged = !box.cable.plugged
        play.tell(`${box.name}: the cable is ${box.cable.plugged ? 'in again' : 'out'}`)
      },
    })
  })
  return {}
}

export async function answerLost(play: Play) {
  await opening(play, [20_000, 8_000, 3_000, 1_500])
  for (const box of play.boxes) box.cable.weather = { ...FAIR, answerLost: 0.7, twice: 0.3, late: 0.2 }
  await all(play, (box) => counter(play, box, { acts: 6, children: [0, 1, 2, 3] }))
  return {}
}

/** A child with too little money is refused; the refused message comes again after its parent has paid. */
export async function lateDecline(play: Play) {
  const { random } = play
  await opening(play, [400, 900, 0, 2_000])
  for (const box of play.boxes) box.cable.weather = { ...FAIR, late: 0.6, twice: 0.5, answerLost: 0.15, slow: 0.1 }
  await all(play, async (box) => {
    for (let act = 0; act < 5 && play.goesOn(); act++) {
      const child = random.pick([0, 1, 2])
      await play.sell(box, child)
      await play.nap(300, 4_000)
      if (random.chance(0.6) && play.act()) await play.deposit(child, random.pick([500, 1_200, 5_000]))
    }
  })
  return {}
}

/** One card and another of the same purse at several tills at once, with little money. */
export async function oneAccount(play: Play) {
  const { random } = play
  const child = random.pick([0, 6])
  await opening(play, child === 0 ? [random.between(1_000, 4_000)] : [0, 0, 0, 0, 0, 0, 20_000]) // One with a daily limit.
  for (const box of play.boxes) box.cable.weather = { ...FAIR, slow: 0.05, twice: 0.3, late: 0.2 }
  for (let act = 0; act < 5 && play.goesOn(); act++) {
    await all(play, async (box) => {
      await play.nap(0, 400)
      await play.sell(box, child)
    })
  }
  return {}
}

export async function dayOffline(play: Play) {
  const { random } = play
  const box = boxAt(play, 0)
  await opening(play, [20_000, 2_000, 700, 0, 5_000, 9_000])
  await play.sell(box, 0)
  await play.world.sleep(2_000)
  box.cable.plugged = false
  play.tell('the network is gone for a day')
  const until = play.world.now() + 24 * 3_600_000
  await play.nap(60_000, 600_000)
  await play.block(random.pick([1, 4]))
  // The club is open for a few hours; at night the plug is out. The list is a day old when it opens again, or older.
  const sales = () => counter(play, box, { acts: 7, children: ALL_CHILDREN, pause: [2_000, 60_000] })
  await sales()
  if (random.chance(0.85)) box.die('power')
  await play.world.sleep(until - play.world.now() + play.misfortune.pick([-1_800_000, -300_000, 600_000]))
  box.powerOn()
  await play.world.sleep(15_000)
  await sales()
  if (!play.misfortune.chance(0.3) || !play.act()) return {}
  box.die('power')
  play.tell('the club is closed for the summer')
  await play.world.sleep(SUMMER_MS)
  return {}
}

/** A day without network in a large canteen, and all of it forwarded in one go. */
export async function longDay(play: Play) {
  const { random } = play
  const box = boxAt(play, 0)
  await play.caps({ saleMax: 100_000, cardSumMax: 10_000_000, unsentCountMax: 100_000, unsentSumMax: 100_000_000 })
  for (let child = 0; child < 6; child++) await play.deposit(child, 5_000_000)
  box.powerOn()
  await play.world.sleep(15_000)
  box.cable.plugged = false
  play.tell('the network is gone for a day')
  const from = play.world.now()
  let sold = 0
  while (sold < LONG_DAY_SALES && play.goesOn()) {
    await play.world.sleep(random.between(10_000, 36_000))
    await play.sell(box, random.between(0, 5))
    sold += 1
  }
  await play.world.sleep(Math.max(0, from + 86_000_000 - play.world.now()))
  const before = { calls: play.workerCalls(), busyMs: play.workerBusyMs(), at: play.world.now() }
  box.cable.plugged = true
  play.tell('the network is there again')
  while (box.look((journal) => journal.unanswered(1).length) !== 0) await play.world.sleep(50)
  return {
    longDayDrainMs: play.world.now() - before.at,
    longDayCalls: play.workerCalls() - before.calls,
    longDayBusyMs: play.workerBusyMs() - before.busyMs,
  }
}

export async function blockedWhileOffline(play: Play) {
  const { random } = play
  await opening(play, [20_000, 8_000, 3_000])
  const child = random.pick([0, 1])
  const away = boxAt(play, 0)
  if (random.chance(0.6)) await play.sell(away, child)
  if (!play.act()) return {}
  away.cable.plugged = false
  play.tell(`${away.name}: the cable is out`)
  await play.nap(500, 30_000)
  await play.block(child)
  if (random.chance(0.6) && play.act()) {
    const there = boxAt(play, 1)
    await play.nap(11_000, 14_000)
    there.cable.plugged = false
    play.tell(`${there.name}: the cable is out, after it has heard of the block`)
  }
  await all(play, async (box) => {
    for (let act = 0; act < 4 && play.goesOn(); act++) {
      await play.sell(box, random.pick([child, child, 2]))
      await play.nap(1_000, 20_000)
    }
  })
  if (random.chance(0.3) && play.act()) await play.activate(child)
  for (const { cable } of play.boxes) cable.plugged = true
  play.tell('the cables are in again')
  await play.nap(11_000, 25_000)
  for (let act = 0; act < 2 && play.goesOn(); act++) await play.sell(away, child)
  return {}
}

export async function closedWhileOffline(play: Play) {
  const { random } = play
  await opening(play, [20_000, 8_000, 3_000])
  const child = random.pick([0, 1])
  const category = random.pick(['food', 'drink'])
  const [away, there] = [boxAt(play, 0), boxAt(play, 1)]
  if (!play.act()) return {}
  away.cable.plugged = false
  play.tell(`${away.name}: the cable is out`)
  await play.nap(500, 5_000)
  await play.close(child, category, true)
  await play.nap(11_000, 14_000)
  if (random.chance(0.7) && play.act()) {
    there.cable.plugged = false
    play.tell(`${there.name}: the cable is out, after it has heard of what is closed`)
  }
  await all(play, async (box) => {
    for (let act = 0; act < 4 && play.goesOn(); act++) {
      await play.sell(box, random.pick([child, child, 2]), { products: random.pick([1, 1, 2]) })
      await play.nap(1_000, 20_000)
    }
  })
  if (random.chance(0.3) && play.act()) await play.close(child, category, false)
  for (const { cable } of play.boxes) cable.plugged = true
  play.tell('the cables are in again')
  await play.nap(11_000, 25_000)
  for (let act = 0; act < 2 && play.goesOn(); act++) await play.sell(away, child)
  return {}
}

/** The worker goes in the middle of calls, forgets what it had in memory, and comes back. */
export async function workerKilled(play: Play) {
  const { misfortune, network } = play
  let workerDeaths = 0
  await opening(play, [20_000, 8_000, 3_000, 900])
  const until = play.world.now() + 45_000
  const killing = (async () => {
    while (play.world.now() < until && play.goesOn()) {
      await play.world.sleep(misfortune.between(500, 9_000))
      if (!play.act()) break
      workerDeaths += 1
      play.tell('the worker is killed')
      network.host.restarted = true
      network.host.up = false
      // What it was at is in the database or is not; nobody is told.
      await play.world.sleep(misfortune.between(200, 6_000))
      network.host.up = true
      play.tell('the worker is back')
    }
  })()
  const cut = faultyDatabase(misfortune, 0.15)
  network.host.trouble = () => {
    const trouble = cut()
    return trouble && { ...trouble, stallMs: 0 }
  }
  await all(play, (box) => counter(play, box, { acts: 6, children: [0, 1, 2, 3], pause: [300, 4_000] }))
  await killing
  return { workerDeaths }
}

export async function database(play: Play) {
  play.network.host.trouble = faultyDatabase(play.misfortune, 0.35)
  await opening(play, [20_000, 8_000, 3_000, 900])
  await all(play, (box) => counter(play, box, { acts: 6, children: [0, 1, 2, 3] }))
  return {}
}

/**
 * The database is put back to what it was some minutes ago, and the tills tell it again: one what it sold without the
 * network in between, one perhaps by its sync alone, since nobody buys there any more. Each may die as it does so.
 */
export async function restored(play: Play) {
  const { misfortune } = play
  await opening(play, [20_000, 8_000, 3_000, 1_500])
  const some = (acts: number, idle?: Box) =>
    all(play, async (box) => {
      if (box !== idle) await counter(play, box, { acts, children: [0, 1, 2, 3], around: () => on(play, box) })
    })
  await some(2)
  const restore = await play.world.real(() => play.town.keep())
  // What it brought is gone with the database, and what was bought for it is refused when it is told again.
  for (const child of [2, 3]) if (misfortune.chance(0.7)) await play.deposit(child, 3_000)
  const cut = boxAt(play, 0)
  cut.cable.plugged = false
  play.tell(`${cut.name}: the cable is out`)
  if (misfortune.chance(0.3) && play.act()) diesSoon(play, cut, 200)
  await some(3)
  cut.cable.plugged = true
  play.tell(`${cut.name}: the cable is in again`)
  // Mostly everything has been told before, now and then not.
  await play.world.sleep(misfortune.pick([40_000, 40_000, 200]))
  if (!play.act()) return {}
  await play.world.real(restore)
  play.network.host.restarted = true
  play.answers.clear() // It forgets what it has answered, and may decide otherwise.
  play.tell('the database is put back to what it was')
  const idle = misfortune.chance(0.6) ? misfortune.pick(play.boxes) : undefined
  if (idle) play.tell(`${idle.name}: nobody buys here any more`)
  const doomed = play.boxes.filter(() => misfortune.chance(0.6) && play.act())
  await Promise.all([some(3, idle), ...doomed.map((box) => diesTelling(play, box))])
  await play.world.sleep(20_000)
  for (const box of play.boxes) await on(play, box)
  await play.world.sleep(40_000)
  return {}
}

const diesSoon = ({ misfortune }: Play, box: Box, steps: number) =>
  box.diesIn(misfortune.between(0, steps), misfortune.pick(['power', 'killed']))

/** It dies some steps after it has begun to tell the worker something, if it does so at all. */
async function diesTelling(play: Play, box: Box) {
  const until = play.world.now() + 15_000
  while (play.world.now() < until && box.look((journal) => journal.unanswered(1).length) === 0)
    await play.world.sleep(10)
  diesSoon(play, box, 60)
}

/** The plug is put in again where it was pulled. */
async function on(play: Play, box: Box) {
  if (box.isOn()) return
  box.powerOn()
  await play.world.sleep(8_000)
}

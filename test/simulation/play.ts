import { uuidv7 } from '../../shared/uuidv7.ts'
import { type Box, boxOf } from './box.ts'
import type { Card, Haste } from './card.ts'
import { Disk } from './disk.ts'
import { type Network, network } from './network.ts'
import { randomOf } from './random.ts'
import { unplugAll } from './sqlite.ts'
import { TOWN_BUILT_AT, type Town } from './town.ts'
import { type Laid, witness } from './witness.ts'
import type { WorkerProcess } from './worker-call.ts'
import { type World, world as worldOf } from './world.ts'

/** How many products, whether the card is laid on twice, and which card if not the child's own. */
type Buying = { products?: number; twice?: boolean; shown?: Card }

/** One seed's municipality, with its people, its terminals and everything that goes wrong there. */
export type Play = ReturnType<typeof playOf>

/** Some hours after the town was built, on another day. */
const BEGINS_AT = TOWN_BUILT_AT + 26 * 3_600_000
const DRAINED_WITHIN_MS = 20 * 60_000

export function playOf({
  seed,
  town,
  worker,
  boxCount,
  actsMax,
}: {
  seed: number
  town: Town
  worker: WorkerProcess
  boxCount: number
  /** After so many deeds of people and misfortune nothing more happens; to find the shortest story that fails. */
  actsMax: number
}) {
  const world: World = worldOf(BEGINS_AT)
  const random = randomOf(seed, 'people')
  const misfortune = randomOf(seed, 'misfortune')
  const eyes = witness(world, town.products)
  const { tell } = eyes
  const net: Network = network(world, worker, randomOf(seed, 'network'), eyes.heard)

  const wired = (name: string, { enrolment, key }: Town['terminals'][number], disk: Disk) =>
    boxOf({
      name,
      world,
      enrolment,
      key,
      onlooker: eyes.onlooker,
      random: randomOf(seed, name),
      disk,
      cable: net.cable(name),
    })

  const boxes = town.terminals
    .slice(0, boxCount)
    .map((terminal, index) => wired(`till ${index + 1}`, terminal, new Disk()))

  /** Whether something more may happen. */
  let acts = 0
  const goesOn = () => acts < actsMax
  const act = () => {
    acts += 1
    return acts <= actsMax
  }

  const nap = (least: number, most: number) => world.sleep(random.between(least, most))

  /** The cards that have a memory which the reader can write to, by child, and how hastily they are taken away. */
  const cards = new Map<number, Card>()
  const haste: Haste = { reading: 0, writing: 0 }

  let purchases = 0

  function lay(box: Box, child: number, purchase: number | null, shown = cards.get(child)) {
    const { uid, hash } = childOf(child)
    const undo = purchase === null
    const laid: Laid = { purchase, box: box.name, child, card: hash, at: world.now(), sales: [], undo }
    eyes.laidCards.push(laid)
    box.lay(laid, uid, shown?.memory(world, random, haste) ?? null)
  }

  const childOf = (child: number) => {
    const found = town.children[child]
    if (!found) throw new RangeError(`there is no child ${child}`)
    return found
  }

  /** Waits until the display shows something of this kind, for a while. */
  async function shows(box: Box, kinds: readonly string[], patienceMs: number): Promise<boolean> {
    for (const until = world.now() + patienceMs; world.now() < until; await world.sleep(100)) {
      if (kinds.includes(box.view()?.kind ?? 'dark')) return true
    }
    return false
  }

  const staff = (path: string, body: unknown) => world.real(() => town.staff(world.now(), 'POST', path, body))

  return {
    seed,
    world,
    random,
    misfortune,
    town,
    boxes,
    network: net,
    ...eyes,
    cards,
    haste,
    workerBusyMs: () => worker.busyMs(),
    workerCalls: () => worker.calls(),
    query: (statements: Parameters<WorkerProcess['query']>[0]) => world.real(() => worker.query(statements)),
    goesOn,
    acts: () => acts,
    act,
    nap,

    /** A child buys something: staff press the product, and the child lays its card on. Resolves when there is an answer. */
    async sell(box: Box, child: number, { products = 1, twice = false, shown }: Buying = {}): Promise<void> {
      if (!act()) return
      if (!(await shows(box, ['sale', 'answer'], 3_000))) return
      for (let tries = 0; box.view()?.kind === 'answer' && tries < 3; tries++) {
        box.press({ kind: 'dismiss' })
        await nap(150, 300)
      }
      const view = box.view()
      if (view?.kind !== 'sale') return
      if (view.cart.length > 0) box.press({ kind: 'clear' })
      for (let each = 0; each < products; each++) {
        box.press({ kind: 'product', index: random.between(0, 2) })
        await nap(120, 400)
      }
      if (box.view()?.kind !== 'sale') return
      tell(
        `${box.name}: ${shown ? `a copy of child ${child + 1}'s card is laid on` : `child ${child + 1} lays its card on`}`,
      )
      purchases += 1
      const purchase = purchases
      lay(box, child, purchase, shown)
      if (twice) {
        await nap(30, 900)
        lay(box, child, purchase)
      }
      await shows(box, ['answer'], 6_000)
    },

    /** Staff undo what was sold last. */
    async undo(box: Box, child: number): Promise<void> {
      if (!act()) return
      if (!(await shows(box, ['sale', 'answer'], 2_000))) return
      if (box.view()?.kind === 'answer') {
        box.press({ kind: 'dismiss' })
        await nap(150, 300)
      }
      tell(`${box.name}: staff undo the sale of child ${child + 1}`)
      box.press({ kind: 'undo' })
      await nap(150, 400)
      lay(box, child, null)
      await shows(box, ['answer'], 4_000)
    },

    /** Another box, with what is on a copied card. What either of the two says is not held against the sales any more. */
    twin(of: Box, disk: Disk): Box {
      const index = boxes.indexOf(of)
      const terminal = town.terminals[index]
      if (!terminal) throw new RangeError('only a terminal of the town can be copied')
      const box = wired(`copy of ${of.name}`, terminal, disk)
      for (const { name } of [of, box]) eyes.forgotten.add(name)
      boxes.push(box)
      return box
    },

    async deposit(child: number, amount: number): Promise<void> {
      tell(`${amount / 100} kr are put into the account of child ${child + 1}`)
      const id = uuidv7(world.now(), random.bytes(16))
      await staff(`/accounts/${childOf(child).account}/credit`, { id, amount, reason: 'Indbetaling' })
    },

    /** What the tills may do without an answer, from their next sync on. */
    async caps(offline: Record<string, number | string[]>): Promise<void> {
      await staff('/settings', { offline })
      tell(`the caps are ${JSON.stringify(offline)} now`)
    },

    async block(child: number): Promise<void> {
      await staff(`/cards/${childOf(child).card}/block`, {})
      eyes.blockedAt.set(child, world.now())
      tell(`the card of child ${child + 1} is blocked`)
    },

    async activate(child: number): Promise<void> {
      await staff(`/cards/${childOf(child).card}/activate`, {})
      eyes.blockedAt.delete(child)
      tell(`the card of child ${child + 1} is active again`)
    },

    /** A guardian closes a category of products for a child, or opens it again, in the way that the portal does. */
    async close(child: number, category: string, closed: boolean): Promise<void> {
      const { account } = childOf(child)
      const guardian = {
        sql: `INSERT INTO guardian (id, issuer, subject, language, created_at, logged_in_at)
        VALUES (1, 'broker', 'one', 'da', 0, 0) ON CONFLICT DO NOTHING`,
      }
      const change = closed
        ? { sql: `INSERT INTO closed_category VALUES (${account}, ?, 1, ${world.now()})`, bind: [category] }
        : { sql: `DELETE FROM closed_category WHERE account = ${account} AND category = ?`, bind: [category] }
      const told = { sql: `UPDATE card SET version = (SELECT max(version) + 1 FROM card) WHERE account = ${account}` }
      await world.real(() => worker.query([guardian, change, told]))
      if (closed) eyes.closedAt.set(`${child} ${category}`, world.now())
      else eyes.closedAt.delete(`${child} ${category}`)
      tell(`${category} is ${closed ? 'closed for' : 'open again for'} child ${child + 1}`)
    },

    /** Everything works again; resolves when nothing waits any more, to how long that took in ms, or null if it does. */
    async heal(leaveOut: readonly Box[] = []): Promise<number | null> {
      net.host.up = true
      net.host.trouble = () => null
      for (const box of boxes) {
        box.cable.plugged = true
        box.cable.weather = { lost: 0, answerLost: 0, twice: 0, late: 0, slow: 0 }
        box.disk.health = 'well'
        box.disk.failAfter = null
        box.displayWorks = true
        box.spare()
        if (!leaveOut.includes(box)) box.powerOn()
      }
      const from = world.now()
      const quiet = () =>
        net.underWay().calls === 0 &&
        boxes.every(
          (box) =>
            leaveOut.includes(box) ||
            (box.view() !== null && box.look((journal) => journal.unanswered(1).length === 0) === true),
        )
      while (!quiet()) {
        if (world.now() - from > DRAINED_WITHIN_MS) return null
        await world.sleep(250)
      }
      const took = world.now() - from
      await world.sleep(3_000)
      // What comes much later comes to a worker whose tills have closed.
      for (const box of boxes) box.close()
      while (net.underWay().repetitions > 0) await world.sleep(1_000)
      return took
    },

    end() {
      for (const box of boxes) box.scrap()
      unplugAll()
    },
  }
}

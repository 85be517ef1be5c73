import type { Play } from './play.ts'
import type { Town } from './town.ts'
import type { WorkerProcess } from './worker-call.ts'

/** What the ledger holds of a sale. */
type Charged = {
  sale: string
  terminal: string
  charged: number
  back: number
  posts: number
}

const SALES = `
SELECT paid.id AS sale, min(message.terminal) AS terminal, paid.amount AS charged, coalesce(back.amount, 0) AS back,
  (SELECT count(*) FROM posting WHERE posting.transfer = paid.id) AS posts
FROM transfer AS paid
JOIN message ON message.sale = paid.id
LEFT JOIN transfer AS back ON back.id = paid.id || ':reversal'
WHERE paid.kind = 'purchase' GROUP BY paid.id`

/** Wallets that a request, and no advice, took below their floor or beyond their daily limit. */
const OVERSPENT = `
SELECT posting.account, max(account.floor - posting.balance, 0) AS ore FROM posting
JOIN account ON account.id = posting.account AND account.kind = 'wallet'
JOIN transfer ON transfer.id = posting.transfer AND transfer.kind = 'purchase'
WHERE posting.amount < 0 AND posting.balance < account.floor
  AND NOT EXISTS (SELECT 1 FROM message WHERE message.sale = transfer.id AND message.kind = 'advice'
                  AND message.outcome = 'approved')
UNION ALL
SELECT posting.account, posting.spent - account.daily_limit FROM posting
JOIN account ON account.id = posting.account AND account.kind = 'wallet'
JOIN transfer ON transfer.id = posting.transfer AND transfer.kind = 'purchase'
WHERE posting.amount < 0 AND posting.spent > account.daily_limit
  AND NOT EXISTS (SELECT 1 FROM message WHERE message.sale = transfer.id AND message.kind = 'advice'
                  AND message.outcome = 'approved')`

/** Messages that were received before one with a lower number, or posted before it. */
const DISORDER = `
SELECT later.terminal, later.seq FROM message AS later
JOIN message AS earlier ON earlier.terminal = later.terminal AND earlier.seq = later.seq - 1
WHERE later.received_at < earlier.received_at
UNION ALL
SELECT later.terminal, later.seq FROM message AS later
JOIN message AS earlier ON earlier.terminal = later.terminal AND earlier.seq < later.seq
  AND earlier.kind = 'request' AND earlier.outcome = 'approved' AND later.outcome = 'approved'
JOIN posting AS late ON late.transfer = later.sale AND later.kind = 'request'
JOIN posting AS early ON early.transfer = earlier.sale AND early.account = late.account
WHERE late.seq < early.seq`

/** What was sold by an advice and would have been refused: the club's loss. */
const LOSSES = `
SELECT message.terminal, message.card, message.amount FROM message
WHERE message.kind = 'advice' AND message.outcome = 'approved' AND message.reason IS NOT NULL
  AND NOT EXISTS (SELECT 1 FROM message AS undone WHERE undone.sale = message.sale AND undone.kind = 'reversal')`

export type Verdict = {
  sales: number
  approved: number
  goodsWithoutDebit: number
  debitWithoutGoods: number
  doubleCharges: number
  overspentOre: number
  doublePosts: number
  wrongOrder: number
  violations: number
  losses: { terminal: string; card: string; amount: number }[]
}

/** Holds what people saw against what the ledger holds, after everything has been delivered. */
export async function judge(play: Play, town: Town, worker: WorkerProcess): Promise<Verdict> {
  const { world, boxes, seen, fail, forgotten } = play
  const [charged, overspent, disorder, losses] = (await world.real(() =>
    worker.query([{ sql: SALES }, { sql: OVERSPENT }, { sql: DISORDER }, { sql: LOSSES }]),
  )) as [Charged[], { account: number; ore: number }[], unknown[], Verdict['losses']]
  const verdict: Verdict = {
    sales: 0,
    approved: 0,
    goodsWithoutDebit: 0,
    debitWithoutGoods: 0,
    doubleCharges: 0,
    overspentOre: 0,
    doublePosts: 0,
    wrongOrder: disorder.length,
    violations: 0,
    losses,
  }
  const nameOf = new Map(boxes.map(({ name, enrolment }) => [enrolment.terminal, name]))
  const charges = new Map(charged.map((each) => [each.sale, each]))

  for (const sight of seen.values()) {
    if (forgotten.has(sight.box)) continue
    verdict.sales += 1
    if (sight.approvedAt !== null) verdict.approved += 1
    const charge = charges.get(sight.sale)
    const net = charge ? charge.charged - charge.back : 0
    const about = [sight.box, sight.sale]
    if (sight.approvedAt !== null && !sight.undoAsked && net !== sight.amount) {
      verdict.goodsWithoutDebit += 1
      fail('goods without debit', `${sight.box} handed over ${sight.amount} øre, and ${net} are charged`, ...about)
    }
    if (sight.undoneAt !== null && net !== 0) {
      verdict.debitWithoutGoods += 1
      fail('debit without goods', `${sight.box} undid a sale, and ${net} øre stay charged`, ...about)
    }
    if (sight.declinedAt !== null && sight.approvedAt === null && net !== 0) {
      play.counts.flips += 1
      fail('flips', `${sight.box} said no, and ${net} øre are charged`, ...about)
    }
  }
  for (const { sale, charged: amount, back, posts, terminal } of charged) {
    const box = nameOf.get(terminal) ?? terminal
    if (posts !== 2) {
      verdict.doublePosts += 1
      fail('double posts', `a sale of ${box} has ${posts} postings`, box, sale)
    }
    if (forgotten.has(box)) continue
    if (amount > back && (seen.get(sale)?.approvedAt ?? null) === null) {
      verdict.debitWithoutGoods += 1
      fail('debit without goods', `${amount} øre are charged for a sale that ${box} never showed`, box, sale)
    }
  }
  const paidFor = new Map<number, string[]>()
  for (const { purchase, box, sales } of play.laidCards) {
    if (purchase === null) continue
    const paid = paidFor.get(purchase) ?? []
    paidFor.set(purchase, paid)
    for (const sale of sales) {
      const charge = charges.get(sale)
      if (!charge || charge.charged <= charge.back || paid.push(sale) < 2) continue
      verdict.doubleCharges += 1
      fail('double charges', `purchase ${purchase} at ${box} was paid ${paid.length} times`, box, ...paid)
    }
  }
  for (const { account, ore } of overspent) {
    verdict.overspentOre += ore
    fail('overspend online', `account ${account} was overspent by ${ore} øre`)
  }
  if (disorder.length > 0) fail('wrong order', `${disorder.length} messages are booked out of order`)
  const check = await world.real(() =>
    town.staff<{ violations: { invariant: string; subject: string }[] }>(world.now(), 'GET', '/ledger/check'),
  )
  verdict.violations = check.violations.length
  for (const { invariant, subject } of check.violations) fail('ledger', `${invariant}: ${subject}`)
  return verdict
}

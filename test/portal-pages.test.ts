import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { violations } from './browser/axe.ts'
import { COMBINATIONS } from './browser/combinations.ts'
import { CARDS, paymentPage } from './browser/payment.ts'
import type { Language, Portal } from './browser/portal.ts'
import { openStage, type Stage } from './browser/stage.ts'
import { commandLine } from './local/command-line.ts'
import { type PersonKey, person } from './local/persons.ts'

const WIDTHS = [360, 1280]
const HEIGHT = 800

let stage: Stage
/** What the office writes and reads. */
let folder: string

beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'klubkort-pages-'))
  stage = await openStage()
})
afterAll(async () => {
  await stage?.close()
  await rm(folder, { recursive: true, force: true })
})

/** Something that the office does at its command line meanwhile; resolves to what it is told. */
async function office(...args: string[]) {
  const { url, token } = stage.place
  const { code, out, err } = await commandLine({ url, token, folder })(...args, '--json')
  expect(code, `klubkort ${args.join(' ')}: ${out}${err}`).toBe(0)
  return JSON.parse(out)
}

type Order = { id: string; account: number; child: { name: string } }
const orderPage = ({ account, id }: Order) => `/konto/${account}/nyt-kort/${id}`

/** Ends all orders, so that another card can be ordered, which costs `fee`. */
async function cardsCost(fee: string) {
  const { orders } = await office('order', 'list')
  for (const { id } of orders) await office('order', 'cancel', id)
  await office('settings', 'set', '--card-fee', fee)
}

async function childNamed(name: string): Promise<string> {
  const { children } = await office('child', 'list', '--name', `${name} Prøvebarn`)
  return String(children[0]?.id)
}

/** A club begins a replacement for Bo on the same day, and a guardian opens its page. */
async function replaced(portal: Portal, fee: string): Promise<Order> {
  await cardsCost(fee)
  const order = await office('card', 'replace', '--child', await childNamed('Bo'), '--site', '1')
  await portal.open(orderPage(order))
  return order
}

/** The other guardian decides before this one does. */
async function approvedByOther(portal: Portal) {
  const order = await replaced(portal, '1')
  const other = await stage.visit({ language: portal.language, width: 1280 })
  await other.logIn('two_children')
  await other.open(orderPage(order))
  await other.press(other.language === 'da' ? 'Godkend, og betal 1,00 kr.' : 'Approve and pay 1,00 kr.')
  await other.close()
}

/** A guardian orders a card for Bo, which comes by post. */
async function orderedByPost(portal: Portal): Promise<void> {
  const da = portal.language === 'da'
  await cardsCost('0')
  const { account } = await office('child', 'show', await childNamed('Bo'))
  await portal.open(`/konto/${account}/nyt-kort`)
  await portal.page.getByLabel(da ? 'Vej og husnummer' : 'Street and number').fill('Prøvevej 1, 2. th.')
  await portal.page.getByLabel(da ? 'Postnummer' : 'Postal code').fill('4000')
  await portal.page.getByLabel(da ? 'By' : 'City', { exact: true }).fill('Prøveby')
  await portal.page.getByLabel(portal.labels.accept).check()
  await portal.press(portal.labels.next)
}

/** The roster brings a child of the guardian who shares Bo, and orders its first card; others are still there. */
const enrolled = new Set<string>()
async function firstOrder(portal: Portal): Promise<Order> {
  const name = portal.language === 'da' ? 'Gry Prøvebarn' : 'Hans Prøvebarn'
  if (!enrolled.has(name)) {
    enrolled.add(name)
    const guardian = person('shares_a_child').cpr
    const rows = [...enrolled].map((child) => `${child};24-05-2016;Eksempelskolen;Klub Eksempel;${guardian}`)
    await writeFile(join(folder, 'elever.csv'), ['barn;fødselsdag;skole;klub;værge1_cpr', ...rows, ''].join('\r\n'))
    await office('roster', 'import', 'elever.csv', '--yes')
  }
  const { orders } = await office('order', 'list')
  return orders.find((one: Order) => one.child.name === name)
}

/** The producer makes every card that is ordered. */
let made = 0
async function produce() {
  await office('order', 'export', '--out', `batch-${made}.csv`)
  const [, ...lines] = (await readFile(join(folder, `batch-${made}.csv`), 'utf8')).trim().split('\r\n')
  const cards = lines.map((line) => `${line.split(';')[0]};04c0ffee${String(++made).padStart(6, '0')}`)
  await writeFile(join(folder, 'produced.csv'), ['number;uid', ...cards, ''].join('\r\n'))
  await office('card', 'import', 'produced.csv')
}

const idIn = ({ page }: Portal) => new URL(page.url()).pathname.split('/').at(-1) ?? ''

/** Opens every box of a page that can be opened. */
async function unfold({ page }: Portal) {
  const closed = page.locator('main details:not([open]) > summary')
  while ((await closed.count()) > 0) await closed.first().click()
}

/** The address of a page of the account that is shown now. */
async function addressOf({ page }: Portal, item: string): Promise<string> {
  const href = await page.locator('.portal-menu').getByRole('link', { name: item, exact: true }).getAttribute('href')
  return href ?? ''
}

/** Fills the form of Indbetaling that is open, and goes on. */
async function fillIn({ page, labels, press }: Portal, amount: string) {
  await page.getByLabel(labels.mail).fill('anna@klubkort.example')
  await page.getByLabel(labels.amount, { exact: true }).fill(amount)
  await page.getByLabel(labels.accept).check()
  await press(labels.next)
}

/** To Stripe's page, for a deposit. */
async function payIn(portal: Portal) {
  await portal.choose(portal.labels.deposit)
  const receipt = `${await addressOf(portal, portal.labels.deposit)}/${await portal.page.locator('[name=id]').inputValue()}`
  await fillIn(portal, '100')
  return { receipt, stripe: paymentPage(portal) }
}

async function atTopUp(portal: Portal) {
  await portal.choose(portal.labels.deposit)
  await portal.press(portal.labels.topUp, portal.page.locator('.tab-list'))
}

/** To Stripe's page, for an agreement. */
async function agree(portal: Portal) {
  await atTopUp(portal)
  await fillIn(portal, '200')
  await portal.press(person('two_children').label)
  return paymentPage(portal)
}

async function openOrder(portal: Portal) {
  await office('settings', 'set', '--card-fee', '45') // In the other language it may have come to be free.
  await portal.choose(portal.labels.profile)
  await portal.press(portal.language === 'da' ? 'Bestil nyt kort' : 'Order a new card')
}

async function openPayout(portal: Portal) {
  await portal.open('/konti')
  await portal.press(portal.language === 'da' ? 'Udbetal' : 'Pay out')
}

/** Fills in the form of a payout of one krone, as far as its summary. */
async function fillPayout(portal: Portal) {
  const da = portal.language === 'da'
  await openPayout(portal)
  await portal.page.getByLabel(da ? 'Registreringsnummer' : 'Registration number').fill('1234')
  await portal.page.getByLabel(da ? 'Kontonummer' : 'Account number').fill('1234567')
  await portal.page.getByLabel(da ? 'Beløb' : 'Amount').fill('1')
  await portal.press(da ? 'Næste' : 'Next')
}

/** A page in one of its states: what it is called, how one comes to it, and what shows that one has come. */
type State = [name: string, come: (portal: Portal) => Promise<void>, has?: string]

/** States under one heading, which somebody sees, or anybody who is not logged in. */
type Pages = { heading: Record<Language, string>; who: PersonKey | null; states: State[] }

const pages = (da: string, en: string, who: PersonKey | null, ...states: State[]): Pages => ({
  heading: { da, en },
  who,
  states,
})

const opening = (path: string) => (portal: Portal) => portal.open(path)
const choosing = (item: 'deposit' | 'profile' | 'support') => (portal: Portal) => portal.choose(portal.labels[item])

const PAGES: Pages[] = [
  pages('Log ind', 'Log on', null, ['the log-in page', opening('/log-ind')]),
  pages('Du er logget ud', 'You have been logged out', null, ['the page after log-out', opening('/log-ind?farvel=1')]),
  pages('Du afbrød log-in', 'You cancelled the log-on', null, [
    'a log-in that was cancelled',
    async (portal) => {
      await portal.open('/log-ind')
      await portal.press(portal.labels.logIn)
      await portal.press('Afbryd')
    },
    '.alert-error',
  ]),
  pages('Sikringsniveauet er for lavt', 'The level of assurance is too low', null, [
    'a log-in at too low a level of assurance',
    async (portal) => {
      await portal.open('/log-ind')
      await portal.identify('low_assurance')
    },
    '.alert-error',
  ]),
  pages('Log-in tog for lang tid', 'The log-on took too long', null, [
    'an answer that belongs to no log-in',
    opening('/log-ind/svar?code=a&state=b'),
    '.alert-error',
  ]),
  pages('Handelsbetingelser', 'Terms and conditions', null, [
    'the terms',
    opening('/handelsbetingelser'),
    '.publication h2',
  ]),
  pages('Tilgængelighed', 'Accessibility', null, ['the accessibility statement', opening('/was'), '.publication h2']),
  pages('Privatliv', 'Privacy', null, ['the privacy statement', opening('/privatliv'), '.publication h2']),
  pages('Siden findes ikke', 'Page not found', null, ['an address that leads nowhere', opening('/findes-ikke')]),
  pages(
    'Konti',
    'Accounts',
    'two_children',
    ['Konti', opening('/konti'), '.movements li'],
    [
      'Konti with the accounts to choose from',
      async (portal) => {
        await portal.open('/konti')
        await portal.page.locator('.switcher summary').click()
      },
      '.switcher[open] nav a',
    ],
  ),
  pages(
    'Kontoudtog',
    'Statement',
    'two_children',
    [
      'Kontoudtog with everything unfolded',
      async (portal) => {
        await portal.choose(portal.labels.statement)
        await unfold(portal)
      },
      'details[open] table',
    ],
    [
      'Kontoudtog of an empty period',
      async (portal) => {
        await portal.open(`${await addressOf(portal, portal.labels.statement)}?fra=2020-01-01&til=2020-01-31`)
      },
    ],
    [
      'Kontoudtog with dates that are wrong',
      async (portal) => {
        await portal.open(`${await addressOf(portal, portal.labels.statement)}?fra=2026-02-30&til=1812-01-01&slags=x`)
      },
      '[role=alert] a',
    ],
  ),
  pages('Brugerinfo', 'User info', 'two_children', ['Brugerinfo', choosing('profile')]),
  pages(
    'Bestil nyt kort',
    'Order a new card',
    'two_children',
    ['Bestil nyt kort', openOrder, 'fieldset input[type=radio]'],
    [
      'Bestil nyt kort with nothing filled in',
      async (portal) => {
        await openOrder(portal)
        await portal.press(portal.language === 'da' ? 'Næste' : 'Next')
      },
      '[role=alert] a[href="#pay"]',
    ],
  ),
  pages(
    'Brugerinfo',
    'User info',
    'two_children',
    [
      'Brugerinfo with a limit that is no amount',
      async (portal) => {
        await portal.choose(portal.labels.profile)
        const box = portal.section(portal.labels.limit)
        await box.getByLabel(portal.labels.limitField).fill('mange penge')
        await portal.press(portal.labels.save, box)
      },
      '[role=alert] a',
    ],
    [
      'Brugerinfo with a mail address that is none',
      async (portal) => {
        await portal.choose(portal.labels.profile)
        const form = portal.page.locator('form', { has: portal.page.getByLabel(portal.labels.mail) })
        await form.getByLabel(portal.labels.mail).fill('@')
        await portal.press(portal.labels.save, form)
      },
      '[role=alert] a',
    ],
    [
      'Brugerinfo with a blocked card, unfolded',
      async (portal) => {
        await portal.choose(portal.labels.profile)
        await portal.press(portal.labels.block)
        await unfold(portal)
      },
      'main details[open]',
    ],
    [
      'Brugerinfo with the card activated again',
      async (portal) => {
        await portal.choose(portal.labels.profile)
        await portal.press(portal.labels.activate)
      },
      '[role=status]',
    ],
    [
      'Brugerinfo with a category closed',
      async (portal) => {
        await portal.choose(portal.labels.profile)
        await portal.press(portal.labels.closeSweets)
      },
      '[role=status]',
    ],
    [
      'Brugerinfo with the category open again',
      async (portal) => {
        await portal.choose(portal.labels.profile)
        await portal.press(portal.labels.openSweets)
      },
      '[role=status]',
    ],
  ),
  pages(
    'Indbetaling',
    'Deposit',
    'two_children',
    ['Indbetal', choosing('deposit'), '.tab-button[aria-current=page]'],
    [
      'Indbetal with nothing filled in',
      async (portal) => {
        await portal.choose(portal.labels.deposit)
        await portal.press(portal.labels.next)
      },
      '[role=alert] a[href="#accept"]',
    ],
  ),
  pages('Du afbrød betalingen', 'You cancelled the payment', 'two_children', [
    'a deposit that was cancelled',
    async (portal) => {
      const { stripe } = await payIn(portal)
      await stripe.cancel()
    },
    '.facts',
  ]),
  pages('Betalingen er ikke afsluttet endnu', 'The payment is not complete yet', 'two_children', [
    'a deposit that is waited for',
    async (portal) => {
      const { receipt } = await payIn(portal)
      await portal.open(receipt)
    },
    '.ways a',
  ]),
  pages('Kvittering', 'Receipt', 'two_children', [
    'the receipt of a deposit',
    async (portal) => {
      const { stripe } = await payIn(portal)
      await stripe.card(CARDS.good)
    },
    '[role=status]',
  ]),
  pages(
    'Indbetaling',
    'Deposit',
    'two_children',
    ['Automatisk optankning', atTopUp, 'main form [name=amount]'],
    [
      'Automatisk optankning with nothing filled in',
      async (portal) => {
        await atTopUp(portal)
        await portal.press(portal.labels.next)
      },
      '[role=alert] a[href="#amount"]',
    ],
    [
      'the form again after Stripe’s page was left',
      async (portal) => {
        const stripe = await agree(portal)
        await stripe.cancel()
      },
      'main:has(.alert-info) form [name=amount]',
    ],
    [
      'an agreement without its card, unfolded',
      async (portal) => {
        await atTopUp(portal)
        const tab = new URL(portal.page.url()).pathname
        await agree(portal)
        await portal.open(tab)
        await unfold(portal)
      },
      'main details[open]',
    ],
    [
      'an agreement in force, unfolded',
      async (portal) => {
        await atTopUp(portal)
        await portal.press(portal.language === 'da' ? 'Fortsæt hos Stripe' : 'Continue at Stripe')
        await paymentPage(portal).card(CARDS.good, 'store')
        await unfold(portal)
      },
      '.facts .badge-success',
    ],
    [
      'an agreement that was cancelled',
      async (portal) => {
        await atTopUp(portal)
        await unfold(portal)
        await portal.press(portal.labels.cancelAgreementYes)
      },
      '[role=status]',
    ],
  ),
  pages(
    'Udbetal',
    'Pay out',
    'two_children',
    ['Udbetal', openPayout],
    [
      'Udbetal with nothing in it',
      async (portal) => {
        await openPayout(portal)
        await portal.press(portal.language === 'da' ? 'Næste' : 'Next')
      },
      '[role=alert] a',
    ],
  ),
  pages('Kontrollér udbetalingen', 'Check the payout', 'two_children', [
    'the summary of a payout',
    fillPayout,
    'button.mitid-button',
  ]),
  pages('Du afbrød godkendelsen', 'You cancelled the approval', 'two_children', [
    'a payout whose approval was cancelled',
    async (portal) => {
      await fillPayout(portal)
      await portal.press(portal.language === 'da' ? 'Godkend med MitID' : 'Approve with MitID')
      await portal.press('Afbryd')
    },
    '.alert-error',
  ]),
  pages('Kvittering', 'Receipt', 'two_children', [
    'the receipt of a payout',
    async (portal) => {
      await fillPayout(portal)
      await portal.press(portal.language === 'da' ? 'Godkend med MitID' : 'Approve with MitID')
      await portal.press(person('two_children').label)
    },
    '[role=status]',
  ]),
  pages('Udbetal', 'Pay out', 'two_children', ['Udbetal with earlier payouts', openPayout, '.case-item .badge']),
  pages(
    'Support',
    'Support',
    'two_children',
    ['Support', choosing('support')],
    [
      'Support with an empty case',
      async (portal) => {
        await portal.choose(portal.labels.support)
        await portal.page.getByLabel(portal.labels.callMe).check()
        await portal.press(portal.labels.openCase)
      },
      '[role=alert] a',
    ],
  ),
  pages('Et spørgsmål', 'Et spørgsmål', 'two_children', [
    'a support case',
    async (portal) => {
      await portal.choose(portal.labels.support)
      await portal.page.getByLabel(portal.labels.subject).fill('Et spørgsmål')
      await portal.page.getByLabel(portal.labels.question).fill('Hvad er en bordfodbold?')
      await portal.press(portal.labels.openCase)
    },
    '[role=status]',
  ]),
  pages('Privatliv', 'Privacy', 'two_children', [
    'Privatliv of somebody who is logged in',
    async (portal) => {
      await portal.open('/privatliv')
      await unfold(portal)
    },
    '#viewings',
  ]),
  pages('Siden findes ikke', 'Page not found', 'two_children', [
    'an account that is somebody else’s',
    opening('/konto/3/brugerinfo'),
  ]),
  pages('Der er ingen konti at vise', 'There are no accounts to show', 'no_children', [
    'Konti of somebody without children',
    opening('/konti'),
  ]),
  pages('Support', 'Support', 'no_children', ['Support of somebody without children', opening('/support')]),
  pages('Der er ingen konti at vise', 'There are no accounts to show', 'no_cpr', [
    'Konti of somebody without a CPR number',
    opening('/konti'),
  ]),
  pages('Konti', 'Accounts', 'name_protected', [
    'Konti of somebody whose name is protected',
    opening('/konti'),
    '.movements li',
  ]),
  pages('Et spørgsmål', 'Et spørgsmål', 'two_children', [
    'a support case that is answered and closed',
    async (portal) => {
      const { cases } = await office('case', 'list')
      const { id } = cases.find(({ subject }: { subject: string }) => subject === 'Et spørgsmål')
      await office('case', 'answer', id, '--text', 'Et bord med stænger og en bold.')
      await office('case', 'close', id)
      await portal.choose(portal.labels.support)
      await portal.press('Et spørgsmål')
    },
    'text=Et bord med stænger og en bold.',
  ]),
  pages('Kontoudtog', 'Statement', 'two_children', [
    'Kontoudtog with a purchase that was refunded',
    async (portal) => {
      const child = await childNamed('Ada')
      await stage.buy('Ada Prøvebarn', 'Frugt')
      const { sales } = await office('sale', 'find', '--child', child)
      await office('sale', 'refund', sales[0].id, '--reason', 'Frugten var dårlig')
      const { account } = await office('child', 'show', child)
      await portal.open(`/konto/${account}/kontoudtog`)
      await unfold(portal)
    },
    'td:has-text("Frugten var dårlig")',
  ]),
  pages('Konti', 'Accounts', 'two_children', [
    'Konti with a purchase that was refunded',
    opening('/konti'),
    '.movements li:has-text("Frugten var dårlig")',
  ]),
  pages('Konti', 'Accounts', 'shares_a_child', [
    'Konti with a card to approve',
    async (portal) => {
      await replaced(portal, '1')
      await portal.open('/konti')
    },
    '.account .alert-warning a',
  ]),
  pages(
    'Godkend et nyt kort',
    'Approve a new card',
    'shares_a_child',
    [
      'a card to approve, with enough money',
      async (portal) => {
        await replaced(portal, '1')
      },
      'form[action$="/godkend"] .button-primary',
    ],
    [
      'a card to approve, with too little money',
      async (portal) => {
        await replaced(portal, '100000')
      },
      'main:not(:has(form[action$="/godkend"])) form[action$="/afvis"]',
    ],
    [
      'a card to approve, without a fee',
      async (portal) => {
        await replaced(portal, '0')
      },
      'form[action$="/godkend"] .button-primary',
    ],
  ),
  pages('Det nye kort kan hentes', 'The new card can be collected', 'shares_a_child', [
    'a card that was approved, without a fee',
    async (portal) => {
      await replaced(portal, '0')
      await portal.press(portal.language === 'da' ? 'Godkend' : 'Approve')
    },
    '.alert-success',
  ]),
  pages('Det nye kort kan hentes', 'The new card can be collected', 'shares_a_child', [
    'a card that the other guardian has approved meanwhile',
    async (portal) => {
      await approvedByOther(portal)
      await portal.press(portal.language === 'da' ? 'Godkend, og betal 1,00 kr.' : 'Approve and pay 1,00 kr.')
    },
    '.alert-warning',
  ]),
  pages('Bestillingen er annulleret', 'The order has been cancelled', 'shares_a_child', [
    'a card that was refused',
    async (portal) => {
      await replaced(portal, '1')
      await portal.press(portal.language === 'da' ? 'Afvis' : 'Refuse')
    },
    '.alert-info',
  ]),
  pages('Det nye kort er fremstillet', 'The new card has been produced', 'shares_a_child', [
    'a card that will be posted',
    async (portal) => {
      await orderedByPost(portal)
      await produce()
      await portal.page.reload()
    },
    '.facts',
  ]),
  pages('Det nye kort er sendt', 'The new card has been sent', 'shares_a_child', [
    'a card that is in the post',
    async (portal) => {
      await orderedByPost(portal)
      await produce()
      await office('order', 'send', idIn(portal))
      await portal.page.reload()
    },
    'form[action$="/modtaget"] .button-primary',
  ]),
  pages('Det nye kort er udleveret', 'The new card has been handed out', 'shares_a_child', [
    'a card that has come by post',
    async (portal) => {
      await orderedByPost(portal)
      await produce()
      await office('order', 'send', idIn(portal))
      await portal.page.reload()
      await portal.press(portal.language === 'da' ? 'Jeg har modtaget kortet' : 'I have received the card')
    },
    '.alert-success',
  ]),
  pages('Det nye kort er bestilt', 'The new card has been ordered', 'shares_a_child', [
    'a first card that is ordered',
    async (portal) => portal.open(orderPage(await firstOrder(portal))),
    '.facts',
  ]),
  pages('Brugerinfo', 'User info', 'shares_a_child', [
    'Brugerinfo of a child whose first card is to come',
    async (portal) => portal.open(`/konto/${(await firstOrder(portal)).account}/brugerinfo`),
    'section[aria-labelledby=cards] .badge-info',
  ]),
  pages('Det nye kort er fremstillet', 'The new card has been produced', 'shares_a_child', [
    'a first card that is produced',
    async (portal) => {
      const order = await firstOrder(portal)
      await produce()
      await portal.open(orderPage(order))
    },
    '.facts',
  ]),
  pages('Det nye kort er sendt', 'The new card has been sent', 'shares_a_child', [
    'a first card that is on its way to the club',
    async (portal) => {
      const order = await firstOrder(portal)
      await office('order', 'send', order.id)
      await portal.open(orderPage(order))
    },
    'main:not(:has(form[action$="/modtaget"])) .facts',
  ]),
  pages('Det nye kort er udleveret', 'The new card has been handed out', 'shares_a_child', [
    'a first card that is handed out',
    async (portal) => {
      const order = await firstOrder(portal)
      await office('order', 'hand-out', order.id, '--as-produced')
      await portal.open(orderPage(order))
    },
    '.facts',
  ]),
  pages('Du er blevet logget ud', 'You have been logged out', 'shares_a_child', [
    'a form whose session has ended',
    async (portal) => {
      await portal.choose(portal.labels.profile)
      stage.idle()
      await portal.press(portal.labels.save, portal.section(portal.labels.limit))
    },
    '.mitid-button',
  ]),
]

const LANGUAGES = [...new Set(COMBINATIONS.map(({ language }) => language))]

describe.each<Language>(LANGUAGES)('in %s', (language) => {
  const combinations = COMBINATIONS.filter((one) => one.language === language)
  const own = combinations[0]?.width ?? 0
  const visitors = new Map<PersonKey | null, Portal>()

  async function visitor(who: PersonKey | null): Promise<Portal> {
    const before = visitors.get(who)
    if (before) return before
    const portal = await stage.visit({ language, width: own, javaScript: true })
    visitors.set(who, portal)
    if (who !== null) await portal.logIn(who)
    else await portal.speak()
    return portal
  }

  afterAll(async () => {
    for (const portal of visitors.values()) await portal.close()
  })

  test.for(PAGES.flatMap(({ states, ...page }) => states.map(([name, come, has]) => ({ ...page, name, come, has }))))(
    '$name is accessible, and fits the window',
    async ({ heading, who, name, come, has }) => {
      const portal = await visitor(who)
      const faults = portal.watch.faults().length
      await come(portal)
      expect(await portal.heading()).toBe(heading[language])
      if (has) expect(await portal.page.locator(has).first().isVisible()).toBe(true)
      const found: string[] = []
      for (const width of WIDTHS) {
        await portal.page.setViewportSize({ width, height: HEIGHT })
        const wrong = await portal.unsound()
        if (combinations.some((one) => one.width === width)) wrong.push(...(await violations(portal.page)))
        found.push(...wrong.map((what) => `${name}, ${width} px: ${what}`))
      }
      await portal.page.setViewportSize({ width: own, height: HEIGHT })
      expect(found).toEqual([])
      expect(portal.watch.faults().slice(faults)).toEqual([])
    },
  )

  test('no page asks anybody else for anything', () => {
    const own = new URL(stage.origin).host
    const broker = new URL(stage.system.broker.issuer).host
    const stripe = new URL(stage.system.stripe?.address ?? '').host
    const known = [own, broker, stripe] // Where people go themselves, to log in and to pay.
    for (const portal of visitors.values()) expect(known).toEqual(expect.arrayContaining(portal.watch.hosts()))
  })
})

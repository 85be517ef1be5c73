import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { violations } from './browser/axe.ts'
import { CARDS, paymentPage } from './browser/payment.ts'
import type { Language, Portal } from './browser/portal.ts'
import { openStage, type Stage } from './browser/stage.ts'
import { type PersonKey, person } from './local/persons.ts'

const WIDTHS = [360, 1280]
const HEIGHT = 800

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.close())

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

/** A page in one of its states: who sees it, how they come to it, and what shows that they have come. */
type State = {
  name: string
  heading: Record<Language, string>
  has?: string
  who: PersonKey | null
  come(portal: Portal): Promise<void>
}

const STATES: State[] = [
  {
    name: 'the log-in page',
    heading: { da: 'Log ind', en: 'Log on' },
    who: null,
    come: (portal) => portal.open('/log-ind'),
  },
  {
    name: 'the page after log-out',
    heading: { da: 'Du er logget ud', en: 'You have been logged out' },
    who: null,
    come: (portal) => portal.open('/log-ind?farvel=1'),
  },
  {
    name: 'a log-in that was cancelled',
    heading: { da: 'Du afbrød log-in', en: 'You cancelled the log-on' },
    has: '.alert-error',
    who: null,
    async come(portal) {
      await portal.open('/log-ind')
      await portal.press(portal.labels.logIn)
      await portal.press('Afbryd')
    },
  },
  {
    name: 'a log-in at too low a level of assurance',
    heading: { da: 'Sikringsniveauet er for lavt', en: 'The level of assurance is too low' },
    has: '.alert-error',
    who: null,
    async come(portal) {
      await portal.open('/log-ind')
      await portal.identify('low_assurance')
    },
  },
  {
    name: 'an answer that belongs to no log-in',
    heading: { da: 'Log-in tog for lang tid', en: 'The log-on took too long' },
    has: '.alert-error',
    who: null,
    come: (portal) => portal.open('/log-ind/svar?code=a&state=b'),
  },
  {
    name: 'the terms',
    heading: { da: 'Handelsbetingelser', en: 'Terms and conditions' },
    has: '.publication h2',
    who: null,
    come: (portal) => portal.open('/handelsbetingelser'),
  },
  {
    name: 'the accessibility statement',
    heading: { da: 'Tilgængelighed', en: 'Accessibility' },
    has: '.publication h2',
    who: null,
    come: (portal) => portal.open('/was'),
  },
  {
    name: 'the privacy statement',
    heading: { da: 'Privatliv', en: 'Privacy' },
    has: '.publication h2',
    who: null,
    come: (portal) => portal.open('/privatliv'),
  },
  {
    name: 'an address that leads nowhere',
    heading: { da: 'Siden findes ikke', en: 'Page not found' },
    who: null,
    come: (portal) => portal.open('/findes-ikke'),
  },
  {
    name: 'Konti',
    heading: { da: 'Konti', en: 'Accounts' },
    has: '.movements li',
    who: 'two_children',
    come: (portal) => portal.open('/konti'),
  },
  {
    name: 'Konti with the accounts to choose from',
    heading: { da: 'Konti', en: 'Accounts' },
    has: '.switcher[open] nav a',
    who: 'two_children',
    async come(portal) {
      await portal.open('/konti')
      await portal.page.locator('.switcher summary').click()
    },
  },
  {
    name: 'Kontoudtog with everything unfolded',
    heading: { da: 'Kontoudtog', en: 'Statement' },
    has: 'details[open] table',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.statement)
      await unfold(portal)
    },
  },
  {
    name: 'Kontoudtog of an empty period',
    heading: { da: 'Kontoudtog', en: 'Statement' },
    who: 'two_children',
    async come(portal) {
      await portal.open(`${await addressOf(portal, portal.labels.statement)}?fra=2020-01-01&til=2020-01-31`)
    },
  },
  {
    name: 'Kontoudtog with dates that are wrong',
    heading: { da: 'Kontoudtog', en: 'Statement' },
    has: '[role=alert] a',
    who: 'two_children',
    async come(portal) {
      await portal.open(`${await addressOf(portal, portal.labels.statement)}?fra=2026-02-30&til=1812-01-01&slags=x`)
    },
  },
  {
    name: 'Brugerinfo',
    heading: { da: 'Brugerinfo', en: 'User info' },
    who: 'two_children',
    come: (portal) => portal.choose(portal.labels.profile),
  },
  {
    name: 'Bestil nyt kort',
    heading: { da: 'Bestil nyt kort', en: 'Order a new card' },
    has: 'fieldset input[type=radio]',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.profile)
      await portal.press(portal.language === 'da' ? 'Bestil nyt kort' : 'Order a new card')
    },
  },
  {
    name: 'Bestil nyt kort with nothing filled in',
    heading: { da: 'Bestil nyt kort', en: 'Order a new card' },
    has: '[role=alert] a[href="#pay"]',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.profile)
      await portal.press(portal.language === 'da' ? 'Bestil nyt kort' : 'Order a new card')
      await portal.press(portal.language === 'da' ? 'Næste' : 'Next')
    },
  },
  {
    name: 'Brugerinfo with a limit that is no amount',
    heading: { da: 'Brugerinfo', en: 'User info' },
    has: '[role=alert] a',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.profile)
      const box = portal.section(portal.labels.limit)
      await box.getByLabel(portal.labels.limitField).fill('mange penge')
      await portal.press(portal.labels.save, box)
    },
  },
  {
    name: 'Brugerinfo with a mail address that is none',
    heading: { da: 'Brugerinfo', en: 'User info' },
    has: '[role=alert] a',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.profile)
      const form = portal.page.locator('form', { has: portal.page.getByLabel(portal.labels.mail) })
      await form.getByLabel(portal.labels.mail).fill('@')
      await portal.press(portal.labels.save, form)
    },
  },
  {
    name: 'Brugerinfo with a blocked card, unfolded',
    heading: { da: 'Brugerinfo', en: 'User info' },
    has: 'main details[open]',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.profile)
      await portal.press(portal.labels.block)
      await unfold(portal)
    },
  },
  {
    name: 'Brugerinfo with the card activated again',
    heading: { da: 'Brugerinfo', en: 'User info' },
    has: '[role=status]',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.profile)
      await portal.press(portal.labels.activate)
    },
  },
  {
    name: 'Indbetal',
    heading: { da: 'Indbetaling', en: 'Deposit' },
    has: '.tab-button[aria-current=page]',
    who: 'two_children',
    come: (portal) => portal.choose(portal.labels.deposit),
  },
  {
    name: 'Indbetal with nothing filled in',
    heading: { da: 'Indbetaling', en: 'Deposit' },
    has: '[role=alert] a[href="#accept"]',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.deposit)
      await portal.press(portal.labels.next)
    },
  },
  {
    name: 'a deposit that was cancelled',
    heading: { da: 'Du afbrød betalingen', en: 'You cancelled the payment' },
    has: '.facts',
    who: 'two_children',
    async come(portal) {
      const { stripe } = await payIn(portal)
      await stripe.cancel()
    },
  },
  {
    name: 'a deposit that is waited for',
    heading: { da: 'Betalingen er ikke afsluttet endnu', en: 'The payment is not complete yet' },
    has: '.ways a',
    who: 'two_children',
    async come(portal) {
      const { receipt } = await payIn(portal)
      await portal.open(receipt)
    },
  },
  {
    name: 'the receipt of a deposit',
    heading: { da: 'Kvittering', en: 'Receipt' },
    has: '[role=status]',
    who: 'two_children',
    async come(portal) {
      const { stripe } = await payIn(portal)
      await stripe.card(CARDS.good)
    },
  },
  {
    name: 'Automatisk optankning',
    heading: { da: 'Indbetaling', en: 'Deposit' },
    has: 'main form [name=amount]',
    who: 'two_children',
    come: atTopUp,
  },
  {
    name: 'Automatisk optankning with nothing filled in',
    heading: { da: 'Indbetaling', en: 'Deposit' },
    has: '[role=alert] a[href="#amount"]',
    who: 'two_children',
    async come(portal) {
      await atTopUp(portal)
      await portal.press(portal.labels.next)
    },
  },
  {
    name: 'the form again after Stripe’s page was left',
    heading: { da: 'Indbetaling', en: 'Deposit' },
    has: 'main:has(.alert-info) form [name=amount]',
    who: 'two_children',
    async come(portal) {
      const stripe = await agree(portal)
      await stripe.cancel()
    },
  },
  {
    name: 'an agreement without its card, unfolded',
    heading: { da: 'Indbetaling', en: 'Deposit' },
    has: 'main details[open]',
    who: 'two_children',
    async come(portal) {
      await atTopUp(portal)
      const tab = new URL(portal.page.url()).pathname
      await agree(portal)
      await portal.open(tab)
      await unfold(portal)
    },
  },
  {
    name: 'an agreement in force, unfolded',
    heading: { da: 'Indbetaling', en: 'Deposit' },
    has: '.facts .badge-success',
    who: 'two_children',
    async come(portal) {
      await atTopUp(portal)
      await portal.press(portal.language === 'da' ? 'Fortsæt hos Stripe' : 'Continue at Stripe')
      await paymentPage(portal).card(CARDS.good, 'store')
      await unfold(portal)
    },
  },
  {
    name: 'an agreement that was cancelled',
    heading: { da: 'Indbetaling', en: 'Deposit' },
    has: '[role=status]',
    who: 'two_children',
    async come(portal) {
      await atTopUp(portal)
      await unfold(portal)
      await portal.press(portal.labels.cancelAgreementYes)
    },
  },
  {
    name: 'Udbetal',
    heading: { da: 'Udbetal', en: 'Pay out' },
    who: 'two_children',
    come: openPayout,
  },
  {
    name: 'Udbetal with nothing in it',
    heading: { da: 'Udbetal', en: 'Pay out' },
    has: '[role=alert] a',
    who: 'two_children',
    async come(portal) {
      await openPayout(portal)
      await portal.press(portal.language === 'da' ? 'Næste' : 'Next')
    },
  },
  {
    name: 'the summary of a payout',
    heading: { da: 'Kontrollér udbetalingen', en: 'Check the payout' },
    has: 'button.mitid-button',
    who: 'two_children',
    come: fillPayout,
  },
  {
    name: 'a payout whose approval was cancelled',
    heading: { da: 'Du afbrød godkendelsen', en: 'You cancelled the approval' },
    has: '.alert-error',
    who: 'two_children',
    async come(portal) {
      await fillPayout(portal)
      await portal.press(portal.language === 'da' ? 'Godkend med MitID' : 'Approve with MitID')
      await portal.press('Afbryd')
    },
  },
  {
    name: 'the receipt of a payout',
    heading: { da: 'Kvittering', en: 'Receipt' },
    has: '[role=status]',
    who: 'two_children',
    async come(portal) {
      await fillPayout(portal)
      await portal.press(portal.language === 'da' ? 'Godkend med MitID' : 'Approve with MitID')
      await portal.press(person('two_children').label)
    },
  },
  {
    name: 'Udbetal with earlier payouts',
    heading: { da: 'Udbetal', en: 'Pay out' },
    has: '.case-item .badge',
    who: 'two_children',
    come: openPayout,
  },
  {
    name: 'Support',
    heading: { da: 'Support', en: 'Support' },
    who: 'two_children',
    come: (portal) => portal.choose(portal.labels.support),
  },
  {
    name: 'Support with an empty case',
    heading: { da: 'Support', en: 'Support' },
    has: '[role=alert] a',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.support)
      await portal.page.getByLabel(portal.labels.callMe).check()
      await portal.press(portal.labels.openCase)
    },
  },
  {
    name: 'a support case',
    heading: { da: 'Et spørgsmål', en: 'Et spørgsmål' },
    has: '[role=status]',
    who: 'two_children',
    async come(portal) {
      await portal.choose(portal.labels.support)
      await portal.page.getByLabel(portal.labels.subject).fill('Et spørgsmål')
      await portal.page.getByLabel(portal.labels.question).fill('Hvad er en bordfodbold?')
      await portal.press(portal.labels.openCase)
    },
  },
  {
    name: 'Privatliv of somebody who is logged in',
    heading: { da: 'Privatliv', en: 'Privacy' },
    has: '#viewings',
    who: 'two_children',
    async come(portal) {
      await portal.open('/privatliv')
      await unfold(portal)
    },
  },
  {
    name: 'an account that is somebody else’s',
    heading: { da: 'Siden findes ikke', en: 'Page not found' },
    who: 'two_children',
    come: (portal) => portal.open('/konto/3/brugerinfo'),
  },
  {
    name: 'Konti of somebody without children',
    heading: { da: 'Der er ingen konti at vise', en: 'There are no accounts to show' },
    who: 'no_children',
    come: (portal) => portal.open('/konti'),
  },
  {
    name: 'Support of somebody without children',
    heading: { da: 'Support', en: 'Support' },
    who: 'no_children',
    come: (portal) => portal.open('/support'),
  },
  {
    name: 'Konti of somebody without a CPR number',
    heading: { da: 'Der er ingen konti at vise', en: 'There are no accounts to show' },
    who: 'no_cpr',
    come: (portal) => portal.open('/konti'),
  },
  {
    name: 'Konti of somebody whose name is protected',
    heading: { da: 'Konti', en: 'Accounts' },
    has: '.movements li',
    who: 'name_protected',
    come: (portal) => portal.open('/konti'),
  },
  {
    name: 'a form whose session has ended',
    heading: { da: 'Du er blevet logget ud', en: 'You have been logged out' },
    has: '.mitid-button',
    who: 'shares_a_child',
    async come(portal) {
      await portal.choose(portal.labels.profile)
      stage.idle()
      await portal.press(portal.labels.save, portal.section(portal.labels.limit))
    },
  },
]

describe.each<Language>(['da', 'en'])('in %s', (language) => {
  const visitors = new Map<PersonKey | null, Portal>()

  async function visitor(who: PersonKey | null): Promise<Portal> {
    const before = visitors.get(who)
    if (before) return before
    const portal = await stage.visit({ language, width: 360, javaScript: true })
    visitors.set(who, portal)
    if (who !== null) await portal.logIn(who)
    else await portal.speak()
    return portal
  }

  afterAll(async () => {
    for (const portal of visitors.values()) await portal.close()
  })

  test.for(STATES.map((state) => [state.name, state] as const))(
    '%s is accessible, and fits the window',
    async ([name, { heading, has, who, come }]) => {
      const portal = await visitor(who)
      const faults = portal.watch.faults().length
      await come(portal)
      expect(await portal.heading()).toBe(heading[language])
      if (has) expect(await portal.page.locator(has).first().isVisible()).toBe(true)
      const found: string[] = []
      for (const width of WIDTHS) {
        await portal.page.setViewportSize({ width, height: HEIGHT })
        const wrong = [...(await portal.unsound()), ...(await violations(portal.page))]
        found.push(...wrong.map((what) => `${name}, ${width} px: ${what}`))
      }
      await portal.page.setViewportSize({ width: 360, height: HEIGHT })
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

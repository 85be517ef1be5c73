import { setTimeout } from 'node:timers/promises'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { COMBINATIONS } from './browser/combinations.ts'
import { CARDS, type Payment, paymentPage } from './browser/payment.ts'
import type { Language, Portal } from './browser/portal.ts'
import { openStage, type Stage } from './browser/stage.ts'
import { type PersonKey, person } from './local/persons.ts'

const [ADA, CILLA] = ['Ada Prøvebarn', 'Cilla Prøvebarn']
const PATIENCE_MS = 30_000

let stage: Stage

beforeAll(async () => {
  stage = await openStage()
})
afterAll(() => stage?.close())

const stripeHost = () => new URL(stage.system.stripe?.address ?? '').host
const at = ({ page }: Portal) => new URL(page.url())

/** Fills the form of the tab that is open, and goes on to what comes next. */
async function fillIn({ page, labels, press }: Portal, amount: string, mail = 'anna@klubkort.example') {
  await page.getByLabel(labels.mail).fill(mail)
  await page.getByLabel(labels.amount, { exact: true }).fill(amount)
  await page.getByLabel(labels.accept).check()
  await press(labels.next)
}

/** From anywhere to Stripe's page for a deposit. */
async function payIn(portal: Portal, amount: string): Promise<Payment> {
  await portal.choose(portal.labels.deposit)
  await fillIn(portal, amount)
  expect(at(portal).host).toBe(stripeHost())
  return paymentPage(portal)
}

/** The fact of a receipt or an agreement that stands under this name. */
async function fact({ page }: Portal, name: string): Promise<string> {
  const line = page.locator('.facts > div', { has: page.getByText(name, { exact: true }) })
  return (await line.locator('dd').innerText()).replaceAll('\u00a0', ' ')
}

/** What the account at the top left holds, in øre. */
async function balance(portal: Portal): Promise<number> {
  await portal.choose(portal.labels.deposit)
  const [, kroner = ''] = /([\d.]+,\d\d)\skr\./.exec(await portal.page.locator('h1 + p').innerText()) ?? []
  return Number(kroner.replaceAll(/\D/g, ''))
}

/** Waits until a page says something, loading it again each time. */
async function until(portal: Portal, path: string, says: RegExp): Promise<string> {
  for (const end = Date.now() + PATIENCE_MS; ; await setTimeout(250)) {
    await portal.open(path)
    const text = await portal.text()
    if (says.test(text)) return text
    if (Date.now() > end) throw new Error(`${path} never said ${says}: ${text}`)
  }
}

describe.each(COMBINATIONS)('Indbetal without JavaScript, in $language, $width px wide', ({ language, width }) => {
  let portal: Portal

  beforeAll(async () => {
    portal = await stage.visit({ language, width })
    await portal.logIn('two_children')
    await portal.switchTo(ADA)
  })
  afterEach(async () => expect(await portal.unsound()).toEqual([]))
  afterAll(async () => {
    const { hosts, faults } = portal.watch
    await portal.close()
    expect(faults()).toEqual([])
    const known = [stage.system.broker.issuer, stage.origin].map((address) => new URL(address).host)
    expect(hosts()).toEqual([...known, stripeHost()].sort())
  })

  test('a deposit by credit card ends on a receipt that stays right, and is in the statement', async () => {
    const { labels, page } = portal
    const before = await balance(portal)
    expect(await page.locator('.tab-button').allInnerTexts()).toEqual([labels.payIn, labels.topUp])
    const stripe = await payIn(portal, '150,50')
    await stripe.card(CARDS.good)
    expect(at(portal).host).toBe(new URL(stage.origin).host)
    expect(await portal.heading()).toBe(labels.receipt)
    expect(await portal.text()).toContain(labels.creditCard)
    expect(await portal.text()).toContain('anna@klubkort.example')
    expect(await fact(portal, labels.amount)).toBe('150,50 kr.')
    const receipt = await portal.text()
    await page.reload()
    expect(await portal.text()).toBe(receipt)
    expect(await balance(portal)).toBe(before + 15_050)
    await portal.choose(labels.statement)
    expect(await page.locator('.statement-table tbody tr').first().innerText()).toMatch(/150,50\skr\./)
  })

  test('a deposit by MobilePay too', async () => {
    const before = await balance(portal)
    const stripe = await payIn(portal, '75')
    await stripe.mobilePay()
    await stripe.approve()
    expect(await portal.heading()).toBe(portal.labels.receipt)
    expect(await portal.text()).toContain('MobilePay')
    expect(await balance(portal)).toBe(before + 7_500)
  })

  test('a card that is declined costs nothing, and another on the same page pays once', async () => {
    const before = await balance(portal)
    const stripe = await payIn(portal, '60')
    await stripe.card(CARDS.declined)
    expect(at(portal).host).toBe(stripeHost())
    await stripe.card(CARDS.other)
    expect(await portal.heading()).toBe(portal.labels.receipt)
    expect(await balance(portal)).toBe(before + 6_000)
  })

  test('a card that wants approval pays when it is given, and not when it is not', async () => {
    const before = await balance(portal)
    const stripe = await payIn(portal, '80')
    await stripe.card(CARDS.authenticates)
    await stripe.deny()
    expect(at(portal).host).toBe(stripeHost())
    await stripe.card(CARDS.authenticates)
    await stripe.approve()
    expect(await portal.heading()).toBe(portal.labels.receipt)
    expect(await balance(portal)).toBe(before + 8_000)
  })

  test('whoever cancels is told that nothing was taken, and the way back leads to no payment', async () => {
    const before = await balance(portal)
    const stripe = await payIn(portal, '90')
    const page = portal.page.url()
    await stripe.cancel()
    expect(await portal.heading()).toBe(portal.labels.cancelled)
    await portal.page.goto(page)
    expect(await portal.page.locator('form').count()).toBe(0)
    await stripe.back()
    expect(await portal.heading()).toBe(portal.labels.cancelled)
    expect(await balance(portal)).toBe(before)
  })
})

/** A parent at the tab of automatic top-up of one child. */
async function atTopUp(who: PersonKey, child: string, visiting: { language: Language; width: number }) {
  const portal = await stage.visit(visiting)
  await portal.logIn(who)
  if ((await portal.current()) !== child) await portal.switchTo(child)
  await portal.choose(portal.labels.deposit)
  await portal.press(portal.labels.topUp, portal.page.locator('.tab-list'))
  return portal
}

/** Logs in anew where MitID asks for it, and comes to Stripe's page. */
async function stepUp(portal: Portal, who: PersonKey, child: string): Promise<Payment> {
  expect(at(portal).host).toBe(new URL(stage.system.broker.issuer).host)
  expect(await portal.page.locator('#message').innerText()).toContain(child.split(' ')[0])
  await portal.press(person(who).label)
  expect(at(portal).host).toBe(stripeHost())
  return paymentPage(portal)
}

describe('Automatisk optankning', () => {
  const WHO = 'name_protected'
  let portal: Portal
  let tab: string

  beforeAll(async () => {
    portal = await atTopUp(WHO, CILLA, { language: 'da', width: 360 })
    tab = at(portal).pathname
  })
  afterEach(async () => expect(await portal.unsound()).toEqual([]))
  afterAll(async () => {
    expect(portal.watch.faults()).toEqual([])
    await portal.close()
  })

  test('is made with a fresh log-in and a card, and waits below 100 kr.', async () => {
    expect(await portal.text()).toContain('Beløb som ønskes optanket, når saldo kommer under 50,- kr.')
    await fillIn(portal, '100', 'cillas-foraelder@klubkort.example')
    const stripe = await stepUp(portal, WHO, CILLA)
    expect(await portal.page.locator('body').innerText()).toContain('må trække 100,00 kr. på dit kort')
    await stripe.card(CARDS.good, 'store')
    expect(await portal.text()).toContain('Aftalen er oprettet.')
    expect(await portal.text()).toContain('træder i kraft, når saldoen er 100,- kr. eller mere. Den er nu 10,00 kr.')
  })

  test('comes into force with the deposit that brings the balance to 100 kr.', async () => {
    const stripe = await payIn(portal, '100')
    await stripe.card(CARDS.good)
    await portal.open(tab)
    expect(await fact(portal, 'Status')).toBe('Aktiv')
    expect(await fact(portal, 'Senest optanket')).toBe('Ikke endnu')
  })

  test('tops up within a minute of the tap that brings the balance below 50 kr., once', async () => {
    expect(await stage.buy(CILLA, 'Varmt måltid')).toMatch(/Godkendt 32,00 kr/)
    await portal.open(tab)
    expect(await fact(portal, 'Senest optanket')).toBe('Ikke endnu')
    expect(await stage.buy(CILLA, 'Varmt måltid')).toMatch(/Godkendt 32,00 kr/)
    await until(portal, tab, /Senest optanket\s+100,00 kr\./)
    expect(await balance(portal)).toBe(14_600)
    await portal.choose('Kontoudtog')
    expect(await portal.text()).toContain('Automatisk optankning')
  })

  test('changes its card in place, after a fresh log-in', async () => {
    await portal.open(tab)
    expect(await fact(portal, 'Kort')).toContain('4242')
    await portal.press('Skift kort')
    const stripe = await stepUp(portal, WHO, CILLA)
    await stripe.card(CARDS.authenticates, 'store')
    await stripe.approve()
    expect(await portal.text()).toContain('Kortet er skiftet.')
    expect(await fact(portal, 'Kort')).toContain('3184')
  })

  test('pauses when the bank wants the owner, and mails a link that mends it', async () => {
    for (let meals = 0; meals < 4; meals++) expect(await stage.buy(CILLA, 'Varmt måltid')).toMatch(/Godkendt 32,00 kr/)
    await until(portal, tab, /fordi din bank vil have, at du selv godkender kortet/)
    expect(await fact(portal, 'Status')).toBe('På pause')
    const letter = () =>
      stage.system
        .mails()
        .find(({ to, text }) => to === 'cillas-foraelder@klubkort.example' && text.includes('/optankning'))
    for (const end = Date.now() + PATIENCE_MS; !letter() && Date.now() < end; ) await setTimeout(250)
    const [, link] = /(\/konto\/\d+\/optankning)/.exec(letter()?.text ?? '') ?? []
    await portal.open(link ?? '')
    await portal.press('Skift kort')
    const stripe = await stepUp(portal, WHO, CILLA)
    await stripe.card(CARDS.other, 'store')
    await until(portal, tab, /4444/)
    expect(await fact(portal, 'Status')).toBe('Aktiv')
    for (const end = Date.now() + PATIENCE_MS; (await balance(portal)) !== 11_800 && Date.now() < end; ) {
      await setTimeout(250)
    }
    expect(await balance(portal)).toBe(11_800)
  })

  test('changes its card the long way too: it is cancelled, and a new one is made with another', async () => {
    await portal.open(tab)
    await portal.page.locator('main summary', { hasText: 'Annullér aftale' }).click()
    await portal.press('Ja, annullér aftalen')
    expect(await portal.text()).toContain('Aftalen er annulleret.')
    await fillIn(portal, '100', 'cillas-foraelder@klubkort.example')
    const stripe = await stepUp(portal, WHO, CILLA)
    await stripe.card(CARDS.good, 'store')
    expect(await portal.text()).toContain('Aftalen er oprettet.')
    expect(await fact(portal, 'Status')).toBe('Aktiv')
    expect(await fact(portal, 'Kort')).toContain('4242')
  })
})

test.each(COMBINATIONS.filter(({ language }) => language !== 'da'))(
  'an agreement in $language, $width px wide, is in force at 100 kr., and is cancelled',
  async (visiting) => {
    const portal = await atTopUp('two_children', ADA, visiting)
    const { labels, page } = portal
    await fillIn(portal, '200')
    const stripe = await stepUp(portal, 'two_children', ADA)
    await stripe.card(CARDS.good, 'store')
    expect(await page.locator('.facts .badge-success').count()).toBe(1)
    expect(await portal.unsound()).toEqual([])
    await page.locator('main summary', { hasText: labels.cancelAgreement }).click()
    await portal.press(labels.cancelAgreementYes)
    await page.getByLabel(labels.amount, { exact: true }).waitFor()
    expect(await portal.unsound()).toEqual([])
    expect(portal.watch.faults()).toEqual([])
    await portal.close()
  },
)

test('the ledger is whole after all this', async () => {
  expect((await stage.place.desk.check()).violations).toEqual([])
})

import { tmpdir } from 'node:os'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { COMBINATIONS } from './browser/combinations.ts'
import type { Portal } from './browser/portal.ts'
import { openStage, type Stage } from './browser/stage.ts'
import { commandLine } from './local/command-line.ts'

const [ADA, BO] = ['Ada Prøvebarn', 'Bo Prøvebarn']

const WORDS = {
  da: {
    order: 'Bestil nyt kort',
    next: 'Næste',
    days: 'inden for ca. 14 dage',
    account: /^Fra kontoen/,
    checkout: 'Med kort eller MobilePay',
    street: 'Vej og husnummer',
    postalCode: 'Postnummer',
    city: 'By',
    accept: 'Jeg har læst og accepterer handelsbetingelserne',
    ordered: 'Det nye kort er bestilt',
    sent: 'Det nye kort er sendt',
    handedOut: 'Det nye kort er udleveret',
    cancelled: 'Bestillingen er annulleret',
    failed: 'Betalingen blev ikke gennemført',
    again: 'Prøv igen',
    statement: 'Nyt kort',
    number: 'Kortnummer',
    expires: 'Udløb (MM/ÅÅ)',
    pay: 'Betal 45,00 kr.',
    cancel: 'Annuller',
    approve: 'Godkend',
    declined: 'Kortet blev afvist',
    left: 'er meldt ud',
    payout: 'Udbetal',
  },
  en: {
    order: 'Order a new card',
    next: 'Next',
    days: 'within about 14 days',
    account: /^From the account/,
    checkout: 'By card or MobilePay',
    street: 'Street and number',
    postalCode: 'Postal code',
    city: 'City',
    accept: 'I have read and accept the terms and conditions',
    ordered: 'The new card has been ordered',
    sent: 'The new card has been sent',
    handedOut: 'The new card has been handed out',
    cancelled: 'The order has been cancelled',
    failed: 'The payment was not completed',
    again: 'Try again',
    statement: 'New card',
    number: 'Card number',
    expires: 'Expires (MM/YY)',
    pay: 'Pay 45.00 kr.',
    cancel: 'Cancel',
    approve: 'Approve',
    declined: 'The card was declined',
    left: 'has left',
    payout: 'Pay out',
  },
}

let stage: Stage
/** The card that each child has by now. */
const uids = new Map<string, string>()

beforeAll(async () => {
  stage = await openStage()
  for (const { name, uid } of stage.place.demo.children) uids.set(name, uid)
})
afterAll(() => stage?.close())

/** Runs the real command line as the office; resolves to what it prints. */
async function klubkort(...args: string[]): Promise<string> {
  const { url, token } = stage.place
  const { code, out, err } = await commandLine({ folder: tmpdir(), url, token })(...args)
  if (code !== 0) throw new Error(`klubkort ${args.join(' ')}: ${out}${err}`)
  return `${out}${err}`
}

const childOf = async (name: string) => {
  const { children } = await stage.place.desk.children()
  const child = children.find((one) => one.name === name)
  if (!child) throw new Error(`no child ${name}`)
  return child
}

/** Somebody buys fruit with a card at the virtual Pi; all that its display says then. */
async function tap(uid: string): Promise<string> {
  const { pi } = stage.place
  await pi.shows(/^Vælg varer/)
  pi.press('Frugt')
  await pi.shows(/^1 × Frugt/)
  const answered = pi.shows(/Godkendt|Ikke gennemført/, 8_000)
  await pi.tap(uid)
  await answered
  const texts = pi.texts().join(' | ')
  pi.press('dismiss')
  await pi.shows(/^Vælg varer|^Læg kortet på/)
  pi.press('Slet')
  await pi.shows(/^Vælg varer/)
  return texts
}

/** The new card that is handed out, another each time. */
const RUNS = COMBINATIONS.map((one, index) => ({ ...one, uid: `04c0ffee00000${index + 1}` }))

describe.each(RUNS)('in $language, $width px wide', ({ language, width, uid }) => {
  const words = WORDS[language]
  let portal: Portal

  beforeAll(async () => {
    portal = await stage.visit({ language, width })
    await portal.logIn('two_children')
  })
  afterEach(async () => expect(await portal.unsound()).toEqual([]))
  afterAll(async () => {
    const { hosts, faults } = portal.watch
    await portal.close()
    expect(faults()).toEqual([])
    const stripe = new URL(stage.system.stripe?.address ?? '').host
    expect(hosts()).toEqual([new URL(stage.system.broker.issuer).host, new URL(stage.origin).host, stripe].sort())
  })

  /** From Brugerinfo of a child to the form of a new card, filled in but for how it is paid. */
  async function fill(child: string) {
    const { page, labels } = portal
    await portal.choose(labels.profile)
    if ((await portal.current()) !== child) await portal.switchTo(child)
    await portal.press(words.order)
    expect(await portal.heading()).toBe(words.order)
    await page.getByLabel(words.street).fill('Prøvevej 1, 2. th.')
    await page.getByLabel(words.postalCode).fill('4000')
    await page.getByLabel(words.city, { exact: true }).fill('Prøveby')
    await page.getByLabel(words.accept).check()
  }

  async function fillForCheckout() {
    const { page, labels } = portal
    await page.getByLabel(words.checkout).check()
    await page.getByLabel(labels.mail).fill('anna@klubkort.example')
  }

  async function payBy(number: string) {
    const { page } = portal
    await page.getByLabel(words.number).fill(number)
    await page.getByLabel(words.expires).fill('12/49')
    await page.getByLabel('CVC').fill('123')
    await portal.press(words.pay)
  }

  test('a new card is ordered and paid from the account', async () => {
    const { page, labels } = portal
    const before = (await childOf(ADA)).balance
    await fill(ADA)
    expect(await portal.text()).toContain('45,00 kr.')
    expect(await portal.text()).toContain(words.days)
    await page.getByLabel(words.account).check()
    await portal.press(words.next)
    expect(await portal.heading()).toBe(words.ordered)
    expect(await portal.text()).toContain('Prøvevej 1, 2. th.')
    expect(await portal.text()).toContain(words.days)
    expect((await childOf(ADA)).balance).toBe(before - 4_500)
    await portal.choose(labels.statement)
    expect(await portal.text()).toContain(words.statement)
  })

  test('the office hands it out: the old card is refused at the till, and the new one buys', async () => {
    const { labels } = portal
    const { orders } = JSON.parse(await klubkort('order', 'list', '--json')) as { orders: { id: string }[] }
    const id = orders[0]?.id ?? ''
    const path = `/konto/${(await childOf(ADA)).account}/nyt-kort/${id}`
    await klubkort('order', 'send', id)
    await portal.open(path)
    expect(await portal.heading()).toBe(words.sent)
    const old = uids.get(ADA) ?? ''
    expect(await tap(old)).toContain('Godkendt') // It is only lost, as far as the till knows.
    await klubkort('order', 'hand-out', id, '--uid', uid)
    await portal.open(path)
    expect(await portal.heading()).toBe(words.handedOut)
    expect(await tap(old)).toMatch(/Ikke gennemført.*spærret/)
    expect(await tap(uid)).toContain('Godkendt')
    uids.set(ADA, uid)
    await portal.choose(labels.profile)
    expect(await portal.section(labels.cards).innerText()).toContain(labels.active)
  })

  test('a new card is paid by card at Stripe, after a card that was declined', async () => {
    const before = (await childOf(BO)).balance
    await fill(BO)
    await fillForCheckout()
    await portal.press(words.next)
    await payBy('4000000000000002')
    expect(await portal.page.locator('body').innerText()).toContain(words.declined)
    await payBy('4242424242424242')
    expect(await portal.heading()).toBe(words.ordered)
    expect((await childOf(BO)).balance).toBe(before)
    const { orders } = JSON.parse(await klubkort('order', 'list', '--json')) as { orders: { id: string }[] }
    await klubkort('order', 'cancel', orders[0]?.id ?? '')
    await portal.page.reload()
    expect(await portal.heading()).toBe(words.cancelled)
    expect((await childOf(BO)).balance).toBe(before + 4_500)
  })

  test('a payment that is given up orders nothing, and is made again with MobilePay', async () => {
    const { page } = portal
    await fill(BO)
    await fillForCheckout()
    await portal.press(words.next)
    await portal.press(words.cancel)
    expect(await portal.heading()).toBe(words.failed)
    await portal.press(words.again)
    expect(await page.getByLabel(words.street).inputValue()).toBe('Prøvevej 1, 2. th.')
    await fillForCheckout()
    await page.getByLabel(words.accept).check()
    await portal.press(words.next)
    await page.getByLabel('MobilePay').check()
    await portal.press(words.pay)
    await portal.press(words.approve)
    expect(await portal.heading()).toBe(words.ordered)
    const { orders } = JSON.parse(await klubkort('order', 'list', '--json')) as { orders: { id: string }[] }
    await klubkort('order', 'cancel', orders[0]?.id ?? '')
  })

  test('a child that has left is refused at the till, its parent sees why, and it can come back', async () => {
    const { labels, page } = portal
    const child = await childOf(ADA)
    expect(await klubkort('child', 'leave', String(child.id))).toContain(ADA)
    expect(await tap(uid)).toMatch(/Ikke gennemført.*spærret/)
    await portal.choose(labels.accounts)
    expect(await portal.section(ADA).innerText()).toContain(words.left)
    expect(await portal.section(ADA).innerText()).toContain(words.payout)
    await portal.choose(labels.profile)
    if ((await portal.current()) !== ADA) await portal.switchTo(ADA)
    const cards = await portal.section(labels.cards).innerText()
    expect(cards).toContain(words.left)
    expect(cards).not.toContain(labels.activate)
    await klubkort('child', 'return', String(child.id))
    expect(await tap(uid)).toMatch(/Ikke gennemført.*spærret/)
    await page.reload()
    await portal.press(labels.activate)
    expect(await tap(uid)).toContain('Godkendt')
    expect((await stage.place.desk.check()).violations).toEqual([])
  })
})

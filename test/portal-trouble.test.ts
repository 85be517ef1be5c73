import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { violations } from './browser/axe.ts'
import type { Portal } from './browser/portal.ts'
import { openStage, type Stage } from './browser/stage.ts'
import type { PersonKey } from './local/persons.ts'

let stage: Stage
const open: Portal[] = []

beforeAll(async () => {
  stage = await openStage()
})
afterEach(async () => {
  for (const portal of open.splice(0)) {
    expect(await portal.unsound()).toEqual([])
    expect(portal.watch.faults()).toEqual([])
    await portal.close()
  }
})
afterAll(() => stage?.close())

/** A parent with a telephone, in Danish, without JavaScript; logged in where it is said as whom. */
async function parent(who: PersonKey | null, rest: { width?: number; javaScript?: boolean } = {}): Promise<Portal> {
  const portal = await stage.visit({ language: 'da', width: 360, ...rest })
  open.push(portal)
  if (who !== null) await portal.logIn(who)
  return portal
}

const casesWith = async (subject: string) =>
  (await stage.place.desk.cases()).cases.filter((one) => one.subject === subject)

test('a parent without children sees what to do, and can write to support', async () => {
  const portal = await parent('no_children')
  expect(await portal.heading()).toBe('Der er ingen konti at vise')
  expect(await portal.text()).toContain('Tal med kontoret i dit barns klub eller skole')
  expect(await portal.page.locator('.portal-menu').innerText()).not.toContain('Kontoudtog')
  await portal.press('Skriv til supporten')
  await portal.page.getByLabel('Emne').fill('Mit barn mangler')
  await portal.page.getByLabel('Spørgsmål').fill('Hun begyndte i mandags.')
  await portal.press('Opret sag')
  expect(await casesWith('Mit barn mangler')).toHaveLength(1)
})

test('a parent without a CPR number is told that this is why', async () => {
  const portal = await parent('no_cpr')
  expect(await portal.heading()).toBe('Der er ingen konti at vise')
  expect(await portal.text()).toContain('MitID fortalte os ikke dit CPR-nummer')
})

test('a protected name stands on no page, and staff do not see it either', async () => {
  const portal = await parent('name_protected')
  const { page, labels } = portal
  expect(await portal.text()).toContain('Cilla Prøvebarn')
  for (const item of [labels.accounts, labels.statement, labels.profile, labels.support]) {
    await portal.choose(item)
    expect(await page.content()).not.toContain('ADRESSEBESKYTTET')
  }
  await page.getByLabel('Emne').fill('Uden navn')
  await page.getByLabel('Spørgsmål').fill('Hvem ser dette?')
  await portal.press('Opret sag')
  expect((await casesWith('Uden navn'))[0]?.guardian.name).toBeNull()
  await portal.open('/privatliv')
  expect(await page.content()).not.toContain('ADRESSEBESKYTTET')
})

test('too low a level of assurance lets nobody in, and says which is needed', async () => {
  const portal = await parent(null)
  await portal.open('/log-ind')
  await portal.identify('low_assurance')
  expect(await portal.heading()).toBe('Sikringsniveauet er for lavt')
  expect(await portal.text()).toContain('»Betydelig«')
  await portal.open('/konti')
  expect(await portal.heading()).toBe('Log ind')
})

test('a form that was left for half an hour comes back after log-in with what was typed, and nothing was saved before', async () => {
  const portal = await parent('two_children')
  const { page, labels } = portal
  await portal.switchTo('Bo Prøvebarn')
  await portal.choose(labels.profile)
  const address = page.url()
  const limit = portal.section('Maks forbrug')
  await limit.getByLabel(labels.limitField).fill('42,50')
  stage.idle()
  await portal.press('Gem', limit)
  expect(await portal.heading()).toBe('Du er blevet logget ud')
  expect(await portal.text()).toContain('Der er ikke ændret noget')

  await portal.identify('two_children')
  expect(page.url()).toBe(address)
  expect(await limit.getByLabel(labels.limitField).inputValue()).toBe('42,50')
  expect(await limit.innerText()).toContain('Der er ingen grænse nu.')
  expect(await portal.text()).toContain('Det er ikke gemt endnu')
  await portal.press('Gem', limit)
  expect(await limit.innerText()).toMatch(/Grænsen er nu 42,50\skr\./)
  await limit.getByLabel(labels.limitField).fill('')
  await portal.press('Gem', limit)
})

test('a case that was being written comes back too, and is opened once', async () => {
  const portal = await parent('two_children')
  const { page, labels } = portal
  await portal.choose(labels.support)
  await page.getByLabel('Emne').fill('Afbrudt')
  await page.getByLabel('Spørgsmål').fill('Linje et\nlinje to')
  stage.idle()
  await portal.press('Opret sag')
  expect(await portal.heading()).toBe('Du er blevet logget ud')
  await portal.identify('two_children')
  expect(new URL(page.url()).pathname).toBe('/support')
  expect(await page.getByLabel('Emne').inputValue()).toBe('Afbrudt')
  expect(await page.getByLabel('Spørgsmål').inputValue()).toMatch(/^Linje et\r?\nlinje to$/)
  expect(await casesWith('Afbrudt')).toHaveLength(0)
  await portal.press('Opret sag')
  expect(await casesWith('Afbrudt')).toHaveLength(1)
})

test('a form whose session was ended in another tab changes nothing', async () => {
  const portal = await parent('two_children')
  const { page, labels, context } = portal
  await portal.choose(labels.profile)
  const limit = portal.section('Maks forbrug')
  await limit.getByLabel(labels.limitField).fill('11,11')
  const tab = await context.newPage()
  await tab.goto(`${stage.origin}/konti`)
  await Promise.all([tab.waitForEvent('load'), tab.getByRole('button', { name: 'Log ud' }).click()])
  await tab.close()
  await portal.press('Gem', limit)
  expect(await page.getByRole('link', { name: 'Log ind med MitID' }).isVisible()).toBe(true)
  await portal.identify('two_children')
  await portal.choose(labels.profile)
  expect(await limit.innerText()).toContain('Der er ingen grænse nu.')
})

test('what one parent typed is not shown to another who logs in at the same browser', async () => {
  const portal = await parent('two_children', { javaScript: true }) // Test-MitID changes persons by a script.
  const { page, labels } = portal
  await portal.switchTo('Bo Prøvebarn')
  await portal.choose(labels.profile)
  const limit = portal.section('Maks forbrug')
  await limit.getByLabel(labels.limitField).fill('77,77')
  stage.idle()
  await portal.press('Gem', limit)
  await portal.identify('shares_a_child')
  expect(await portal.heading()).toBe('Brugerinfo')
  expect(await page.content()).not.toContain('77,77')
})

test('a button that is pressed twice, and again after going back, opens one case', async () => {
  const portal = await parent('two_children')
  const { page, labels } = portal
  await portal.choose(labels.support)
  await page.getByLabel('Emne').fill('To gange')
  await page.getByLabel('Spørgsmål').fill('Trykkede jeg to gange?')
  await page.getByRole('button', { name: 'Opret sag' }).dblclick()
  await page.getByRole('heading', { level: 1, name: 'To gange' }).waitFor()
  expect(await casesWith('To gange')).toHaveLength(1)
  await page.goBack()
  await portal.press('Opret sag')
  expect(await casesWith('To gange')).toHaveLength(1)
})

test('somebody else’s account and an address that leads nowhere look the same', async () => {
  const portal = await parent('shares_a_child')
  const texts: string[] = []
  for (const path of ['/konto/1/brugerinfo', '/konto/999/brugerinfo', '/findes-ikke']) {
    const answer = await portal.page.goto(`${stage.origin}${path}`)
    expect(answer?.status()).toBe(404)
    expect(await portal.heading()).toBe('Siden findes ikke')
    texts.push(await portal.text())
  }
  expect(new Set(texts).size).toBe(1)
})

test('with the broker down nobody gets in, whoever is in stays in, and the message is clear', async () => {
  const inside = await parent('two_children')
  const outside = await parent(null, { javaScript: true })
  await stage.system.broker.stop()
  try {
    await outside.open('/log-ind')
    await outside.press('Log ind med MitID')
    expect(await outside.heading()).toBe('MitID svarer ikke lige nu')
    expect(await outside.text()).toContain('Prøv igen om nogle minutter')
    expect(await violations(outside.page)).toEqual([])
    await outside.page.setViewportSize({ width: 1280, height: 800 })
    expect(await violations(outside.page)).toEqual([])
    expect(await outside.unsound()).toEqual([])

    await inside.choose(inside.labels.profile)
    await inside.press('Spær kort')
    await inside.press('Aktiver kort')
    await inside.logOut()
    expect(await inside.heading()).toBe('Du er logget ud')
  } finally {
    await stage.system.broker.start()
  }
  await outside.press('Prøv igen')
  await outside.identify('two_children')
  expect(await outside.heading()).toBe('Konti')
})

test('the ledger is whole after all this', async () => {
  expect((await stage.place.desk.check()).violations).toEqual([])
})

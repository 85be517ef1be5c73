import { beforeEach, describe, expect, it } from 'vitest'
import { keepDraft } from '../../worker/login/sessions.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  emptyDatabases,
  type Municipality,
  municipality,
} from './municipality.ts'
import { browse, type Parent, parentOf } from './parent.ts'

let office: Municipality
let ida: CardHolder
let bo: CardHolder
let asta: Parent
let birk: Parent

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  ida = await cardHolder(office, { name: 'Ida Prøvebarn' })
  bo = await cardHolder(office, { name: 'Bo Prøvebarn' })
  asta = await parentOf(office, '0101575001', [ida.child], 'Asta Prøveforælder')
  birk = await parentOf(office, '0201575002', [ida.child, bo.child], 'Birk Prøveforælder')
})

const form = (fields: Record<string, string> = {}) => ({
  id: crypto.randomUUID(),
  message: crypto.randomUUID(),
  account: String(ida.account),
  subject: 'Kortet er væk',
  text: 'Hvor bestiller jeg et nyt?',
  phone: '',
  ...fields,
})

async function opened(parent: Parent, fields: Record<string, string> = {}): Promise<string> {
  const { status, location } = await parent.post('/support', form(fields))
  expect(status).toBe(303)
  return location?.replace('?gjort=oprettet', '') ?? ''
}

const stored = async () => {
  const { support_case: cases, case_message: messages } = await contents(office.db)
  return { cases: cases?.length, messages: messages?.length }
}
const field = (text: string, name: string) => new RegExp(`name="${name}" value="([^"]*)"`).exec(text)?.[1]

describe('the list of cases', () => {
  it('shows telephone and opening hours of the municipality, and the chosen account preselected', async () => {
    await office.post('/settings', { supportPhone: '00 00 00 00', supportHours: { da: 'Mandag kl. 8-16' } })
    await birk.get(`/konto/${bo.account}/vaelg`)
    const cookie = `${birk.cookie}; __Host-account=${bo.account}`
    const { status, text } = await browse(4000, 'GET', '/support', { cookie })
    expect(status).toBe(200)
    const page = text.slice(0, text.indexOf('<footer'))
    expect(page).toContain('<h1>Support</h1>')
    expect(page).toContain('href="tel:00000000"')
    expect(page).toContain('Mandag kl. 8-16')
    expect(page).toContain(`<option value="${bo.account}" selected="">Bo Prøvebarn</option>`)
    expect(page).toContain('<option value="">Ingen bestemt konto</option>')
    for (const label of ['Emne', 'Spørgsmål', 'Telefonnummer', 'Ring mig op']) expect(page).toContain(label)
    expect(page).not.toContain('type="file"')
  })

  it('shows where each case stands, the newest first', async () => {
    const first = await opened(asta, { subject: 'Den første' })
    const second = await opened(asta, { subject: 'Den anden' })
    const third = await opened(asta, { subject: 'Den tredje' })
    await office.post(`/cases${second.slice(8)}/answer`, { id: crypto.randomUUID(), text: 'Et svar' })
    await office.post(`/cases${first.slice(8)}/close`)
    const { text } = await asta.get('/support')
    const shown = [...text.matchAll(/href="\/support\/([^"]+)"[\s\S]*?badge[^>]*>([^<]+)</g)]
    expect(shown.map(([, id, state]) => [`/support/${id}`, state])).toEqual([
      [third, 'Venter på svar'],
      [second, 'Besvaret'],
      [first, 'Lukket'],
    ])
  })

  it('makes new ids for each form it shows', async () => {
    const ids = [(await asta.get('/support')).text, (await asta.get('/support')).text].flatMap((text) => [
      field(text, 'id'),
      field(text, 'message'),
    ])
    expect(new Set(ids).size).toBe(4)
  })

  it('lets a person without children write', async () => {
    const childless = await parentOf(office, null)
    expect((await childless.get('/support')).status).toBe(200)
    const path = await opened(childless, { account: '' })
    expect((await childless.get(path)).text).toContain('Hvor bestiller jeg et nyt?')
  })

  it('speaks English to those who want it', async () => {
    await asta.post('/sprog', { language: 'en', page: '/support' })
    const { text } = await asta.get('/support')
    expect(text).toContain('<html lang="en">')
    for (const label of ['Subject', 'Question', 'Call me', 'No particular account']) expect(text).toContain(label)
  })
})

describe('a form that opens a case', () => {
  it('opens one case when it is sent twice, and leads to the same page', async () => {
    const fields = form({ phone: '20 20 20 20', callWanted: 'on' })
    const first = await asta.post('/support', fields)
    const second = await asta.post('/support', fields)
    expect(first.location).toBe(`/support/${fields.id}?gjort=oprettet`)
    expect([second.status, second.location]).toEqual([303, first.location])
    expect(await stored()).toEqual({ cases: 1, messages: 1 })
    const { text } = await asta.get(first.location ?? '')
    expect(text).toContain('Sagen er oprettet.')
    expect(text).toContain('+4520202020')
    expect(text).toContain('Ida Prøvebarn')
  })

  it('opens one case when it is sent twice at once', async () => {
    const fields = form()
    const answers = await Promise.all([1, 2, 3, 4].map(() => asta.post('/support', fields)))
    expect(answers.map(({ status }) => status)).toEqual([303, 303, 303, 303])
    expect(await stored()).toEqual({ cases: 1, messages: 1 })
  })

  it.each([
    ['no subject', { subject: '  ' }, 'Skriv et emne'],
    ['a subject that is too long', { subject: 'x'.repeat(121) }, 'Skriv et emne'],
    ['a subject with a control character', { subject: 'Kort\u0007' }, 'Skriv et emne'],
    ['a subject of two lines', { subject: 'Kort\nBcc: alle' }, 'Skriv et emne'],
    ['no question', { text: ' \r\n ' }, 'Skriv, hvad vi kan hjælpe med.'],
    ['a question that is too long', { text: 'x'.repeat(4001) }, 'Du har skrevet 4001 tegn'],
    ['a question with a control character', { text: 'Hvor\u0000?' }, 'Der er tegn i teksten'],
    ['a number that is none', { phone: '12' }, 'Skriv et telefonnummer på otte cifre'],
    ['a call without a number', { callWanted: 'on' }, 'Skriv dit telefonnummer'],
    ['an id that is none', { id: 'x' }, 'Der blev ikke gemt noget'],
    ['a message without an id', { message: '' }, 'Der blev ikke gemt noget'],
  ])('is shown again with what was typed: %s', async (_, fields, says) => {
    const { status, text } = await asta.post('/support', form({ text: 'Det, jeg skrev', ...fields }))
    expect(status).toBe(400)
    expect(text).toContain(says)
    if (!('text' in fields)) expect(text).toContain('Det, jeg skrev</textarea>')
    expect(await stored()).toEqual({ cases: 0, messages: 0 })
  })

  it('takes the longest subject and question, with line ends as browsers send them', async () => {
    const text = `${'æ'.repeat(1999)}\r\n${'ø'.repeat(2000)}`
    const path = await opened(asta, { subject: 'å'.repeat(120), text })
    expect((await asta.get(path)).text).toContain(text.replace('\r\n', '\n'))
  })

  it('may not name an account that is not the guardian’s own, which is as one that does not exist', async () => {
    const answers = await Promise.all([
      asta.post('/support', form({ account: String(bo.account) })),
      asta.post('/support', form({ account: '999999' })),
      asta.post('/support', form({ account: `${ida.account} OR 1=1` })),
    ])
    for (const { status, text } of answers) {
      expect(status).toBe(400)
      expect(text).toContain('Vælg en af kontiene på listen')
      expect(text).not.toContain('Bo Prøvebarn')
      expect(text).toContain('<option value="" selected="">')
    }
    expect(await stored()).toEqual({ cases: 0, messages: 0 })
  })

  it('cannot take over the id of another guardian’s case, and sends again under a new one', async () => {
    const fields = form()
    await asta.post('/support', fields)
    const taken = await birk.post('/support', { ...fields, message: crypto.randomUUID(), text: 'Birks spørgsmål' })
    expect(taken.status).toBe(409)
    expect(taken.text).toContain('Der blev ikke gemt noget.')
    expect(taken.text).toContain('Birks spørgsmål</textarea>')
    const id = field(taken.text, 'id') ?? ''
    const message = field(taken.text, 'message') ?? ''
    expect(id).not.toBe(fields.id)
    expect((await birk.post('/support', { ...fields, id, message, text: 'Birks spørgsmål' })).status).toBe(303)
    expect((await asta.get(`/support/${fields.id}`)).text).not.toContain('Birks spørgsmål')
  })

  it('is shown again with what was typed where the guardian has as many cases as may be, and nothing is stored', async () => {
    for (let n = 0; n < 10; n++) await opened(asta)
    const before = await contents(office.db)
    const fields = form({ subject: 'Det ellevte emne', text: 'Det ellevte spørgsmål' })
    const { status, text } = await asta.post('/support', fields)
    expect(status).toBe(429)
    expect(text).toContain('Du kan have 10 åbne sager ad gangen og oprette 20 i døgnet.')
    expect(text).toContain('Det ellevte spørgsmål</textarea>')
    expect([field(text, 'id'), field(text, 'message')]).toEqual([fields.id, fields.message])
    expect(await contents(office.db)).toEqual(before)
  })

  it('without the session’s token changes nothing', async () => {
    expect((await asta.post('/support', { ...form(), csrf: 'guessed' })).status).toBe(403)
    expect(await stored()).toEqual({ cases: 0, messages: 0 })
  })

  it('is filled in again after the session had ended, with the same ids', async () => {
    const fields = form({ subject: 'Halvt færdig', phone: '20202020', callWanted: 'on', account: '' })
    const { cookie, csrf, token } = asta
    await keepDraft(office.db, token, { path: '/support', fields }, Date.now())
    const { text } = await browse(4000, 'GET', '/support', { cookie })
    expect(text).toContain('Du var blevet logget ud.')
    expect([field(text, 'id'), field(text, 'message')]).toEqual([fields.id, fields.message])
    expect(text).toContain('value="Halvt færdig"')
    expect(text).toContain('Hvor bestiller jeg et nyt?</textarea>')
    expect(text).toMatch(/name="callWanted"[^>]*checked/)
    expect((await browse(4000, 'POST', '/support', { cookie, fields: { ...fields, csrf } })).status).toBe(303)
    expect((await browse(4000, 'GET', '/support', { cookie })).text).not.toContain('Du var blevet logget ud.')
  })
})

describe('a case', () => {
  it('shows the question and the answers, and does not say who of the staff wrote them', async () => {
    const path = await opened(asta)
    await office.post(`/cases${path.slice(8)}/answer`, { id: crypto.randomUUID(), text: 'Ring til klubben' })
    const { text } = await asta.get(path)
    expect(text.indexOf('Hvor bestiller')).toBeLessThan(text.indexOf('Ring til klubben'))
    expect(text).toContain('<strong>Supporten</strong>')
    expect(text).toContain('Besvaret')
    expect(text).not.toContain('Astrid')
  })

  it('shows HTML as the text that it is', async () => {
    const path = await opened(asta, { subject: '<b>Fed</b>', text: '<script>alert(1)</script>\n"&\'' })
    for (const { text } of [await asta.get(path), await asta.get('/support')]) {
      expect(text).not.toMatch(/<script|<b>/)
      expect(text).toContain('&lt;b&gt;Fed&lt;/b&gt;')
    }
  })

  it('takes one more message when it is sent twice, and is opened again where it was closed', async () => {
    const path = await opened(asta)
    await office.post(`/cases${path.slice(8)}/close`)
    expect((await asta.get(path)).text).toContain('Sagen er lukket.')
    const fields = { id: crypto.randomUUID(), text: 'Det virker ikke' }
    const answers = await Promise.all([asta.post(path, fields), asta.post(path, fields)])
    expect(answers.map(({ location }) => location)).toEqual([`${path}?gjort=sendt`, `${path}?gjort=sendt`])
    expect(await stored()).toEqual({ cases: 1, messages: 2 })
    const { text } = await asta.get(`${path}?gjort=sendt`)
    expect(text).toContain('Din besked er sendt.')
    expect(text).toContain('Venter på svar')
    expect(text).not.toContain('Sagen er lukket.')
  })

  it('takes no message that is empty, too long or without an id', async () => {
    const path = await opened(asta)
    const id = crypto.randomUUID()
    for (const fields of [
      { id, text: '' },
      { id, text: 'x'.repeat(4001) },
      { id: '1', text: 'Mere' },
    ]) {
      const { status, text } = await asta.post(path, fields)
      expect(status).toBe(400)
      expect(text).toContain('id="text-error"')
    }
    expect(await stored()).toEqual({ cases: 1, messages: 1 })
  })

  it('takes no more than fifty messages in a day, and shows again what was typed', async () => {
    const path = await opened(asta)
    const send = (text: string) => asta.post(path, { id: crypto.randomUUID(), text })
    const answers = []
    for (let n = 0; n < 49; n++) answers.push((await send('Mere')).status)
    expect(new Set(answers)).toEqual(new Set([303]))
    const { status, text } = await send('Det sidste, jeg skrev')
    expect(status).toBe(429)
    expect(text).toContain('Du kan sende 50 beskeder i døgnet, og der er plads til 200 i en sag.')
    expect(text).toContain('Det sidste, jeg skrev</textarea>')
    expect(await stored()).toEqual({ cases: 1, messages: 50 })
  })

  it('of another guardian does not exist, not even for the other parent of the same child', async () => {
    const path = await opened(asta, { phone: '20202020' })
    const nowhere = `/support/${crypto.randomUUID()}`
    const fields = () => ({ id: crypto.randomUUID(), text: 'Må jeg læse med?' })
    const unnamed = (text: string) => text.replaceAll(path.slice(9), '').replaceAll(nowhere.slice(9), '')
    const [foreign, absent] = [await birk.get(path), await birk.get(nowhere)]
    expect([foreign.status, absent.status]).toEqual([404, 404])
    expect(unnamed(foreign.text)).toBe(unnamed(absent.text))
    expect((await birk.post(path, fields())).status).toBe(404)
    expect((await birk.post(path, { id: crypto.randomUUID(), text: '' })).status).toBe(404)
    expect((await birk.get(`/support/x' OR 1=1 --`)).status).toBe(404)
    const list = (await birk.get('/support')).text
    for (const private_ of ['Kortet er væk', '20202020', path]) expect(list).not.toContain(private_)
    expect(await stored()).toEqual({ cases: 1, messages: 1 })
  })

  it('is behind the log-in', async () => {
    const path = await opened(asta)
    for (const address of ['/support', path]) {
      const { status, location } = await browse(4000, 'GET', address)
      expect([status, location]).toEqual([303, `/log-ind?tilbage=${encodeURIComponent(address)}`])
    }
  })
})

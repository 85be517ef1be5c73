import { beforeEach, describe, expect, it } from 'vitest'
import { reject } from '../../worker/payouts/payout-desk.ts'
import { requestPayout } from '../../worker/payouts/payouts.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  emptyDatabases,
  type Municipality,
  municipality,
  newSale,
} from './municipality.ts'
import { type Parent, parentOf } from './parent.ts'

let office: Municipality
let alma: CardHolder
let parent: Parent

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  alma = await cardHolder(office, { name: 'Alma Prøvebarn', credit: 20_000 })
  parent = await parentOf(office, '0101575001', [alma.child], 'Asta Prøveforælder')
})

const at = (rest = '') => `/konto/${alma.account}/udbetal${rest}`
const BANK = { name: 'Asta Prøveforælder', registration: '1234', bankAccount: '1234567', message: 'Til Alma' }

/** Sends the form; the fields are right unless `typed` says otherwise. */
const send = (typed: Record<string, string> = {}, who = parent) =>
  who.post(at(), { id: newSale(), page: at(), ...BANK, amount: '100', ...typed })

async function drafted(typed: Record<string, string> = {}, who = parent): Promise<string> {
  const { status, location } = await send(typed, who)
  expect([status, location]).toEqual([303, expect.stringMatching(/udbetal\/[0-9a-f-]{36}$/)])
  return location?.split('/').at(-1) ?? ''
}

async function requested(typed: Record<string, string> = {}, who = parent): Promise<string> {
  const id = await drafted(typed, who)
  expect(await requestPayout(office.db, id, who.guardian, Date.now())).toEqual({ kind: 'requested' })
  return id
}

/** Money that came in by card or MobilePay, as far as a payout looks at it. */
async function paidIn(id: string, amount: number, method: 'card' | 'mobilepay') {
  const now = Date.now()
  await office.db
    .prepare(
      `INSERT INTO payment (id, purpose, account, guardian, amount, mail, terms, status, intent, method, created_at, settled_at)
       VALUES (?1, 'deposit', ?2, ?3, ?4, 'a@b.example', 1, 'paid', 'pi_' || ?1, ?5, ?6, ?6)`,
    )
    .bind(id, alma.account, parent.guardian, amount, method, now)
    .run()
}

const main = (text: string) =>
  text
    .slice(text.indexOf('<main'), text.indexOf('</main>'))
    .replaceAll('&#39;', '’')
    .replaceAll(/<[^>]+>/g, ' ')
    .replaceAll(/\s+/g, ' ')
const fieldIn = (text: string, name: string) => new RegExp(`name="${name}"[^>]*value="([^"]*)"`).exec(text)?.[1]
const errorAt = (text: string, name: string) => new RegExp(`id="${name}-error">([^<]*)<`).exec(text)?.[1]

describe('the form', () => {
  it('has the guide’s labels, the name that MitID told, and the whole balance', async () => {
    const { text } = await parent.get(at())
    for (const label of ['Navn', 'Registreringsnummer', 'Kontonummer', 'Besked', 'Beløb']) {
      expect(text).toMatch(new RegExp(`<label class="form-label" for="\\w+">${label}</label>`))
    }
    expect(text).toMatch(/type="submit">Næste<\/button>/)
    expect([fieldIn(text, 'name'), fieldIn(text, 'amount')]).toEqual(['Asta Prøveforælder', '200,00'])
    expect(main(text)).toContain('Hele beløbet på 200,00 kr.')
  })

  it('writes no name for whoever’s name is protected', async () => {
    const hidden = await parentOf(office, '0501575005', [alma.child], null)
    const { text } = await hidden.get(at())
    expect(fieldIn(text, 'name')).toBe('')
    expect(text).not.toContain('Asta')
  })

  it('offers what is left of the day’s cap, and says when that is used up', async () => {
    await office.db.prepare('UPDATE municipality SET payout_day_max = 15000').run()
    expect(fieldIn((await parent.get(at())).text, 'amount')).toBe('150,00')
    await requested({ amount: '100' })
    const { text } = await parent.get(at())
    expect(fieldIn(text, 'amount')).toBe('50,00')
    expect(main(text)).toContain('I dag kan der højst udbetales 50,00 kr.')
    await requested({ amount: '50' })
    const over = main((await parent.get(at())).text)
    expect(over).toContain('Dagens grænse for udbetalinger er nået: 150,00 kr.')
    expect(over).not.toContain('Næste')
  })

  it('offers the whole cap of the day again once a payout has come back', async () => {
    await office.db.prepare('UPDATE municipality SET payout_day_max = 15000').run()
    const id = await requested({ amount: '150' })
    await reject(office.db, id, 1, 'Forkert navn', Date.now())
    expect(fieldIn((await parent.get(at())).text, 'amount')).toBe('150,00')
  })

  it('says beforehand what goes back the way it came, where the municipality has it so', async () => {
    const told = async () => main((await parent.get(at())).text)
    await office.post('/settings', { money: { refundDays: 120 } })
    expect(await told()).toMatch(/inden for de seneste 120 dage, går tilbage samme vej\. Resten går til bankkontoen\./)
    await office.post('/settings', { money: { refundDays: 0 } })
    expect(await told()).not.toMatch(/samme vej|Resten går/)
    expect(await told()).toContain('Du kan få hele saldoen')
  })

  it('keeps back what a bank is asked to take back, and says why', async () => {
    await paidIn('p1', 5_000, 'card')
    await office.db
      .prepare(
        `INSERT INTO dispute (id, payment, amount, status, created_at)
         VALUES ('dp_1', 'p1', 5000, 'needs_response', 1)`,
      )
      .run()
    const { text } = await parent.get(at())
    expect(fieldIn(text, 'amount')).toBe('150,00')
    expect(main(text)).toContain('Lige nu kan der højst udbetales 150,00 kr.')
    const over = await send({ amount: '151' })
    expect([over.status, errorAt(over.text, 'amount')]).toEqual([
      409,
      expect.stringContaining('højst udbetales 150,00'),
    ])
    const id = await drafted({ amount: '150' })
    await office.db.prepare("UPDATE payment SET amount = 6000 WHERE id = 'p1'").run()
    expect(main((await parent.get(at(`/${id}`))).text)).toContain('Lige nu kan der højst udbetales 140,00 kr.')
    expect(await parent.post(at(`/${id}/bekraeft`))).toMatchObject({ status: 303, location: at(`/${id}`) })
  })

  it('says so where there is nothing to pay out', async () => {
    await requested({ amount: '200' })
    expect(main((await parent.get(at())).text)).toContain('Der står ikke noget på kontoen')
  })

  it('is there for the account of a child that has left', async () => {
    await office.db.prepare('UPDATE child SET left_at = 1 WHERE id = ?').bind(alma.child).run()
    expect((await parent.get(at())).text).toContain('>Næste</button>')
    await requested({ amount: '200' })
  })

  it.each([
    ['name', '', 'Skriv navnet på den, der ejer bankkontoen.'],
    ['name', 'N'.repeat(71), 'Navnet kan højst være 70 tegn.'],
    ['name', 'Asta 👍', /^Navnet har tegn/],
    ['registration', '', /^Skriv bankkontoens registreringsnummer/],
    ['registration', '123', /^Registreringsnummeret er fire cifre/],
    ['registration', '12345', /^Registreringsnummeret er fire cifre/],
    ['registration', 'abcd', /^Registreringsnummeret er fire cifre/],
    ['bankAccount', '', /^Skriv bankkontoens kontonummer/],
    ['bankAccount', '12345678901', /^Kontonummeret er et til ti cifre/],
    ['bankAccount', 'DK5000400440116243', /^Kontonummeret er et til ti cifre/],
    ['bankAccount', '0000000000', /^Kontonummeret er et til ti cifre/],
    ['message', 'M'.repeat(141), 'Beskeden kan højst være 140 tegn.'],
    ['message', 'Tak 🎉', /^Beskeden har tegn/],
    ['amount', '', /^Skriv et beløb/],
    ['amount', 'mange penge', /^Skriv et beløb/],
    ['amount', '-5', /^Skriv et beløb/],
    ['amount', '0', 'Skriv et beløb, der er større end 0.'],
    ['amount', '0,001', /^Skriv et beløb/],
    ['amount', '200,01', 'Der står 200,00 kr. på kontoen. Skriv højst det.'],
    ['amount', '999999', 'Der står 200,00 kr. på kontoen. Skriv højst det.'],
  ])('with %s %j says what is wrong, keeps what was typed, and changes nothing', async (field, value, error) => {
    const before = await contents(office.db, 'viewing')
    const { status, text } = await send({ [field]: value })
    expect([400, 409]).toContain(status)
    const said = errorAt(text, field)
    if (typeof error === 'string') expect(said).toBe(error)
    else expect(said).toMatch(error)
    expect(text).toContain(`<a href="#${field}">`)
    for (const [name, typed] of Object.entries({ ...BANK, amount: '100', [field]: value })) {
      expect(fieldIn(text, name)).toBe(typed)
    }
    expect(await contents(office.db, 'viewing')).toEqual(before)
  })

  it('asks where to write, suggests what is known, and keeps what is given with the payout', async () => {
    expect(fieldIn((await parent.get(at())).text, 'mail')).toBe('')
    await paidIn('one', 100, 'card')
    expect(fieldIn((await parent.get(at())).text, 'mail')).toBe('a@b.example')
    await office.db.prepare("UPDATE guardian SET mail = 'own@b.example'").run()
    expect(fieldIn((await parent.get(at())).text, 'mail')).toBe('own@b.example')
    const wrong = await send({ mail: 'ingen' })
    expect(errorAt(wrong.text, 'mail')).toMatch(/^Skriv en mailadresse/)
    expect(fieldIn(wrong.text, 'mail')).toBe('ingen')
    const id = await drafted({ mail: ' given@b.example ' })
    expect((await parent.get(at(`/${id}`))).text).toContain('given@b.example')
    expect(fieldIn((await parent.get(at(`?ret=${id}`))).text, 'mail')).toBe('given@b.example')
    await drafted({ mail: '' })
  })

  it('above the day’s cap says what is left of it', async () => {
    await office.db.prepare('UPDATE municipality SET payout_day_max = 15000').run()
    await requested({ amount: '100' })
    const { status, text } = await send({ amount: '60' })
    expect([status, errorAt(text, 'amount')]).toEqual([
      409,
      'Der kan højst udbetales 150,00 kr. om dagen fra kontoen. I dag er der 50,00 kr. tilbage af det.',
    ])
  })

  it('sent twice makes one draft; sent again with something else, as after Back, another one', async () => {
    const id = newSale()
    const [one, two] = [await drafted({ id }), await drafted({ id })]
    expect([one, two]).toEqual([id, id])
    const other = await drafted({ id, amount: '50' })
    expect(other).not.toBe(id)
    const kept = await office.db.prepare('SELECT amount FROM payout ORDER BY amount').raw()
    expect(kept).toEqual([[5_000], [10_000]])
  })

  it('with an id that is none, or somebody else’s, takes nothing of theirs', async () => {
    const coparent = await parentOf(office, '0201575002', [alma.child], 'Birk Prøveforælder')
    const id = await drafted({}, coparent)
    await drafted({ id: 'ikke et id' })
    expect((await send({ id })).status).toBe(404)
    expect((await send({ id, amount: '20' })).status).toBe(404)
  })

  it('comes back with what had been typed when the session had ended', async () => {
    await office.db.prepare('UPDATE session SET seen_at = seen_at - 3600000').run()
    expect((await send({ amount: '75' })).text).toContain('kommer du tilbage til formularen')
    const kept = await office.db.prepare('SELECT draft FROM session').first<string>('draft')
    expect(JSON.parse(kept ?? '{}')).toMatchObject({ path: at(), fields: { amount: '75', bankAccount: '1234567' } })
  })
})

describe('the summary', () => {
  it('shows everything that was typed, whole, to be checked', async () => {
    const id = await drafted({ bankAccount: '1234 567', amount: '50' })
    const { text } = await parent.get(at(`/${id}`))
    expect(text).toContain('<h1>Kontrollér udbetalingen</h1>')
    const page = main(text)
    for (const told of ['Alma Prøvebarn', '50,00 kr.', 'Asta Prøveforælder', '1234', '0001234567', 'Til Alma']) {
      expect(page).toContain(told)
    }
    expect(page).toContain('Saldo bagefter 150,00 kr.')
    expect(page).toContain('Til bankkontoen 50,00 kr.')
    expect(text).toMatch(/<button class="mitid-button" type="submit">Godkend med MitID<\/button>/)
    expect(text).toContain(`action="${at(`/${id}/bekraeft`)}"`)
  })

  it('says how much goes back to card and MobilePay, how much to the bank, and why', async () => {
    await paidIn('p1', 6_000, 'card')
    await paidIn('p2', 3_000, 'mobilepay')
    const page = main((await parent.get(at(`/${await drafted({ amount: '150' })}`))).text)
    expect(page).toContain('Tilbage til det kort, der blev betalt med 60,00 kr.')
    expect(page).toContain('Tilbage til MobilePay 30,00 kr.')
    expect(page).toContain('Til bankkontoen 60,00 kr.')
    expect(page).toContain('stjålet kort')
    expect(page).toContain('Kommunen ser det igennem, der går til bankkontoen')
  })

  it('of what goes back whole says that nothing goes to the bank, and nobody has to approve it', async () => {
    await paidIn('p1', 10_000, 'card')
    const page = main((await parent.get(at(`/${await drafted({ amount: '100' })}`))).text)
    expect(page).toContain('Tilbage til det kort, der blev betalt med 100,00 kr.')
    expect(page).toContain('Der går ikke noget til bankkontoen denne gang')
    for (const told of ['Til bankkontoen', 'ser det igennem', 'ciffer for ciffer']) expect(page).not.toContain(told)
  })

  it('leads back to the form with what was typed, under a new id', async () => {
    const id = await drafted({ amount: '50', message: 'Ændres' })
    expect((await parent.get(at(`/${id}`))).text).toContain(`href="${at(`?ret=${id}`)}"`)
    const { text } = await parent.get(at(`?ret=${id}`))
    expect([fieldIn(text, 'message'), fieldIn(text, 'bankAccount'), fieldIn(text, 'amount')]).toEqual([
      'Ændres',
      '0001234567',
      '50,00',
    ])
    expect(fieldIn(text, 'id')).not.toBe(id)
  })

  it('that is older than 30 minutes cannot be confirmed, says so, and loses nothing', async () => {
    const id = await drafted()
    await office.db.prepare('UPDATE payout SET created_at = created_at - 1800000').run()
    const { text } = await parent.get(at(`/${id}`))
    expect(main(text)).toContain('mere end 30 minutter')
    expect(text).not.toContain('mitid-button')
    expect(await parent.post(at(`/${id}/bekraeft`))).toMatchObject({ status: 303, location: at(`/${id}`) })
    expect(fieldIn((await parent.get(at(`?ret=${id}`))).text, 'name')).toBe('Asta Prøveforælder')
  })

  it('whose money is gone meanwhile says how much there is', async () => {
    const id = await drafted({ amount: '150' })
    await requested({ amount: '120' })
    const { text } = await parent.get(at(`/${id}`))
    expect(main(text)).toContain('Der står nu 80,00 kr. på kontoen')
    expect(text).not.toContain('mitid-button')
    expect(await parent.post(at(`/${id}/bekraeft`))).toMatchObject({ status: 303, location: at(`/${id}`) })
  })

  it('that is above what is left of the day’s cap says what is left', async () => {
    const id = await drafted({ amount: '100' })
    await office.db.prepare('UPDATE municipality SET payout_day_max = 5000').run()
    expect(main((await parent.get(at(`/${id}`))).text)).toContain('I dag er der 50,00 kr. tilbage af det')
  })

  it('is nobody else’s: not the other parent’s, and not at another account', async () => {
    const bo = await cardHolder(office, { name: 'Bo Prøvebarn', credit: 20_000 })
    const both = await parentOf(office, '0201575002', [alma.child, bo.child], 'Birk Prøveforælder')
    const id = await drafted()
    for (const path of [at(`/${id}`), `/konto/${bo.account}/udbetal/${id}`]) {
      expect((await both.get(path)).status).toBe(404)
      expect((await both.post(`${path}/bekraeft`)).status).toBe(404)
    }
    const stolen = (await both.get(at(`?ret=${id}`))).text
    expect(stolen).not.toContain('1234567')
    for (const odd of ['/x', `/${newSale()}`, `/${id}x`]) expect((await parent.get(at(odd))).status).toBe(404)
  })
})

describe('the receipt', () => {
  const standing = (id: string, change: string) =>
    office.db.prepare(`UPDATE payout SET ${change} WHERE id = ?`).bind(id).run()

  it.each([
    ['requested', "status = 'requested'", 'Modtaget'],
    ['approved', "status = 'approved'", 'Godkendt'],
    ['paid', "status = 'paid'", 'Udbetalt'],
  ])('of a payout that is %s says so', async (_, change, state) => {
    const id = await requested()
    await standing(id, change)
    const { text } = await parent.get(at(`/${id}`))
    expect(text).toContain('<h1>Kvittering</h1>')
    expect(main(text)).toMatch(new RegExp(`Til bankkontoen ${state} `))
    expect(main(text)).toContain('0001234567')
    expect(text).not.toContain('mitid-button')
  })

  it.each([
    ["reason = 'Navnet passer ikke'", 'Begrundelse: Navnet passer ikke'],
    ["reason = 'bank:AC01'", 'Begrundelse: Kontonummeret findes ikke'],
    ["reason = 'bank:BE01'", 'Begrundelse: Navnet passer ikke til kontoen'],
    ["reason = 'bank:MS03'", 'Begrundelse: Banken har afvist overførslen'],
  ])('of one that came back, %s, says that the money is back, why, and how to try again', async (reason, told) => {
    const id = await requested()
    await standing(id, `status = 'rejected', ${reason}`)
    const { text } = await parent.get(at(`/${id}`))
    const page = main(text)
    expect(page).toMatch(/Til bankkontoen Afvist Pengene er tilbage på kontoen\. Begrundelse/)
    expect(page).toContain('100,00 kr. er sat tilbage på kontoen')
    expect(page).toContain(told)
    expect(text).toContain(`href="${at(`?ret=${id}`)}"`)
  })

  it('tells of what goes back to a card by itself', async () => {
    await paidIn('p1', 6_000, 'card')
    await paidIn('p2', 4_000, 'mobilepay')
    const id = await requested()
    const page = async () => main((await parent.get(at(`/${id}`))).text)
    expect(await page()).toMatch(/Tilbage til MobilePay På vej .*Tilbage til det kort, der blev betalt med På vej/)
    expect(await page()).not.toContain('Til bankkontoen')
    await office.db.prepare("UPDATE refund SET status = 'succeeded' WHERE payment = 'p1'").run()
    await office.db.prepare("UPDATE refund SET status = 'failed' WHERE payment = 'p2'").run()
    expect(await page()).toContain('Tilbage til det kort, der blev betalt med Tilbagebetalt')
    expect(await page()).toContain('40,00 kr. kunne ikke sendes tilbage')
    expect(await page()).toContain('Tilbage til MobilePay Kunne ikke sendes Pengene er tilbage på kontoen.')
  })

  it('stands in the list under the form; of another parent’s it tells amount and state, and no bank account', async () => {
    const id = await requested()
    expect((await parent.get(at())).text).toContain(`href="${at(`/${id}`)}"`)
    const coparent = await parentOf(office, '0201575002', [alma.child], 'Birk Prøveforælder')
    await standing(id, "status = 'rejected', reason = 'Asta har skrevet forkert'")
    const { text } = await coparent.get(at())
    expect(main(text)).toMatch(/100,00 kr\. .*Afvist Pengene er tilbage på kontoen\. .*Bestilt af en anden forælder/)
    for (const secret of [id, '1234567', 'Asta', 'Til Alma']) expect(text).not.toContain(secret)
    expect((await coparent.get(at(`/${id}`))).status).toBe(404)
  })

  it('is where the confirm button leads once it has been confirmed', async () => {
    const id = await requested()
    expect(await parent.post(at(`/${id}/bekraeft`))).toMatchObject({ status: 303, location: at(`/${id}`) })
  })
})

import { env } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { keepDraft } from '../../worker/login/sessions.ts'
import { beginCardChange, beginSetup, completeSetup } from '../../worker/payments/agreement-setup.ts'
import { draftAgreement } from '../../worker/payments/agreements.ts'
import { newBroker } from './guest.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  emptyDatabases,
  type Municipality,
  municipality,
  newSale,
  pay,
} from './municipality.ts'
import { browse, type Parent, parentOf, type Shown } from './parent.ts'
import { stripeAccount, type TestStripe } from './stripe.ts'

let office: Municipality
let ida: CardHolder
let asta: Parent
let birk: Parent
let oidc: Record<string, string>
let stripe: TestStripe
const NO_STRIPE = { STRIPE_SECRET_KEY: '', STRIPE_WEBHOOK_SECRET: '' }

beforeEach(async () => {
  await emptyDatabases()
  vi.spyOn(console, 'error').mockImplementation(() => {})
  office = await municipality()
  ida = await cardHolder(office, { name: 'Ida Prøvebarn', credit: 6_500 })
  asta = await parentOf(office, '0101575001', [ida.child], 'Asta Prøveforælder')
  birk = await parentOf(office, '0201575002', [ida.child], 'Birk Prøveforælder')
  await office.post('/publications', { kind: 'terms', language: 'da', text: 'Vilkår' })
  const { idura } = await newBroker()
  oidc = { OIDC_4000: JSON.stringify(idura) }
  stripe = stripeAccount()
})
afterEach(() => vi.restoreAllMocks())

const at = (rest: string) => `/konto/${ida.account}/${rest}`
const typed = (fields: Record<string, string> = {}) => ({
  id: newSale(),
  mail: 'asta@proeve.example',
  amount: '100',
  accept: 'on',
  terms: 'da-1',
  page: at('indbetaling'),
  ...fields,
})
const value = (text: string, name: string) =>
  new RegExp(`name="${name}"[^>]* value="([^"]*)"`).exec(text)?.[1] ??
  new RegExp(`value="([^"]*)"[^>]* name="${name}"`).exec(text)?.[1]
const heading = ({ text }: Shown) => /<h1>(.*?)<\/h1>/.exec(text)?.[1]
const checkoutIn = (location: string | null) => /cs_\w+/.exec(location ?? '')?.[0] ?? ''
const payments = async () => (await contents(office.db)).payment as Record<string, unknown>[]
const agreements = async () => (await contents(office.db)).agreement as Record<string, unknown>[]

/** A deposit that has been begun: its receipt's address, and its page at Stripe. */
async function begun(fields: Record<string, string> = {}) {
  const sent = typed(fields)
  const { status, location } = await asta.post(at('indbetaling'), sent)
  expect(status).toBe(303)
  return { receipt: at(`indbetaling/${sent.id}`), checkout: checkoutIn(location), location, sent }
}

type Begun = Awaited<ReturnType<typeof begun>>

/** A form with nothing but the address that its guardian has given. */
const OWN = ['en-anden@proeve.example', '']

describe('the form of a deposit', () => {
  it('has two tabs, the own mail address, the bounds of the municipality, and the version of the terms', async () => {
    await office.post('/settings', { money: { depositMin: 2_500, depositMax: 75_050 } })
    await asta.post('/brugerinfo/om-dig', { language: 'da', mail: 'asta@proeve.example' })
    const page = await asta.get(at('indbetaling'))
    expect([page.status, heading(page)]).toEqual([200, 'Indbetaling'])
    for (const words of ['Indbetal', 'Automatisk optankning', 'Mailadresse', 'Beløb', 'Næste']) {
      expect(page.text).toContain(`>${words}<`)
    }
    expect(page.text).toMatch(/class="tab-button" href="[^"]*\/indbetaling" aria-current="page"/)
    expect(page.text).toContain('Jeg har læst og accepterer handelsbetingelserne')
    expect(page.text).toContain('Mindst 25,- kr. og højst 750,50 kr.')
    expect(page.text).toContain('href="/handelsbetingelser?version=1&amp;sprog=da"')
    expect([value(page.text, 'mail'), value(page.text, 'terms')]).toEqual(['asta@proeve.example', 'da-1'])
    expect(value(page.text, 'id')).toMatch(/^[0-9a-f-]{14}7[0-9a-f]{3}-/)
  })

  it('may lead to Stripe’s page, and to nobody else’s', async () => {
    const policy = async (more?: Record<string, string>) => {
      const { headers } = await browse(4000, 'GET', at('indbetaling'), { cookie: asta.cookie, ...(more && { more }) })
      return /form-action ([^;]*)/.exec(headers.get('content-security-policy') ?? '')?.[1]
    }
    expect(await policy()).toBe(`'self' ${env.STRIPE_ADDRESS}`)
    expect(await policy(NO_STRIPE)).toBe("'self'")
  })

  it('leads to a page at Stripe for that amount, and to the same one when it is sent twice', async () => {
    const { location, checkout, sent } = await begun({ amount: '1.250,50' })
    expect(location).toMatch(new RegExp(`^${env.STRIPE_ADDRESS}/`))
    expect(stripe.standIn.state.sessions[checkout]).toMatchObject({
      amount_total: 125_050,
      currency: 'dkk',
      customer_email: 'asta@proeve.example',
    })
    expect((await asta.post(at('indbetaling'), sent)).location).toBe(location)
    expect(await payments()).toMatchObject([{ id: sent.id, amount: 125_050, terms: 'da-1', status: 'open' }])
  })

  it('says by the field what is wrong, keeps what was typed, and stores nothing', async () => {
    const wrong: [string, Record<string, string>, string][] = [
      ['mail', { mail: '@' }, 'Skriv en mailadresse'],
      ['amount', { amount: 'mange' }, 'Skriv et beløb fra 50,- kr.'],
      ['amount', { amount: '49,99' }, 'Skriv et beløb fra 50,- kr.'],
      ['amount', { amount: '1000000' }, 'Skriv et beløb'],
      ['amount', { amount: '-100' }, 'Skriv et beløb'],
      ['accept', { accept: '' }, 'sæt flueben'],
      ['accept', { terms: 'da-2' }, 'er blevet ændret'],
      ['deposit', { id: 'x' }, 'Der er ikke trukket penge'],
    ]
    for (const [field, fields, words] of wrong) {
      const page = await asta.post(at('indbetaling'), typed({ amount: '77,50', ...fields }))
      expect([page.status, field]).toEqual([400, field])
      expect(page.text).toMatch(new RegExp(`<a href="#${field}">[^<]*${words}`))
      if (field !== 'amount') expect(value(page.text, 'amount')).toBe('77,50')
    }
    expect(await payments()).toEqual([])
    expect(stripe.standIn.calls).toEqual([])
  })

  it('is shown again, without its tick, when the terms have changed meanwhile', async () => {
    const sent = typed()
    await office.post('/publications', { kind: 'terms', language: 'da', text: 'Nye vilkår' })
    const page = await asta.post(at('indbetaling'), sent)
    expect(page.status).toBe(400)
    expect(page.text).toContain('Handelsbetingelserne er blevet ændret')
    expect(value(page.text, 'terms')).toBe('da-2')
    expect(page.text).not.toMatch(/id="accept"[^>]* checked/)
    expect((await asta.post(at('indbetaling'), { ...sent, terms: 'da-2' })).status).toBe(303)
    expect(await payments()).toMatchObject([{ terms: 'da-2' }])
  })

  it('that is sent again with another amount asks once more, as a payment of its own', async () => {
    const { sent } = await begun()
    const page = await asta.post(at('indbetaling'), { ...sent, amount: '200' })
    expect(page.status).toBe(409)
    expect(value(page.text, 'amount')).toBe('200')
    const id = value(page.text, 'id') ?? ''
    expect(id).not.toBe(sent.id)
    expect((await asta.post(at('indbetaling'), typed({ id, amount: '200' }))).status).toBe(303)
    expect((await payments()).map(({ amount }) => amount).sort()).toEqual([10_000, 20_000])
  })

  it.each(['busy', 'cut', 'error'] as const)(
    'says that Stripe is away (%s), keeps what was typed, and goes through minutes later as the form then stands',
    async (fault) => {
      stripe.standIn.fail(fault)
      const sent = typed({ amount: '123,50' })
      const page = await asta.post(at('indbetaling'), sent)
      expect(page.status).toBe(503)
      expect(page.text).toContain('svarer ikke lige nu. Der er ikke trukket penge')
      expect([value(page.text, 'amount'), value(page.text, 'mail')]).toEqual(['123,50', sent.mail])
      const id = value(page.text, 'id') ?? ''
      expect(id).not.toBe(sent.id)
      stripe.standIn.mend()
      await office.db.prepare('UPDATE payment SET created_at = created_at - 120000').run()
      expect((await asta.post(at('indbetaling'), { ...sent, id })).status).toBe(303)
      expect(Object.keys(stripe.standIn.state.sessions)).toHaveLength(1)
    },
  )

  it('that is sent as it was minutes after Stripe was away is shown again, and has not been declined', async () => {
    stripe.standIn.fail('busy')
    const sent = typed({ amount: '123,50' })
    await asta.post(at('indbetaling'), sent)
    stripe.standIn.mend()
    await office.db.prepare('UPDATE payment SET created_at = created_at - 120000').run()
    for (let times = 0; times < 2; times++) {
      const page = await asta.post(at('indbetaling'), sent)
      expect(page.status).toBe(503)
      expect(page.text).toContain('Betalingen kunne ikke begynde, og der er ikke trukket penge')
      expect(value(page.text, 'amount')).toBe('123,50')
      expect(value(page.text, 'id')).not.toBe(sent.id)
    }
  })

  it('says within seconds that Stripe is away, though it never answers, and so does the receipt', async () => {
    const { receipt } = await begun()
    stripe.standIn.fail('silence')
    const startedAt = performance.now()
    const [form, waiting] = await Promise.all([asta.post(at('indbetaling'), typed()), asta.get(receipt)])
    expect(performance.now() - startedAt).toBeLessThan(8_000)
    expect([form.status, waiting.status]).toEqual([503, 200])
    for (const { text } of [form, waiting]) expect(text).toContain('svarer ikke lige nu')
  }, 30_000)

  it('keeps what was typed over a log-out', async () => {
    await keepDraft(office.db, asta.token, { path: at('indbetaling'), fields: typed({ amount: '321' }) }, Date.now())
    const page = await asta.get(at('indbetaling'))
    expect(value(page.text, 'amount')).toBe('321')
  })

  it('is not there without terms, without an account at Stripe, or for a child that has left', async () => {
    const closed = await browse(4000, 'GET', at('indbetaling'), { cookie: asta.cookie, more: NO_STRIPE })
    expect(closed.text).toContain('har ikke åbnet for indbetaling')
    expect(closed.text).not.toContain('name="amount"')
    await office.db.prepare('UPDATE child SET left_at = ?').bind(Date.now()).run()
    for (const page of [await asta.get(at('indbetaling')), await asta.post(at('indbetaling'), typed())]) {
      expect(page.text).toContain('Ida Prøvebarn er meldt ud')
      expect(page.text).toContain(`href="${at('udbetal')}"`)
      expect(page.text).not.toContain('name="amount"')
    }
    await office.db.batch([
      office.db.prepare('UPDATE child SET left_at = NULL'),
      office.db.prepare('DELETE FROM publication'),
    ])
    for (const page of [await asta.get(at('indbetaling')), await asta.post(at('indbetaling'), typed())]) {
      expect(page.text).toContain('har ikke åbnet for indbetaling')
    }
    expect(await payments()).toEqual([])
  })

  it('of an id that is another guardian’s is not found', async () => {
    const { sent } = await begun()
    expect((await birk.post(at('indbetaling'), sent)).status).toBe(404)
  })
})

describe('the receipt', () => {
  it('is right before any webhook has come, stays so, and the webhook changes nothing', async () => {
    const { receipt, checkout } = await begun()
    stripe.standIn.pay(checkout)
    for (let times = 0; times < 2; times++) {
      const page = await asta.get(receipt)
      expect([page.status, heading(page)]).toEqual([200, 'Kvittering'])
      for (const words of ['100,00 kr.', 'Kreditkort', '165,00 kr.', 'asta@proeve.example', 'Ida Prøvebarn']) {
        expect(page.text).toContain(words)
      }
    }
    await stripe.standIn.deliver()
    expect((await asta.get(receipt)).text).toContain('165,00 kr.')
    expect((await office.get<{ violations: unknown[] }>('/ledger/check')).violations).toEqual([])
  })

  it('says MobilePay where that paid, and is right where the webhook came first', async () => {
    const { receipt, checkout } = await begun()
    stripe.standIn.pay(checkout, { mobilepay: true })
    await stripe.standIn.deliver()
    const page = await asta.get(receipt)
    expect(heading(page)).toBe('Kvittering')
    expect(page.text).toContain('MobilePay')
  })

  it('waits while nothing is paid, with a way back to Stripe, also while Stripe is away', async () => {
    const { receipt, location } = await begun()
    const page = await asta.get(receipt)
    expect(heading(page)).toBe('Betalingen er ikke afsluttet endnu')
    expect(page.text).toContain('Vi venter på svar fra Stripe')
    expect(page.text).toContain(`href="${receipt}"`)
    expect(page.text).toContain(`href="${location}"`)
    expect(page.text).not.toMatch(/<script|http-equiv/)
    stripe.standIn.fail('busy')
    const away = await asta.get(receipt)
    expect([away.status, heading(away)]).toEqual([200, 'Betalingen er ikke afsluttet endnu'])
    expect(away.text).toContain('svarer ikke lige nu')
  })

  it('ends the page at Stripe for whoever cancels, and says that nothing was taken', async () => {
    const { receipt, checkout } = await begun()
    const { status, location } = await asta.get(`${receipt}?afbrudt=1`)
    expect([status, location]).toEqual([303, receipt])
    expect(stripe.standIn.state.sessions[checkout]?.status).toBe('expired')
    const page = await asta.get(receipt)
    expect(heading(page)).toBe('Du afbrød betalingen')
    expect(page.text).toContain('<p class="alert-text">Der er ikke trukket penge.</p>')
  })

  it('of a payment that was made after all is a receipt, whatever the address says', async () => {
    const { receipt, checkout } = await begun()
    stripe.standIn.pay(checkout)
    await asta.get(`${receipt}?afbrudt=1`)
    expect(heading(await asta.get(receipt))).toBe('Kvittering')
  })

  it.each([
    ['cancelled', async ({ receipt }: Begun): Promise<unknown> => asta.get(`${receipt}?afbrudt=1`)],
    [
      'declined',
      async ({ checkout }: Begun): Promise<unknown> => {
        stripe.standIn.pay(checkout, { card: '4000000000000002' })
        return stripe.standIn.expire(checkout)
      },
    ],
    ['that ran out', async ({ checkout }: Begun): Promise<unknown> => stripe.standIn.expire(checkout)],
  ] as const)(
    'of a payment %s leads to a form with its mail and amount, which its payer alone is shown',
    async (_, end) => {
      await asta.post('/brugerinfo/om-dig', { language: 'da', mail: 'en-anden@proeve.example' })
      const payment = await begun({ amount: '1234,50' })
      await end(payment)
      const again: string = /href="([^"]*)"[^>]*>Prøv igen</.exec((await asta.get(payment.receipt)).text)?.[1] ?? ''
      expect(again).toBe(at(`indbetaling?igen=${payment.sent.id}`)) // And nothing about anybody.
      const filled = async (who: Parent, path: string) => {
        const { status, text } = await who.get(path)
        return { status, typed: [value(text, 'mail'), value(text, 'amount')], id: value(text, 'id') }
      }
      const { status, typed: shown, id } = await filled(asta, again)
      expect([status, ...shown]).toEqual([200, 'asta@proeve.example', '1234,50'])
      expect(id).not.toBe(payment.sent.id)
      expect((await asta.get(again)).text).not.toMatch(/id="accept"[^>]* checked/)
      const kind = async (who: Parent, path: string) => (await filled(who, path)).typed
      expect(await kind(birk, again)).toEqual(['', ''])
      const ole = await cardHolder(office, { name: 'Ole Prøvebarn' })
      await office.post(`/children/${ole.child}/guardians`, { cpr: '0101575001' })
      expect(await kind(asta, `/konto/${ole.account}/indbetaling?igen=${payment.sent.id}`)).toEqual(OWN)
      for (const odd of ['x', newSale()]) expect(await kind(asta, at(`indbetaling?igen=${odd}`))).toEqual(OWN)
    },
  )

  it('says which version of the terms was accepted, with the way to read it, whatever is in force by then', async () => {
    for (const text of ['Vilkår to', 'Vilkår tre']) {
      await office.post('/publications', { kind: 'terms', language: 'da', text })
    }
    const { receipt, checkout } = await begun({ terms: 'da-3' })
    stripe.standIn.pay(checkout)
    await asta.get(receipt)
    await office.post('/publications', { kind: 'terms', language: 'da', text: 'Vilkår fire' })
    const link = /<dt>Accepterede handelsbetingelser<\/dt><dd><a href="([^"]*)">Version 3 på dansk<\/a>/
    const [, terms = ''] = link.exec((await asta.get(receipt)).text) ?? []
    expect((await asta.get(terms.replaceAll('&amp;', '&'))).text).toContain('Vilkår tre')
  })

  it('says that the page ran out, that a card was declined, and that an amount does not fit', async () => {
    const expired = await begun()
    stripe.standIn.expire(expired.checkout)
    expect((await asta.get(expired.receipt)).text).toContain('Der gik for lang tid')

    const declined = await begun()
    stripe.standIn.pay(declined.checkout, { card: '4000000000000002' })
    stripe.standIn.expire(declined.checkout)
    expect((await asta.get(declined.receipt)).text).toContain('Betalingen blev afvist')

    const odd = await begun()
    stripe.standIn.pay(odd.checkout, { amount: 9_900 })
    const page = await asta.get(odd.receipt)
    expect(heading(page)).toBe('Betalingen skal undersøges')
    expect(page.text).toContain('href="/support"')
  })

  it('is the payer’s alone, and asks the database twice once the payment has ended', async () => {
    const { receipt, checkout, sent } = await begun()
    stripe.standIn.pay(checkout)
    await asta.get(receipt)
    expect((await birk.get(receipt)).status).toBe(404)
    expect((await asta.get(at(`indbetaling/${newSale()}`))).status).toBe(404)
    expect((await asta.get(at('indbetaling/x'))).status).toBe(404)
    const calls = stripe.standIn.calls.length
    const trips = vi.spyOn(Object.getPrototypeOf(office.db), 'batch')
    expect((await asta.get(at(`indbetaling/${sent.id}`))).status).toBe(200)
    expect(trips).toHaveBeenCalledTimes(2)
    expect(stripe.standIn.calls).toHaveLength(calls)
  })
})

describe('automatic top-up', () => {
  /** What is asked of Stripe for a page where an agreement gets a card. */
  const pageOf = (id: string) =>
    ({ id, guardian: asta.guardian, language: 'da', consent: 'Ja', origin: 'http://4000.localhost' }) as const

  /** An agreement whose card has been given, or is about to be. */
  async function made(card: string | null = '4242424242424242', expires = '12/49') {
    const id = newSale()
    const guardian = asta.guardian
    const draft = { id, account: ida.account, guardian, amount: 20_000, mail: 'asta@proeve.example', terms: 'da-1' }
    expect(await draftAgreement(office.db, draft, Date.now())).toBe('drafted')
    const page = await beginSetup(office.db, stripe.account(), pageOf(id), Date.now())
    if (page.kind !== 'page') throw new Error(page.kind)
    if (card !== null) stripe.standIn.pay(checkoutIn(page.address), { card, expires })
    return { id, back: at(`optankning/${id}`), page }
  }
  const tab = () => asta.get(at('optankning'))

  it('says the rule of 50 and 100 kr. in the guide’s words, what is consented to, and that MitID asks again', async () => {
    const page = await tab()
    expect([page.status, heading(page)]).toEqual([200, 'Indbetaling'])
    expect(page.text).toContain('Beløb som ønskes optanket, når saldo kommer under 50,- kr.')
    expect(page.text).toContain(
      'skal saldo på kontoen være 100,- kr. eller mere, for at optankningsaftalen træder i kraft',
    )
    expect(page.text).toContain('Kommune 4000 må trække det beløb')
    expect(page.text).toContain('højst 2 gange om dagen')
    expect(page.text).toContain('beder MitID dig om at logge ind igen')
    expect(page.text).toMatch(/class="tab-button" href="[^"]*\/optankning" aria-current="page"/)
  })

  it('is drafted, and leads to the broker for a fresh log-in', async () => {
    const fields = { csrf: asta.csrf, ...typed({ page: at('optankning') }) }
    const sent = await browse(4000, 'POST', at('optankning'), { cookie: asta.cookie, fields, more: oidc })
    expect(sent.status).toBe(303)
    expect(new URL(sent.location ?? '').searchParams.get('prompt')).toBe('login')
    expect(await agreements()).toMatchObject([{ id: fields.id, status: 'draft', amount: 10_000, threshold: 5_000 }])
    expect((await tab()).text).toContain('name="amount"') // A draft is nothing yet.
  })

  it('says by the field what is wrong, and drafts nothing', async () => {
    for (const [field, fields] of [
      ['mail', { mail: '' }],
      ['amount', { amount: '49' }],
      ['accept', { accept: '' }],
    ] as const) {
      const page = await asta.post(at('optankning'), typed(fields))
      expect([page.status, page.text.includes(`<a href="#${field}">`)]).toEqual([400, true])
    }
    expect(await agreements()).toEqual([])
  })

  it('waits below 100 kr., says so, and comes into force with the deposit that brings it there', async () => {
    const { back } = await made()
    expect((await asta.get(back)).location).toBe(at('optankning?gjort=oprettet'))
    const waiting = await tab()
    expect(waiting.text).toContain('træder i kraft, når saldoen er 100,- kr. eller mere. Den er nu 65,00 kr.')
    const { receipt, checkout } = await begun()
    stripe.standIn.pay(checkout)
    await asta.get(receipt)
    const active = await tab()
    expect(active.text).toContain('>Aktiv<')
    expect(active.text).toContain('Visa der ender på 4242')
    expect(active.text).toContain('12/2049')
  })

  it('is in force at once at 100 kr., and says only once that it was made', async () => {
    await pay(office, ida.account, 3_500)
    const { back } = await made()
    const { location } = await asta.get(back)
    expect((await asta.get(location ?? '')).text).toContain('Aftalen er oprettet.')
    expect((await asta.get(back)).location).toBe(at('optankning'))
  })

  it('that was left at Stripe can be gone on with or dropped', async () => {
    const { back, page } = await made(null)
    const unfinished = await asta.get(back)
    expect(unfinished.text).toContain('>Ikke færdig<')
    expect(unfinished.text).toContain(`href="${page.address}"`)
    expect((await asta.post(`${back}/annuller`)).location).toBe(at('optankning?gjort=annulleret'))
    expect((await asta.get(at('optankning?gjort=annulleret'))).text).toContain('Aftalen er annulleret.')
    expect(await agreements()).toMatchObject([{ status: 'cancelled' }])
  })

  it('that is unfinished is on the tab with both ways, and in the way of another', async () => {
    const { id, page } = await made(null)
    const unfinished = (await tab()).text
    expect(unfinished).toContain('>Ikke færdig<')
    expect(unfinished).toContain(`href="${page.address}"`)
    expect(unfinished).toContain(`/optankning/${id}/annuller"`)
    const another = await asta.post(at('optankning'), typed())
    expect(another.status).toBe(409)
    expect(another.text).toContain('Du er allerede ved at oprette en aftale.')
    expect(await agreements()).toHaveLength(1)
    expect((await birk.get(at('optankning'))).text).toContain('name="amount"')
  })

  it('that is turned back from at Stripe is dropped, with the form and a word, and its page closed', async () => {
    const { back, page } = await made(null)
    expect((await asta.get(`${back}?afbrudt=1`)).location).toBe(at('optankning?gjort=afbrudt'))
    const form = (await asta.get(at('optankning?gjort=afbrudt'))).text
    expect(form).toContain('Du afbrød hos Stripe, så der er ikke oprettet nogen aftale.')
    expect(form).toContain('name="amount"')
    expect(await agreements()).toMatchObject([{ status: 'cancelled' }])
    await vi.waitFor(() => expect(stripe.standIn.state.sessions[checkoutIn(page.address)]?.status).toBe('expired'))
    expect((await asta.get(`${back}?afbrudt=1`)).location).toBe(at('optankning'))
  })

  it('is told to whoever comes back after Stripe’s webhook as before it, and so is another card', async () => {
    const { id, page } = await made()
    const wayBack = (address: string) => stripe.standIn.state.sessions[checkoutIn(address)]?.success_url ?? ''
    await completeSetup(office.db, stripe.account(), id, Date.now())
    expect((await asta.get(wayBack(page.address).replace('http://4000.localhost', ''))).location).toBe(
      at('optankning?gjort=oprettet'),
    )
    const change = await beginCardChange(office.db, stripe.account(), pageOf(id), Date.now() + 1)
    if (change.kind !== 'page') throw new Error(change.kind)
    stripe.standIn.pay(checkoutIn(change.address), { card: '5555555555554444', expires: '12/49' })
    await completeSetup(office.db, stripe.account(), id, Date.now())
    expect((await asta.get(wayBack(change.address).replace('http://4000.localhost', ''))).location).toBe(
      at('optankning?gjort=kort'),
    )
  })

  it('whose card was given all the same is not dropped by the way back', async () => {
    const { back } = await made()
    expect((await asta.get(`${back}?afbrudt=1`)).location).toBe(at('optankning?gjort=oprettet'))
    expect((await asta.get(`${back}?afbrudt=1`)).location).toBe(at('optankning'))
    expect(await agreements()).toMatchObject([{ status: 'waiting' }])
  })

  it('keeps its card where the change of it is turned back from, and says so', async () => {
    const { id, back } = await made()
    await asta.get(back)
    await beginCardChange(office.db, stripe.account(), pageOf(id), Date.now() + 1)
    expect((await asta.get(`${back}?afbrudt=1`)).location).toBe(at('optankning?gjort=kort-afbrudt'))
    const kept = (await asta.get(at('optankning?gjort=kort-afbrudt'))).text
    expect(kept).toContain('Kortet er ikke skiftet.')
    expect(kept).toContain('der ender på 4242')
  })

  it('says that Stripe does not answer, and loses nothing', async () => {
    const { back } = await made()
    stripe.standIn.fail('busy')
    expect((await asta.get(back)).text).toContain('Stripe svarer ikke lige nu')
    stripe.standIn.mend()
    expect((await asta.get(back)).location).toBe(at('optankning?gjort=oprettet'))
  })

  it('that is paused says why and what mends it, and goes on again', async () => {
    await pay(office, ida.account, 3_500)
    const { id, back } = await made()
    await asta.get(back)
    const pause = (reason: string) =>
      office.db.prepare("UPDATE agreement SET status = 'paused', paused_for = ? WHERE id = ?").bind(reason, id).run()
    await pause('card_unusable')
    const lost = (await tab()).text
    expect(lost).toContain('fordi kortet ikke kan bruges mere')
    expect(lost).not.toContain('genoptag')
    expect((await asta.post(`${back}/genoptag`)).status).toBe(409)
    await pause('declined')
    expect((await tab()).text).toContain('fordi dit kort blev afvist')
    expect((await asta.post(`${back}/genoptag`)).location).toBe(at('optankning?gjort=genoptaget'))
    expect((await tab()).text).toContain('>Aktiv<')
  })

  it('changes its card only after a fresh log-in, and warns of a card that expires', async () => {
    const month = new Date().toISOString().slice(0, 7).split('-')
    const { back } = await made('4242424242424242', `${month[1]}/${month[0]?.slice(2)}`)
    await asta.get(back)
    expect((await tab()).text).toContain(`Kortet udløber ${month[1]}/${month[0]}.`)
    const guest = { cookie: asta.cookie, fields: { csrf: asta.csrf }, more: oidc }
    const { location } = await browse(4000, 'POST', `${back}/kort`, guest)
    expect(new URL(location ?? '').searchParams.get('prompt')).toBe('login')
    expect(Object.keys(stripe.standIn.state.sessions)).toHaveLength(1)
  })

  it('of another guardian is there, and nothing more is told or can be done', async () => {
    const { id, back } = await made()
    await asta.get(back)
    const page = await birk.get(at('optankning'))
    expect(page.text).toContain('oprettet af en anden af barnets forældre')
    for (const secret of ['4242', '200,00', 'asta@', 'Asta', id, 'name="amount"'])
      expect(page.text).not.toContain(secret)
    const before = await agreements()
    for (const rest of ['', '/annuller', '/kort', '/genoptag']) {
      const asked = rest ? birk.post(back + rest) : birk.get(back)
      expect((await asked).status).toBe(404)
    }
    expect((await birk.post(at('optankning'), typed())).status).toBe(409)
    expect(await agreements()).toEqual(before)
  })

  it('cannot be claimed by an address to have been cancelled or made', async () => {
    const { back } = await made()
    expect((await asta.get(at('optankning?gjort=oprettet'))).text).not.toContain('Aftalen er oprettet.')
    await asta.get(back)
    expect((await asta.get(at('optankning?gjort=annulleret'))).text).not.toContain('Aftalen er annulleret.')
  })
})

describe('the file of what is stored', () => {
  it('has the guardian’s payments and agreements, and nothing that is Stripe’s alone or another guardian’s', async () => {
    const { receipt, checkout } = await begun()
    stripe.standIn.pay(checkout)
    await asta.get(receipt)
    const draft = { id: newSale(), account: ida.account, guardian: asta.guardian, amount: 20_000, terms: 'da-1' }
    await draftAgreement(office.db, { ...draft, mail: 'asta@proeve.example' }, Date.now())
    const { text } = await asta.get('/privatliv/mine-data')
    const { money } = JSON.parse(text)
    expect(money.payments).toMatchObject([
      { purpose: 'deposit', amountOre: 10_000, mail: 'asta@proeve.example', status: 'paid', method: 'card' },
    ])
    expect(money.payments[0].createdAt).toMatch(/^\d{4}-\d\d-\d\dT/)
    expect(money.agreements).toMatchObject([{ amountOre: 20_000, thresholdOre: 5_000, status: 'draft' }])
    for (const secret of [checkout, 'checkout', 'customer', 'paymentMethod', 'cus_', 'pm_']) {
      expect(JSON.stringify(money)).not.toContain(secret)
    }
    const other = JSON.parse((await birk.get('/privatliv/mine-data')).text).money
    expect(other).toEqual({ payments: [], refunds: [], disputes: [], agreements: [], payouts: [], cardOrders: [] })
  })
})

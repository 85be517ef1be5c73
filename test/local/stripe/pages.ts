import type Stripe from 'stripe'
import type { Acquirer } from './acquirer.ts'
import { idOf, type State } from './state.ts'

/** The pages that a payer sees: plain HTML without scripts, in Danish or English, clearly not the real thing. */

const TEXTS = {
  da: {
    notice: 'Dette er en efterligning af Stripe. Her flyttes ingen rigtige penge.',
    payTitle: 'Betaling',
    setupTitle: 'Gem kort',
    total: 'I alt',
    method: 'Betal med',
    card: 'Kort',
    number: 'Kortnummer',
    expires: 'Udløb (MM/ÅÅ)',
    cvc: 'CVC',
    pay: 'Betal',
    store: 'Gem kort',
    cancel: 'Annuller',
    testCards:
      'Testkort: 4242 4242 4242 4242 går godt, 4000 0000 0000 0002 afvises, 4000 0027 6000 3184 skal godkendes.',
    declined: 'Kortet blev afvist. Prøv igen, eller brug et andet kort.',
    poor: 'Kortet blev afvist, fordi der ikke er penge nok. Prøv et andet kort.',
    expired: 'Kortet er udløbet. Brug et andet kort.',
    unapproved: 'Betalingen blev ikke godkendt. Prøv igen.',
    badNumber: 'Kortnummeret er ikke gyldigt.',
    badExpiry: 'Udløb skal skrives som MM/ÅÅ.',
    badCvc: 'CVC er de tre cifre på bagsiden af kortet.',
    secureTitle: '3-D Secure',
    secure: 'Din bank vil vide, om det er dig.',
    mobilepayTitle: 'MobilePay',
    mobilepay: 'Godkend betalingen i MobilePay.',
    approve: 'Godkend',
    deny: 'Afvis',
    over: 'Denne side er brugt',
    overPaid: 'Den er gennemført, og kan ikke bruges igen.',
    overExpired: 'Den er udløbet. Begynd forfra, hvor du kom fra.',
    back: 'Tilbage',
    unknown: 'Siden findes ikke',
  },
  en: {
    notice: 'This stands in for Stripe. No real money moves here.',
    payTitle: 'Payment',
    setupTitle: 'Save card',
    total: 'Total',
    method: 'Pay with',
    card: 'Card',
    number: 'Card number',
    expires: 'Expires (MM/YY)',
    cvc: 'CVC',
    pay: 'Pay',
    store: 'Save card',
    cancel: 'Cancel',
    testCards:
      'Test cards: 4242 4242 4242 4242 works, 4000 0000 0000 0002 is declined, 4000 0027 6000 3184 wants approval.',
    declined: 'The card was declined. Try again, or use another card.',
    poor: 'The card was declined for lack of funds. Try another card.',
    expired: 'The card has expired. Use another card.',
    unapproved: 'The payment was not approved. Try again.',
    badNumber: 'The card number is not valid.',
    badExpiry: 'Write the expiry as MM/YY.',
    badCvc: 'CVC is the three digits on the back of the card.',
    secureTitle: '3-D Secure',
    secure: 'Your bank wants to know whether it is you.',
    mobilepayTitle: 'MobilePay',
    mobilepay: 'Approve the payment in MobilePay.',
    approve: 'Approve',
    deny: 'Decline',
    over: 'This page has been used',
    overPaid: 'It is done, and cannot be used again.',
    overExpired: 'It has expired. Begin again where you came from.',
    back: 'Back',
    unknown: 'There is no such page',
  },
}

type Texts = (typeof TEXTS)['da']

const textsOf = (page: Stripe.Checkout.Session | undefined): Texts => TEXTS[page?.locale === 'en' ? 'en' : 'da']

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const kroner = (page: Stripe.Checkout.Session) =>
  `${((page.amount_total ?? 0) / 100).toLocaleString(page.locale === 'en' ? 'en' : 'da', { minimumFractionDigits: 2 })} kr.`

const STYLE = `
  :root { font: 17px/1.5 system-ui, "Liberation Sans", sans-serif; color: #1a1f36; background: #eef1f6 }
  body { margin: 0 auto; max-width: 27rem; padding: 1rem }
  main { background: #fff; border-radius: 12px; padding: 1.25rem; margin-top: 1rem }
  h1 { font-size: 1.35rem; margin: 0 0 .75rem } p { margin: .5rem 0 }
  .notice { background: #fff4d6; border-left: 5px solid #8a6100; padding: .5rem .75rem; border-radius: 4px }
  .error { background: #fdecec; border-left: 5px solid #b3001b; padding: .5rem .75rem }
  .sum { font-size: 1.6rem; font-weight: 700 }
  fieldset { border: 0; margin: 1rem 0; padding: 0 } legend { font-weight: 600 }
  label { display: block; margin: .6rem 0 } label.choice { display: inline-block; margin-right: 1.5rem }
  input[type=text] { display: block; font: inherit; width: 100%; box-sizing: border-box; padding: .55rem; border: 1px solid #5b6480; border-radius: 6px }
  button { font: inherit; min-height: 48px; width: 100%; border-radius: 6px; border: 2px solid #3d36c4; background: #4840d6; color: #fff; margin-top: .75rem }
  button.quiet { background: #fff; color: #3d36c4 } small { color: #4a5270 }
  form:has(#mobilepay:checked) .card { display: none }
  :focus-visible { outline: 3px solid #1a1f36; outline-offset: 2px }`

function document(texts: Texts, title: string, body: string, status = 200): Response {
  const html = `<!doctype html>
<html lang="${texts === TEXTS.en ? 'en' : 'da'}">
<head><meta charset="utf-8"><meta name="viewport" content="width=device-width, initial-scale=1">
<title>${escaped(title)} – Test-Stripe</title><link rel="icon" href="data:,"><style>${STYLE}</style></head>
<body><p class="notice"><strong>Test-Stripe.</strong> ${texts.notice}</p>
<main><h1>${escaped(title)}</h1>${body}</main></body>
</html>`
  const headers = { 'content-type': 'text/html; charset=utf-8', 'cache-control': 'no-store' }
  return new Response(html, { status, headers })
}

const redirect = (location: string) => new Response(null, { status: 303, headers: { location } })

const form = (page: Stripe.Checkout.Session, step: string, inner: string) =>
  `<form method="post" action="/c/pay/${page.id}${step}">${inner}</form>`

function offer(page: Stripe.Checkout.Session, state: State, error: string | null): Response {
  const texts = textsOf(page)
  const setup = page.mode === 'setup'
  const item = state.wishes[page.id]?.description
  const consent = page.custom_text.submit?.message
  const mobilepay = page.payment_method_types.includes('mobilepay')
  const choice = mobilepay
    ? `<fieldset><legend>${texts.method}</legend>
<label class="choice"><input type="radio" name="method" value="card" id="card" checked> ${texts.card}</label>
<label class="choice"><input type="radio" name="method" value="mobilepay" id="mobilepay"> MobilePay</label></fieldset>`
    : '<input type="hidden" name="method" value="card">'
  const field = (name: 'number' | 'expires' | 'cvc', kind: string) =>
    `<label>${texts[name]} <input type="text" name="${name}" inputmode="numeric" autocomplete="${kind}"></label>`
  const body = `${error === null ? '' : `<p class="error" role="alert">${error}</p>`}
${setup ? '' : `<p>${escaped(item ?? '')}</p><p><small>${texts.total}</small><br><span class="sum">${kroner(page)}</span></p>`}
<p>${escaped(page.customer_email ?? '')}</p>
${form(
  page,
  '',
  `${choice}<div class="card">${field('number', 'cc-number')}${field('expires', 'cc-exp')}${field('cvc', 'cc-csc')}
<p><small>${texts.testCards}</small></p></div>
${consent ? `<p>${escaped(consent)}</p>` : ''}
<button name="do" value="pay">${setup ? texts.store : `${texts.pay} ${kroner(page)}`}</button>`,
)}
${page.cancel_url === null ? '' : form(page, '/cancel', `<button class="quiet">${texts.cancel}</button>`)}`
  return document(texts, setup ? texts.setupTitle : texts.payTitle, body)
}

function approval(page: Stripe.Checkout.Session, state: State): Response {
  const texts = textsOf(page)
  const method = state.methods[state.attempts[page.id]?.method ?? '']
  const byCard = method?.card !== undefined
  const buttons = `<button name="answer" value="yes">${texts.approve}</button>
<button name="answer" value="no" class="quiet">${byCard ? texts.deny : texts.cancel}</button>`
  const sum = page.mode === 'setup' ? '' : `<p class="sum">${kroner(page)}</p>`
  const [title, ask] = byCard ? [texts.secureTitle, texts.secure] : [texts.mobilepayTitle, texts.mobilepay]
  return document(texts, title, `<p>${ask}</p>${sum}${form(page, '/approval', buttons)}`)
}

/** A page that cannot be used any more says so, and leads back. */
function over(page: Stripe.Checkout.Session): Response {
  const texts = textsOf(page)
  const paid = page.status === 'complete'
  const to = paid ? successOf(page) : page.cancel_url
  const link = to === null ? '' : `<p><a href="${escaped(to)}">${texts.back}</a></p>`
  return document(texts, texts.over, `<p>${paid ? texts.overPaid : texts.overExpired}</p>${link}`)
}

const successOf = (page: Stripe.Checkout.Session) =>
  (page.success_url ?? '').replaceAll('{CHECKOUT_SESSION_ID}', page.id)

function luhn(number: string): boolean {
  const digits = [...number].reverse().map(Number)
  const sum = digits.reduce((total, digit, place) => {
    const counted = place % 2 === 1 ? digit * 2 : digit
    return total + (counted > 9 ? counted - 9 : counted)
  }, 0)
  return /^\d{13,19}$/.test(number) && sum % 10 === 0
}

/** Answers what a browser asks of the pages. */
export function hostedPages(state: State, money: Acquirer, now: () => number, changed: () => void) {
  const declined = (texts: Texts, code: string) =>
    code === 'insufficient_funds' ? texts.poor : code === 'expired_card' ? texts.expired : texts.declined

  /** What was given, as a payment method; or what is wrong with it. */
  function given(fields: URLSearchParams, texts: Texts): { method: string } | { error: string } {
    if (fields.get('method') === 'mobilepay') return { method: money.give('mobilepay') }
    const number = (fields.get('number') ?? '').replaceAll(/\s/g, '')
    if (!luhn(number)) return { error: texts.badNumber }
    const [, month, year] = /^(0[1-9]|1[0-2])\s*\/?\s*(\d\d)$/.exec((fields.get('expires') ?? '').trim()) ?? []
    if (month === undefined || year === undefined) return { error: texts.badExpiry }
    if (Date.UTC(2000 + Number(year), Number(month), 1) <= now()) return { error: texts.expired }
    if (!/^\d{3}$/.test((fields.get('cvc') ?? '').trim())) return { error: texts.badCvc }
    return { method: money.give({ number, exp_month: Number(month), exp_year: 2000 + Number(year) }) }
  }

  function submit(page: Stripe.Checkout.Session, fields: URLSearchParams): Response {
    const texts = textsOf(page)
    const got = given(fields, texts)
    if ('error' in got) return offer(page, state, got.error)
    return after(page, got.method, false)
  }

  function after(page: Stripe.Checkout.Session, method: string, authenticated: boolean): Response {
    const tried = money.try(page, { ...state.attempts[page.id], method }, authenticated)
    changed()
    switch (tried.kind) {
      case 'done':
        return redirect(successOf(page))
      case 'declined':
        return offer(page, state, declined(textsOf(page), tried.code))
      case 'authenticate':
        return redirect(`/c/pay/${page.id}/approval`)
    }
  }

  function approve(page: Stripe.Checkout.Session, fields: URLSearchParams): Response {
    const method = idOf(state.attempts[page.id]?.method)
    if (method === null) return redirect(`/c/pay/${page.id}`)
    if (fields.get('answer') === 'yes') return after(page, method, true)
    money.turnDown(page)
    changed()
    return offer(page, state, textsOf(page).unapproved)
  }

  return async (request: Request, url: URL): Promise<Response> => {
    const [, id, step] = /^\/c\/pay\/(\w+)(\/approval|\/cancel)?$/.exec(url.pathname) ?? []
    const page = id !== undefined && Object.hasOwn(state.sessions, id) ? state.sessions[id] : undefined
    if (!page) return document(textsOf(page), textsOf(page).unknown, '', 404)
    if (page.status !== 'open') return over(page)
    if (request.method === 'GET') {
      return step === '/approval' && state.attempts[page.id] ? approval(page, state) : offer(page, state, null)
    }
    const fields = new URLSearchParams(await request.text())
    if (step === '/cancel') return redirect(page.cancel_url ?? '/')
    return step === '/approval' ? approve(page, fields) : submit(page, fields)
  }
}

import { env } from 'cloudflare:test'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { SESSION_COOKIE } from '../../worker/login/sessions.ts'
import {
  type CardHolder,
  cardHolder,
  contents,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSite,
} from './municipality.ts'
import { browse, type Parent, parentOf } from './parent.ts'

let office: Municipality
let ada: CardHolder
let bo: CardHolder
let mother: Parent
let father: Parent

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
  ada = await cardHolder(office, { name: 'Ada Prøvebarn', credit: 10_000 })
  bo = await cardHolder(office, { name: 'Bo Prøvebarn', credit: 5_000 })
  mother = await parentOf(office, '0101575001', [ada.child, bo.child], 'Asta Prøveforælder')
  father = await parentOf(office, '0201575002', [bo.child], 'Birk Prøveforælder')
})

afterEach(() => {
  vi.useRealTimers()
})

const at = (account: number, rest: string) => `/konto/${account}/${rest}`
const limitOf = (account: number) =>
  office.db.prepare('SELECT daily_limit FROM account WHERE id = ?').bind(account).first<number | null>('daily_limit')
const later = (ms: number) => {
  vi.useFakeTimers({ toFake: ['Date'], now: Date.now() + ms })
}

describe('Maks forbrug', () => {
  it.each([
    ['50', 5_000],
    ['50,00', 5_000],
    ['37.50', 3_750],
    [' 1 ', 100],
    ['10000', 1_000_000],
    ['10.000', 1_000_000],
    ['1.000,00', 100_000],
    ['37,5', 3_750],
    ['50 kr.', 5_000],
    ['50kr', 5_000],
  ])("takes '%s' as an amount, to the øre", async (text, limit) => {
    const saved = await mother.post(at(ada.account, 'maks-forbrug'), { limit: text })
    expect([saved.status, saved.location]).toEqual([303, `/konto/${ada.account}/brugerinfo?gjort=maks`])
    expect(await limitOf(ada.account)).toBe(limit)
  })

  it('takes nothing as no limit', async () => {
    await mother.post(at(ada.account, 'maks-forbrug'), { limit: '50' })
    await mother.post(at(ada.account, 'maks-forbrug'), { limit: ' ' })
    expect(await limitOf(ada.account)).toBeNull()
  })

  it.each([
    '0',
    '-5',
    '−5',
    '0,99',
    '10000,01',
    '1e3',
    '5,555',
    '0x10',
    '½',
    '٥٠',
    'NaN',
    '1 000',
    '1.00.000',
    '10.00,00',
    '1.000.000',
    "'",
    '9'.repeat(40),
  ])("refuses '%s', keeps what was typed, and changes nothing", async (text) => {
    await mother.post(at(ada.account, 'maks-forbrug'), { limit: '20' })
    const before = await contents(office.db, 'viewing')
    const refused = await mother.post(at(ada.account, 'maks-forbrug'), { limit: text })
    expect(refused.status).toBe(400)
    expect(refused.text).toContain('Skriv et beløb mellem 1 og 10.000 kr.')
    expect(refused.text).toContain(`value="${text.replaceAll("'", '&#39;')}"`)
    expect(await contents(office.db, 'viewing')).toEqual(before)
  })

  it('refused, leads back to the page it stands on by every form and link that is then shown', async () => {
    const page = at(ada.account, 'brugerinfo')
    const { text } = await mother.post(at(ada.account, 'maks-forbrug'), { limit: 'x', page })
    const pages = [...text.matchAll(/name="page" value="([^"]*)"/g)].map(([, path]) => path)
    expect([...new Set(pages)]).toEqual([page])
  })

  it('leaves one trace, by whoever did it, however often the form is sent', async () => {
    for (let time = 0; time < 3; time++) await father.post(at(bo.account, 'maks-forbrug'), { limit: '25' })
    const deeds = await office.db
      .prepare("SELECT guardian, subject, detail FROM audit WHERE action = 'daily_limit_set'")
      .all()
    expect(deeds.results).toEqual([
      { guardian: father.guardian, subject: `account:${bo.account}`, detail: '{"limit":2500}' },
    ])
  })
})

describe('Spær kort', () => {
  const status = (card: number) => office.db.prepare('SELECT status FROM card WHERE id = ?').bind(card).first('status')

  it('blocks at once, and the same button then activates', async () => {
    await mother.post(at(ada.account, `kort/${ada.card}/spaer`))
    expect(await status(ada.card)).toBe('blocked')
    expect((await mother.get(at(ada.account, 'brugerinfo'))).text).toMatch(/Aktiver kort/)
    await mother.post(at(ada.account, `kort/${ada.card}/aktiver`))
    expect(await status(ada.card)).toBe('active')
    expect((await mother.get(at(ada.account, 'brugerinfo'))).text).toMatch(/Spær kort/)
  })

  it('sent twice blocks once', async () => {
    await Promise.all([1, 2].map(() => mother.post(at(ada.account, `kort/${ada.card}/spaer`))))
    const { results } = await office.db.prepare("SELECT 1 FROM audit WHERE action = 'card_blocked'").all()
    expect(results).toHaveLength(1)
  })

  it('leaves a closed card closed, and says so', async () => {
    await office.db.prepare("UPDATE card SET status = 'closed' WHERE id = ?").bind(ada.card).run()
    const refused = await mother.post(at(ada.account, `kort/${ada.card}/aktiver`))
    expect([refused.status, await status(ada.card)]).toEqual([400, 'closed'])
    expect(refused.text).toContain('Kortet er lukket og kan ikke bruges igen.')
  })

  it("finds no card under another child's account, though both are one's own", async () => {
    const refused = await mother.post(at(ada.account, `kort/${bo.card}/spaer`))
    expect([refused.status, await status(bo.card)]).toEqual([404, 'active'])
  })
})

describe('what has just been done', () => {
  const shown = async (query: string) => {
    const { status, text } = await mother.get(at(ada.account, `brugerinfo?gjort=${query}`))
    return [status, /role="status"[\s\S]*?alert-text">([^<]*)/.exec(text)?.[1] ?? null]
  }

  it('is told after it, and of a card only while it is so', async () => {
    expect(await shown('aktiveret')).toEqual([
      200,
      'Kortet er aktivt og kan bruges igen. En kasse uden forbindelse kan afvise det, til den har fået besked.',
    ])
    expect(await shown('spaerret')).toEqual([200, null])
    await mother.post(at(ada.account, `kort/${ada.card}/spaer`))
    expect(await shown('spaerret')).toEqual([200, expect.stringMatching(/^Kortet er spærret/)])
    expect(await shown('aktiveret')).toEqual([200, null])
    expect(await shown('maks')).toEqual([200, 'Maks forbrug er gemt.'])
  })

  it.each(['constructor', '__proto__', 'toString', 'andet'])("'%s' is nothing that was done", async (query) => {
    expect(await shown(query)).toEqual([200, null])
    const id = crypto.randomUUID()
    const question = { id, message: crypto.randomUUID(), account: '', subject: 'Emne', text: 'Hej', phone: '' }
    await mother.post('/support', question)
    expect((await mother.get(`/support/${id}?gjort=${query}`)).status).toBe(200)
  })
})

describe('what belongs to another guardian', () => {
  it.each(['brugerinfo', 'kontoudtog', 'kontoudtog.csv', 'kontoudtog.pdf', 'vaelg'])(
    'answers for %s as if it did not exist',
    async (rest) => {
      const foreign = await father.get(at(ada.account, rest))
      const none = await father.get(at(999_999, rest))
      expect([foreign.status, none.status]).toEqual([404, 404])
      expect(foreign.text.replaceAll(`/${ada.account}/`, '//').replaceAll(`F${ada.account}%`, 'F%')).toBe(
        none.text.replaceAll('/999999/', '//').replaceAll('F999999%', 'F%'),
      )
    },
  )

  it.each(['0', '-1', '1e3', '01', '%31', '1.0', '99999999999999999999', 'x', "1'--"])(
    "is not reached by the odd id '%s'",
    async (id) => expect((await mother.get(`/konto/${id}/brugerinfo`)).status).toBe(404),
  )

  it('ends with the roster, in the same session', async () => {
    expect((await father.get(at(bo.account, 'brugerinfo'))).status).toBe(200)
    await office.post(`/children/${bo.child}/guardians/end`, { cpr: '0201575002' })
    expect((await father.get(at(bo.account, 'brugerinfo'))).status).toBe(404)
    const blocked = await father.post(at(bo.account, `kort/${bo.card}/spaer`))
    expect(blocked.status).toBe(404)
  })

  it("shows neither guardian the other's mail address", async () => {
    const contact = { language: 'da', mail: 'asta@hemmelig.example', tellPurchases: 'on' }
    await mother.post('/brugerinfo/om-dig', contact)
    for (const page of ['/konti', at(bo.account, 'brugerinfo'), '/support', '/privatliv', '/privatliv/mine-data']) {
      const { status, text } = await father.get(page)
      expect([page, status, text.includes('hemmelig')]).toEqual([page, 200, false])
      expect([page, text.includes('Asta')]).toEqual([page, false])
    }
  })
})

describe('Om dig', () => {
  const saved = () =>
    office.db
      .prepare('SELECT language, mail, tell_below, tell_purchases, tell_weekly FROM guardian WHERE id = ?')
      .bind(mother.guardian)
      .first()

  it('stores how the guardian wants to be told, and shows it again', async () => {
    const contact = {
      language: 'en',
      mail: ' asta@prøve.example '.replace('ø', 'o'),
      tellBelow: 'on',
      tellBelowAmount: '75',
      tellWeekly: 'on',
    }
    expect((await mother.post('/brugerinfo/om-dig', contact)).status).toBe(303)
    expect(await saved()).toEqual({
      language: 'en',
      mail: 'asta@prove.example',
      tell_below: 7_500,
      tell_purchases: 0,
      tell_weekly: 1,
    })
    const { text } = await mother.get(at(ada.account, 'brugerinfo'))
    expect(text).toContain('lang="en"')
    expect(text).toContain('value="75,00"')
  })

  it.each([
    [{ mail: 'asta' }, 'Skriv en mailadresse som'],
    [{ mail: 'a@b@c.dk' }, 'Skriv en mailadresse som'],
    [{ mail: 'asta@x.dk\r\nBcc: alle@x.dk' }, 'Skriv en mailadresse som'],
    [{ mail: `${'a'.repeat(250)}@x.dk` }, 'Skriv en mailadresse som'],
    [{ mail: '', tellPurchases: 'on' }, 'Skriv din mailadresse'],
    [{ mail: 'asta@x.dk', tellBelow: 'on', tellBelowAmount: '0' }, 'Skriv et beløb mellem 1 og 10.000 kr.'],
    [{ mail: 'asta@x.dk', tellBelow: 'on', tellBelowAmount: '' }, 'Skriv et beløb mellem 1 og 10.000 kr.'],
    [{ mail: 'asta@x.dk', language: 'kl' }, 'Gå tilbage, hent siden igen'],
  ])('refuses %j and changes nothing', async (fields, sentence) => {
    const before = await saved()
    const refused = await mother.post('/brugerinfo/om-dig', { language: 'da', ...fields } as Record<string, string>)
    expect(refused.status).toBe(400)
    expect(refused.text).toContain(sentence)
    expect(await saved()).toEqual(before)
  })

  it('shows what was typed as text, whatever it says', async () => {
    const { text } = await mother.post('/brugerinfo/om-dig', {
      language: 'da',
      mail: '"><script>alert(1)</script>',
    })
    expect(text).not.toContain('<script')
    expect(text).toContain('&lt;script&gt;')
  })
})

describe('a form', () => {
  it.each([
    ['without a token', { csrf: '' }],
    ["with another session's token", null],
  ])('%s changes nothing, and says so', async (_, fields) => {
    const refused = await mother.post(at(ada.account, 'maks-forbrug'), {
      limit: '10',
      ...(fields ?? { csrf: father.csrf }),
    })
    expect([refused.status, await limitOf(ada.account)]).toEqual([403, null])
    expect(refused.text).toContain('Siden var for gammel')
  })

  it.each([
    { origin: 'https://evil.example' },
    { origin: 'null', 'sec-fetch-site': 'cross-site' },
    { origin: 'http://7620.localhost' },
  ])('from elsewhere (%j) changes nothing, though its token is right', async (headers) => {
    const refused = await browse(4000, 'POST', at(ada.account, 'maks-forbrug'), {
      cookie: mother.cookie,
      fields: { csrf: mother.csrf, limit: '10' },
      headers: headers as unknown as Record<string, string>,
    })
    expect([refused.status, await limitOf(ada.account)]).toEqual([403, null])
  })

  it('that is too large changes nothing, and the page says so in the language of the reader', async () => {
    for (const [language, sentence] of [
      ['da', 'Formularen fylder for meget'],
      ['en', 'The form is too large'],
    ] as const) {
      await mother.post('/sprog', { language })
      for (const path of [at(ada.account, 'maks-forbrug'), '/sprog']) {
        const refused = await mother.post(path, { limit: '10', more: 'x'.repeat(65_536) })
        expect([path, refused.status, refused.text.includes(sentence)]).toEqual([path, 413, true])
        expect(refused.headers.get('content-security-policy')).toContain("default-src 'none'")
        expect(refused.headers.get('cache-control')).toBe('no-store')
      }
    }
    expect(await limitOf(ada.account)).toBeNull()
    expect((await mother.post(at(ada.account, 'maks-forbrug'), { limit: '10', more: 'x'.repeat(65_000) })).status).toBe(
      303,
    )
  })

  it('that is no form changes nothing', async () => {
    for (const type of ['application/json', 'multipart/form-data; boundary=x', 'text/plain']) {
      const refused = await browse(4000, 'POST', at(ada.account, 'maks-forbrug'), {
        cookie: mother.cookie,
        fields: { limit: '10' },
        headers: { 'content-type': type },
      })
      expect([type, refused.status >= 400 && refused.status < 500]).toEqual([type, true])
    }
    expect(await limitOf(ada.account)).toBeNull()
  })
})

describe('a session', () => {
  it('ends after 30 idle minutes, and not while it is used', async () => {
    const page = at(ada.account, 'brugerinfo')
    for (let visit = 0; visit < 4; visit++) {
      later(29 * 60_000)
      expect((await mother.get(page)).status).toBe(200)
    }
    later(31 * 60_000)
    const gone = await mother.get(page)
    expect([gone.status, gone.location]).toEqual([303, `/log-ind?tilbage=${encodeURIComponent(page)}`])
  })

  it('ends twelve hours after the log-in, however busy it is', async () => {
    for (let minutes = 25; minutes < 12 * 60; minutes += 25) {
      later(25 * 60_000)
      expect((await mother.get('/konti')).status).toBe(200)
    }
    later(25 * 60_000)
    expect((await mother.get('/konti')).status).toBe(303)
  })

  it('that idled out in the middle of a form keeps what was typed for the log-in, and changes nothing', async () => {
    later(31 * 60_000)
    const expired = await mother.post(at(ada.account, 'maks-forbrug'), {
      limit: '12,50',
      page: at(ada.account, 'brugerinfo'),
    })
    expect([expired.status, await limitOf(ada.account)]).toEqual([403, null])
    expect(expired.text).toContain('Du er blevet logget ud')
    expect(expired.text).toContain(`/log-ind/mitid?tilbage=${encodeURIComponent(at(ada.account, 'brugerinfo'))}`)
    const kept = await office.db
      .prepare('SELECT draft FROM session WHERE guardian = ?')
      .bind(mother.guardian)
      .first<string>('draft')
    expect(JSON.parse(kept ?? '')).toEqual({ path: at(ada.account, 'brugerinfo'), fields: { limit: '12,50' } })
    expect((await contents(office.db)).login_attempt).toEqual([])
  })

  it('cannot be guessed into: an unknown token is nobody', async () => {
    const nobody = await browse(4000, 'GET', '/konti', { cookie: `${SESSION_COOKIE}=${'A'.repeat(43)}` })
    expect(nobody.status).toBe(303)
  })

  it('of one municipality is nobody in another', async () => {
    await municipality(7620)
    expect((await browse(7620, 'GET', '/konti', { cookie: mother.cookie })).status).toBe(303)
  })

  it('is stored by its digest only', async () => {
    const token = mother.cookie.split('=')[1] ?? ''
    expect(JSON.stringify(await contents(office.db))).not.toContain(token)
  })
})

describe('every page', () => {
  it('lets no script, no frame and nobody else in, and is kept by no cache', async () => {
    const pages = [
      ...(await Promise.all(['/konti', '/was', '/findes-ikke', at(ada.account, 'brugerinfo')].map(mother.get))),
      await browse(4000, 'GET', '/log-ind'),
    ]
    for (const { headers, text } of pages) {
      const policy = headers.get('content-security-policy') ?? ''
      expect(headers.get('location')).toBeNull()
      expect(policy).toContain("default-src 'none'")
      expect(policy).toContain("frame-ancestors 'none'")
      expect(policy.replace(env.STRIPE_ADDRESS, '')).not.toMatch(/unsafe|script-src|\*|http:/)
      expect(headers.get('cache-control')).toBe('no-store')
      expect(headers.get('x-content-type-options')).toBe('nosniff')
      expect(headers.get('strict-transport-security')).toContain('max-age=')
      expect(headers.get('referrer-policy')).toBe('same-origin')
      expect(text).not.toMatch(/<script|\sstyle=|\son\w+=/)
    }
  })

  it('speaks the language that was chosen, also to those who are not logged in', async () => {
    const chosen = await browse(4000, 'POST', '/sprog', { fields: { language: 'en', page: '/log-ind' } })
    expect(chosen.location).toBe('/log-ind')
    const cookie = chosen.headers.get('set-cookie')?.split(';')[0] ?? ''
    expect(cookie).toMatch(/^__Host-/)
    const { text } = await browse(4000, 'GET', '/log-ind', { cookie })
    expect(text).toContain('<html lang="en">')
    expect(text).toContain('Log on with MitID')
  })

  it.each(['//evil.example', '/\\evil.example', 'https://evil.example', '/\t/evil.example', ''])(
    "leads nowhere else by '%s'",
    async (page) => {
      const chosen = await browse(4000, 'POST', '/sprog', { fields: { language: 'en', page } })
      expect(chosen.location).toBe('/konti')
    },
  )

  it('for which nothing can be found out says so in both languages, and hides why', async () => {
    vi.spyOn(console, 'error').mockImplementation(() => {})
    const nobody = await browse(9999 as 4000, 'GET', '/konti')
    expect([nobody.status, nobody.text]).toEqual([404, expect.stringContaining('Her er der ingen portal')])
    await office.db.prepare('DROP TABLE session').run()
    const failed = await mother.get('/konti')
    expect([failed.status, failed.text]).toEqual([500, expect.stringContaining('Siden kan ikke vises lige nu')])
    for (const { text, headers } of [nobody, failed]) {
      expect(text).toMatch(/<div lang="en">/)
      expect(text).not.toMatch(/session|SQL|D1|\{/)
      expect(headers.get('content-security-policy')).toContain("default-src 'none'")
    }
  })
})

describe('a guardian without children', () => {
  it('has a mail address and a language of their own, and the menu leads to them', async () => {
    const carl = await parentOf(office, '0301575003', [], 'Carl Prøveforælder')
    expect((await carl.get('/konti')).text).toContain('href="/brugerinfo"')
    const saved = await carl.post('/brugerinfo/om-dig', { language: 'en', mail: 'carl@x.example', page: '/brugerinfo' })
    expect([saved.status, saved.location]).toEqual([303, '/brugerinfo?gjort=om'])
    expect((await carl.get('/brugerinfo?gjort=om')).text).toMatch(
      /Your information has been saved[\s\S]*carl@x\.example/,
    )
  })

  it('with children is led to the account', async () =>
    expect((await mother.get('/brugerinfo')).location).toBe(`/konto/${ada.account}/brugerinfo`))
})

describe('which tills know of a block', () => {
  it('is told in words that fit none, one and several of them, and revoked ones do not count', async () => {
    await mother.post(at(ada.account, `kort/${ada.card}/spaer`))
    const told = async () => (await mother.get(at(ada.account, 'brugerinfo'))).text
    expect(await told()).toContain('Der er ingen kasser endnu.')
    const site = await newSite(office)
    const [first, second] = [
      await enrolledTerminal(office, site, 'Disken'),
      await enrolledTerminal(office, site, 'Baren'),
    ]
    const learn = async ({ id }: { id: string }) => {
      const newest = '(SELECT max(version) FROM card)'
      await office.db.prepare(`UPDATE terminal SET card_list_version = ${newest} WHERE id = ?`).bind(id).run()
    }
    expect(await told()).toContain('Spærret på 0 af 2 terminaler.')
    await learn(first)
    expect(await told()).toContain('Spærret på 1 af 2 terminaler.')
    await learn(second)
    expect(await told()).toContain('Spærret på 2 af 2 terminaler, også uden net.')
    await office.post(`/terminals/${second.id}/revoke`)
    expect(await told()).toContain('Spærret på 1 af 1 terminal, også uden net.')
  })
})

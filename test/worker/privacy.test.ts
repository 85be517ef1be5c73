import { beforeEach, describe, expect, it } from 'vitest'
import { base64url, digest } from '../../shared/signing.ts'
import { type Disclosure, disclosure } from '../../worker/people/disclosure.ts'
import { markdownHtml } from '../../worker/portal/publication.tsx'
import {
  type CardHolder,
  cardHolder,
  contents,
  type EnrolledTerminal,
  emptyDatabases,
  enrolledTerminal,
  type Municipality,
  municipality,
  newSite,
} from './municipality.ts'
import { browse, type Parent, parentOf } from './parent.ts'

let office: Municipality

beforeEach(async () => {
  await emptyDatabases()
  office = await municipality()
})

const publish = (kind: string, language: string, text: string) => office.post('/publications', { kind, language, text })
const visitor = (path: string, language = 'da') => browse(4000, 'GET', path, { cookie: `__Host-language=${language}` })

describe('Markdown', () => {
  it('becomes HTML whose headings begin below the page’s own and leave no level out', () => {
    const levels = (markdown: string) =>
      [...markdownHtml(markdown).matchAll(/<h(\d)>/g)].map(([, level]) => Number(level))
    expect(levels('# A\n## B\n### C\n## D')).toEqual([2, 3, 4, 3])
    expect(levels('### A\n###### B\n# C\n\nD\n===\n\nE\n---')).toEqual([2, 3, 2, 2, 3])
    expect(levels('# A\n## B\n### C\n#### D\n##### E\n###### F')).toEqual([2, 3, 4, 5, 6, 6])
    expect(levels('#\n\n#### A')).toEqual([2])
  })

  it('shows raw HTML as the text that it is', () => {
    const html = markdownHtml(
      '<script>alert(1)</script>\n\nVi <b onclick="x()">ved</b> <h1>A</h1> <img src=x onerror=alert(1)>\n\n```\n<h1>B</h1>\n```',
    )
    expect(html).not.toMatch(/<(script|b|h\d|img)\b/)
    expect(html).toContain('&lt;script&gt;')
    expect(html).toContain('&lt;h1&gt;B')
  })

  it('links to what is safe only', () => {
    expect(markdownHtml('[Loven](https://www.example.org/lov "Se &quot;her&quot;")')).toContain(
      'href="https://www.example.org/lov"',
    )
    const unsafe = [
      '[a](javascript:alert(1))',
      '[a](JaVaScRiPt:alert(1) "t")',
      '[a](&#106;avascript:alert(1))',
      '[a](java\tscript:alert(1))',
      '[a](<java\u0001script:alert(1)>)',
      '[a](data:text/html,<script>1</script>)',
      '[a](vbscript:x)',
      '[a][1]\n\n[1]: javascript:alert(1)',
      '<javascript:alert(1)>',
    ]
    for (const markdown of unsafe) expect(markdownHtml(markdown), markdown).not.toMatch(/href="[^"]*script|data:|<a /i)
  })

  it('says what an image shows, and fetches none', () => {
    const html = markdownHtml(
      'Før ![Kommunens <våben>](https://elsewhere.example/x.png "T") efter ![][1]\n\n[1]: /y.png',
    )
    expect(html).not.toMatch(/<img|elsewhere/)
    expect(html).toContain('Før Kommunens &lt;våben&gt; efter')
  })

  it('knows the entities', () => {
    expect(markdownHtml('&copy; 2 &ndash; 3 &notanentity;')).toContain('© 2 – 3 &amp;notanentity;')
  })
})

describe('what is published', () => {
  it('is shown to everybody, with its version and day, under one h1', async () => {
    await publish('terms', 'da', '# Betalingskortet\n\nKortet er **personligt**.')
    const { status, text } = await visitor('/handelsbetingelser')
    expect(status).toBe(200)
    expect(text.match(/<h1/g)).toHaveLength(1)
    expect(text).toContain('<h1>Handelsbetingelser</h1>')
    expect(text).toContain('<h2>Betalingskortet</h2>')
    expect(text).toContain('<strong>personligt</strong>')
    expect(text).toMatch(/Version 1, offentliggjort \S+ den \d+\. \w+ \d{4}/)
    expect(text).not.toContain('Ældre versioner')
  })

  it('has each page under its own name and text', async () => {
    await publish('accessibility', 'da', 'Om tilgængelighed her')
    await publish('privacy', 'da', 'Om privatliv her')
    for (const [path, title, body] of [
      ['/was', 'Tilgængelighed', 'Om tilgængelighed her'],
      ['/privatliv', 'Privatliv', 'Om privatliv her'],
    ] as const) {
      const { text } = await visitor(path)
      expect(text).toContain(`<h1>${title}</h1>`)
      expect(text).toContain(body)
    }
  })

  it('shows an older version to whoever asks for it, in the language of the link', async () => {
    await publish('terms', 'da', 'De gamle vilkår')
    await publish('terms', 'da', 'De nye vilkår')
    await publish('terms', 'en', 'The first terms')
    const newest = (await visitor('/handelsbetingelser')).text
    expect(newest).toContain('De nye vilkår')
    expect(newest).toContain('href="/handelsbetingelser?version=1&amp;sprog=da"')
    const old = (await visitor('/handelsbetingelser?version=1')).text
    expect(old).toContain('De gamle vilkår')
    expect(old).toContain('Version 1, offentliggjort')
    expect(old).toContain('Se den gældende version')
    expect((await visitor('/handelsbetingelser?version=1', 'en')).text).toContain('The first terms')
    const english = (await visitor('/handelsbetingelser?version=1&sprog=da', 'en')).text
    expect(english).toContain('<div class="publication" lang="da"><p>De gamle vilkår')
    expect((await visitor('/handelsbetingelser?version=2', 'en')).text).toContain('De nye vilkår')
  })

  it.each(['3', '0', '-1', '1.5', 'x', '', '1 OR 1=1', '99999999999999999999'])(
    'has no version %j',
    async (version) => {
      await publish('privacy', 'da', 'Et')
      await publish('privacy', 'da', 'To')
      expect((await visitor(`/privatliv?version=${encodeURIComponent(version)}`)).status).toBe(404)
    },
  )

  it('is shown in the other language where there is none in this one, and says so', async () => {
    await publish('accessibility', 'da', 'Kun på dansk')
    const { text } = await visitor('/was', 'en')
    expect(text).toContain('<html lang="en">')
    expect(text).toContain('The text is not available in English. Here it is in Danish.')
    expect(text).toContain('<div class="publication" lang="da"><p>Kun på dansk')
  })

  it('is a friendly word and a telephone number where there is nothing yet', async () => {
    await office.post('/settings', { supportPhone: '00 00 00 00' })
    for (const path of ['/handelsbetingelser', '/was', '/privatliv']) {
      const { status, text } = await visitor(path)
      expect(status).toBe(200)
      expect(text).toContain('Kommunen har ikke offentliggjort teksten endnu.')
      expect(text.slice(0, text.indexOf('<footer'))).toContain('href="tel:00000000"')
    }
  })

  it('brings no script, no style and no picture of its own into the page', async () => {
    await publish('privacy', 'da', '<style>*{}</style>\n\n![x](https://elsewhere.example/x.png)\n\n<p style="x">')
    const { text, headers } = await visitor('/privatliv')
    expect(text).not.toMatch(/<script|<style|src="(?!\/static\/)|<[a-z]+ [^>]*style=/)
    expect(headers.get('content-security-policy')).toContain("default-src 'none'")
  })
})

describe('what is stored', () => {
  const CPR = { asta: '0101575001', birk: '0201575002' }
  let ida: CardHolder
  let bo: CardHolder
  let till: EnrolledTerminal
  let asta: Parent
  let birk: Parent

  beforeEach(async () => {
    till = await enrolledTerminal(office, await newSite(office), 'Disken')
    ida = await cardHolder(office, { name: 'Ida Prøvebarn', credit: 10_000, dailyLimit: 5000 })
    bo = await cardHolder(office, { name: 'Bo Prøvebarn', credit: 7700 })
    asta = await parentOf(office, CPR.asta, [ida.child], 'Asta Prøveforælder')
    birk = await parentOf(office, CPR.birk, [ida.child, bo.child], 'Birk Prøveforælder')
    await till.send(await till.say('request', { card: ida.hash, amount: 1500 }))
    for (const parent of [asta, birk]) await parent.get('/konti')
    for (const [parent, name] of [
      [asta, 'asta'],
      [birk, 'birk'],
    ] as const) {
      const account = String(ida.account)
      await parent.post('/brugerinfo/om-dig', {
        language: 'da',
        mail: `${name}@mail.example`,
        tellBelow: 'on',
        tellBelowAmount: '50',
      })
      const ids = { id: crypto.randomUUID(), message: crypto.randomUUID() }
      const phone = name === 'asta' ? '20202020' : '30303030'
      await parent.post('/support', { ...ids, account, subject: `Emne ${name}`, text: `Spørgsmål ${name}`, phone })
      await office.post(`/cases/${ids.id}/answer`, { id: crypto.randomUUID(), text: `Svar ${name}` })
    }
    await asta.post(`/konto/${ida.account}/kort/${ida.card}/spaer`)
  })

  const take = async (parent: Parent) => {
    const { text, headers, status } = await parent.get('/privatliv/mine-data')
    expect(status).toBe(200)
    return { text, headers, data: JSON.parse(text) as Disclosure & { about: string[] } }
  }

  it('can be taken as a file with everything about the guardian and the children', async () => {
    const { data, headers } = await take(asta)
    expect(headers.get('content-disposition')).toMatch(/^attachment; filename="klubkort-\d{4}-\d\d-\d\d\.json"$/)
    expect(headers.get('content-type')).toBe('application/json; charset=utf-8')
    expect(headers.get('cache-control')).toBe('no-store')
    expect(data.guardian).toMatchObject({
      issuer: 'https://broker.example',
      name: 'Asta Prøveforælder',
      cprKnown: true,
      language: 'da',
      mail: 'asta@mail.example',
      notifications: { balanceBelowOre: 5000, eachPurchase: false, weekly: false },
    })
    expect(data.sessions).toHaveLength(1)
    expect(data.children.map(({ name }) => name)).toEqual(['Ida Prøvebarn'])
    const [child] = data.children
    expect(child?.account).toMatchObject({
      id: ida.account,
      dailyLimitOre: 5000,
      cards: [{ id: ida.card, status: 'blocked' }],
      movementsComplete: true,
      movements: [
        {
          kind: 'purchase',
          amountOre: -1500,
          balanceOre: 8500,
          site: 'Ungdomsklubben',
          items: [{ name: null, quantity: 1, priceOre: 1500 }],
        },
        { kind: 'correction', amountOre: 10_000, balanceOre: 10_000, reason: 'test money' },
      ],
    })
    expect(data.cases).toMatchObject([
      {
        subject: 'Emne asta',
        phone: '+4520202020',
        messages: [
          { from: 'you', text: 'Spørgsmål asta' },
          { from: 'support', text: 'Svar asta' },
        ],
      },
    ])
    expect(data.mails.map(({ kind }) => kind)).toEqual(['case_answered'])
    expect(data.deeds.map(({ action }) => action)).toEqual([
      'logged_in',
      'contact_changed',
      'case_opened',
      'card_blocked',
    ])
    expect(child?.viewings.map(({ who }) => who)).toEqual(
      expect.arrayContaining([{ kind: 'you' }, { kind: 'other_guardian' }, { kind: 'staff', name: 'Astrid' }]),
    )
    const byOther = child?.viewings.filter(({ who }) => who.kind === 'other_guardian')
    expect(byOther).toEqual([{ day: expect.any(String), who: { kind: 'other_guardian' }, lastAt: null }])
    expect(data.about.join(' ')).toContain('Beløb er i hele øre')
    expect(data.about.join(' ')).toContain('også dem om afviste køb')
  })

  it('has what staff did to the child, its account and cards, and nothing of who else its guardians are', async () => {
    await office.post(`/cards/${bo.card}/block`)
    await office.post(`/cards/${ida.card}/activate`)
    await office.post(`/children/${ida.child}/guardians/end`, { cpr: CPR.birk })
    const [child] = (await take(asta)).data.children
    const staffDid = (action: string, subject: string) => ({ at: expect.any(String), action, subject, staff: 'Astrid' })
    expect(child?.staffDeeds).toEqual([
      staffDid('child_added', `account:${ida.account}`),
      staffDid('card_added', `card:${ida.card}`),
      staffDid('account_credited', `account:${ida.account}`),
      staffDid('card_active', `card:${ida.card}`),
    ])
  })

  it('has to which address each mail went, and what it told once it was sent', async () => {
    const letter = office.db.prepare(
      `INSERT INTO outbox (guardian, kind, cause, recipient, data, created_at, due_at, sent_at)
       VALUES (?1, 'low_balance', ?2, 'gammel@mail.example', '{"child":"Ida"}', 0, 0, ?3)`,
    )
    await office.db.batch([letter.bind(asta.guardian, 'sent', 1000), letter.bind(asta.guardian, 'waiting', null)])
    const { mails } = (await take(asta)).data
    expect(mails.slice(-2)).toMatchObject([
      { to: 'gammel@mail.example', data: { child: 'Ida' }, sentAt: '1970-01-01T00:00:01.000Z' },
      { to: 'gammel@mail.example', data: null, sentAt: null },
    ])
  })

  it('has what the roster knows of the child, and the page says that it is stored', async () => {
    const [before] = (await take(asta)).data.children
    expect(before).toMatchObject({ birthDay: null, school: null, club: null })
    await office.db
      .prepare("UPDATE child SET birth_day = '2016-05-24', school = 'Eksempelskolen', club = ?2 WHERE id = ?1")
      .bind(ida.child, await newSite(office, 'Æblet'))
      .run()
    const [after] = (await take(asta)).data.children
    expect(after).toMatchObject({ birthDay: '2016-05-24', school: 'Eksempelskolen', club: 'Æblet' })
    expect((await asta.get('/privatliv')).text).toContain('fødselsdag, skole og klub')
  })

  it('has the form that a log-out interrupted, and of a child that was theirs no more than when', async () => {
    const draft = { path: '/support', fields: { text: 'Halvt færdig' } }
    await office.db
      .prepare('UPDATE session SET draft = ?2 WHERE guardian = ?1')
      .bind(asta.guardian, JSON.stringify(draft))
      .run()
    await office.post(`/children/${ida.child}/guardians/end`, { cpr: CPR.asta })
    const { data, text } = await take(asta)
    expect(data.sessions).toMatchObject([{ draft }])
    expect(data.formerChildren).toEqual([{ id: ida.child, since: expect.any(String), until: expect.any(String) }])
    expect(text).not.toContain('Ida Prøvebarn')
  })

  it('holds no secret, whatever the database holds', async () => {
    const everything = await contents(office.db)
    const column = (table: string, ...names: string[]) =>
      ((everything[table] ?? []) as Record<string, unknown>[]).flatMap((row) => names.map((name) => row[name]))
    const secrets = [
      ...column('card', 'hash'),
      ...column('guardian', 'cpr_hash'),
      ...column('guardianship', 'cpr_hash'),
      ...column('session', 'hash', 'id_token'),
      ...column('message', 'jws', 'hash', 'prev', 'card'),
      ...column('terminal', 'public_key'),
      ...column('staff_token', 'hash'),
      ...Object.values(CPR),
      ida.uid,
      asta.csrf,
      asta.cookie.split('=')[1],
      await digest(office.token),
    ].filter((secret): secret is string => typeof secret === 'string' && secret !== '')
    expect(secrets.length).toBeGreaterThan(15)
    for (const parent of [asta, birk]) {
      const { text } = await take(parent)
      expect(secrets.filter((secret) => text.includes(secret))).toEqual([])
    }
  })

  it('tells neither guardian of the other: no name, mail, telephone, case or child of theirs alone', async () => {
    const ofAsta = ['Asta Prøveforælder', 'asta@mail.example', '20202020', 'Emne asta', 'Spørgsmål asta', 'Svar asta']
    const ofBirk = ['Birk Prøveforælder', 'birk@mail.example', '30303030', 'Emne birk', 'Spørgsmål birk', 'Svar birk']
    const cases: [Parent, string[], string[]][] = [
      [asta, ofAsta, [...ofBirk, 'Bo Prøvebarn', '7700']],
      [birk, ofBirk, ofAsta],
    ]
    for (const [parent, own, foreign] of cases) {
      const { text } = await take(parent)
      expect(own.filter((fact) => !text.includes(fact))).toEqual([])
      expect(foreign.filter((fact) => text.includes(fact))).toEqual([])
      for (const path of ['/privatliv', '/support', '/konti', `/konto/${ida.account}/brugerinfo`]) {
        const page = (await parent.get(path)).text
        expect(foreign.filter((fact) => page.includes(fact), path)).toEqual([])
      }
    }
  })

  it('ends with the guardianship, and accounts that are not theirs are left out though they are named', async () => {
    const accounts = [ida.account, bo.account]
    const before = await disclosure(office.db, { guardian: asta.guardian, accounts }, Date.now())
    expect(before.children.map(({ account }) => account.id)).toEqual([ida.account])
    await office.post(`/children/${ida.child}/guardians/end`, { cpr: CPR.asta })
    const after = await disclosure(office.db, { guardian: asta.guardian, accounts }, Date.now())
    expect(after.children).toEqual([])
    expect((await take(asta)).text).not.toContain('Ida Prøvebarn')
  })

  it('is for whoever has no children too', async () => {
    const { data } = await take(await parentOf(office, null, [], null))
    expect(data).toMatchObject({ guardian: { name: null, cprKnown: false }, children: [], cases: [], mails: [] })
  })

  it('is behind the log-in', async () => {
    const { status, location } = await browse(4000, 'GET', '/privatliv/mine-data')
    expect([status, location]).toEqual([303, '/log-ind?tilbage=%2Fprivatliv%2Fmine-data'])
  })

  it('takes one round trip', async () => {
    let trips = 0
    const counted = new Proxy(office.db, {
      get(target, name) {
        const value: unknown = Reflect.get(target, name)
        if (typeof value !== 'function') return value
        if (name === 'batch' || name === 'exec') trips += 1
        return value.bind(target)
      },
    })
    await disclosure(counted, { guardian: asta.guardian, accounts: [ida.account] }, Date.now())
    expect(trips).toBe(1)
  })

  it('says who looked at each child, and another parent has no name there', async () => {
    await office.get(`/children/${ida.child}`)
    const page = (await birk.get('/privatliv')).text
    const [, ofBo, ofIda] = page.split(/<h3 id="viewings-\d+">/)
    expect(ofBo).toContain('Hvem har set på Bo Prøvebarn')
    expect(ofBo).not.toContain('En anden forælder')
    expect(ofIda).toContain('Hvem har set på Ida Prøvebarn')
    for (const who of ['Dig', 'En anden forælder', 'Astrid (kommunen)']) expect(ofIda).toContain(`>${who}</td>`)
    expect(page).toMatch(/<a [^>]*href="\/privatliv\/mine-data"[^>]*>Hent en fil om mig og mine børn<\/a>/)
    const stranger = (await visitor('/privatliv')).text
    expect(stranger).not.toContain('Hvem har set')
    expect(stranger).not.toContain('mine-data')
  })

  it('counts taking the file as looking', async () => {
    await office.db.prepare('DELETE FROM viewing').run()
    await take(asta)
    const { viewing } = await contents(office.db)
    expect(viewing).toMatchObject([{ child: ida.child, viewer_kind: 'guardian', viewer: asta.guardian }])
  })

  it('of two thousand movements is still one file of about a megabyte', async () => {
    const movements = 2000
    const lines = JSON.stringify([
      { product: null, quantity: 2, price: 500 },
      { product: null, quantity: 1, price: 1500 },
    ])
    const series = `WITH RECURSIVE n(i) AS (SELECT 3 UNION ALL SELECT i + 1 FROM n WHERE i < ${movements})`
    const revenue = "(SELECT id FROM account WHERE kind = 'revenue')"
    const noise = base64url(new Uint8Array(32))
    await office.db.batch([
      office.db
        .prepare(
          `${series} INSERT INTO message (terminal, seq, kind, sale, card, account, amount, lines, at, received_at, prev,
             hash, jws, outcome) SELECT ?1, i, 'request', 'sale-' || i, ?2, ?3, 1, ?4, 0, 0, ?5, ?5, ?5, 'approved' FROM n`,
        )
        .bind(till.id, ida.hash, ida.account, lines, noise),
      office.db
        .prepare(
          `${series} INSERT INTO transfer (id, kind, debit_account, credit_account, amount, at, day, sale)
           SELECT 'sale-' || i, 'purchase', ?1, ${revenue}, 1, 0, '2026-11-20', 'sale-' || i FROM n`,
        )
        .bind(ida.account),
      office.db
        .prepare(
          `${series} INSERT INTO posting (account, seq, transfer, amount, balance, day, spent)
           SELECT ?1, i, 'sale-' || i, -1, 8500 - i, '2026-11-20', i FROM n`,
        )
        .bind(ida.account),
    ])
    const startedAt = Date.now()
    const { text, data } = await take(asta)
    console.log(`${movements} movements: ${Math.round(text.length / 1000)} kB in ${Date.now() - startedAt} ms`)
    expect(data.children[0]?.account.movements).toHaveLength(movements)
    expect(text.length).toBeLessThan(1_500_000)
  })
})

import stringWidth from 'string-width'
import { expect, test } from 'vitest'
import { TOKEN } from './local/command-line.ts'
import { standInWorker } from './local/stand-in-worker.ts'
import { windowWith } from './window.ts'

const staff = { kind: 'staff', id: 2, name: 'Klara Prøveklub' }
const at = Date.parse('2026-11-20T11:00:00Z')
const deed = { at, who: staff, name: null, detail: null }
const deeds = [
  { ...deed, id: 6, action: 'child_changed', subject: 'child:12', detail: { what: 'name  birthDay  school' } },
  {
    ...deed,
    id: 5,
    action: 'product_priced',
    subject: 'product:4',
    name: 'Toast',
    detail: { price: 4550, from: '2026-12-01' },
  },
  {
    ...deed,
    id: 4,
    action: 'settings_changed',
    subject: 'municipality:1',
    detail: {
      changed: ['card_fee', 'deposit_min', 'deposit_max', 'sale_max', 'unsent_count', 'card_sum', 'keep_books_years'],
    },
  },
  {
    ...deed,
    id: 3,
    action: 'daily_limit_set',
    subject: 'account:7',
    who: { kind: 'guardian' },
    detail: { limit: null },
  },
  {
    ...deed,
    id: 2,
    action: 'staff_added',
    subject: 'staff:3',
    name: 'Bo Prøveklub',
    detail: { role: 'club', sites: [1, 2] },
  },
  {
    ...deed,
    id: 1,
    action: 'guardianship_added',
    subject: 'child:12',
    who: { kind: 'system' },
    detail: { changed: true },
  },
]

test.each([80, 120])('what was done is told in words, in a window of %i columns', async (columns) => {
  const { url, heard } = await standInWorker({ 'GET /api/staff/audit?offset=0': { body: { deeds, more: false } } })
  const login = { HOME: '/nonexistent', KLUBKORT_URL: url, KLUBKORT_TOKEN: TOKEN }
  const { code, screen } = await windowWith(['audit', 'list'], login, columns).ended
  expect(code).toBe(0)
  expect(Math.max(...screen.split('\n').map((line) => stringWidth(line)))).toBeLessThanOrEqual(columns)
  const changed = 'card fee, deposit min, deposit max, sale max, unsent count, card'
  expect(screen).toBe(`WHEN              WHAT
20.11.2026 12.00  child changed
  child 12, by Klara Prøveklub (staff 2)
  what: name, birth day, school
20.11.2026 12.00  product priced
  product 4 (Toast), by Klara Prøveklub (staff 2)
  price: 45,50 kr; from: 2026-12-01
20.11.2026 12.00  settings changed
  municipality 1, by Klara Prøveklub (staff 2)
  changed: ${changed}${columns === 120 ? ' ' : '\n    '}sum, keep books years
20.11.2026 12.00  daily limit set
  account 7, by guardian
  limit: none
20.11.2026 12.00  staff added
  staff 3 (Bo Prøveklub), by Klara Prøveklub (staff 2)
  role: club; sites: 1, 2
20.11.2026 12.00  guardianship added
  child 12, by the system
  changed: yes
`)
  expect(heard).toHaveLength(1)
})

test.each([
  ['child 12', 'child%3A12'],
  ['child:12', 'child%3A12'],
  ['hand out 7', 'hand_out%3A7'],
  ['card stock KORT 7', 'card_stock%3AKORT+7'],
  ['site Klub Nord', 'site%3AKlub+Nord'],
])('a deed and its subject, as %s, may be asked for as the list says them', async (subject, sent) => {
  const asked = `GET /api/staff/audit?offset=0&subject=${sent}&action=card_blocked`
  const { url } = await standInWorker({ [asked]: { body: { deeds: [], more: false } } })
  const login = { HOME: '/nonexistent', KLUBKORT_URL: url, KLUBKORT_TOKEN: TOKEN }
  const words = ['audit', 'list', '--subject', subject, '--action', 'card blocked']
  expect(await windowWith(words, login).ended).toMatchObject({ code: 0 })
})

/**
 * Somebody who can log in at the local broker. The names are made up; each CPR number (ten digits) is of a birth date
 * that lies in the future, so that it belongs to nobody. `children` are the first names of their children in the demo.
 */
export type Person = {
  key: string
  municipality: number
  subject: string
  label: string
  name: string | null
  cpr: string | null
  acr: 'low' | 'substantial' | 'high'
  children: string[]
}

/** What the broker says instead of a name that is protected. */
const PROTECTED = 'NAVNE & ADRESSEBESKYTTET'

/** Every test person; a choice of them is what the local broker's log-in page shows. */
export const PERSONS = [
  {
    key: 'two_children',
    municipality: 4000,
    subject: '{6b1f8f0e-0001-4000-8000-000000004000}',
    label: 'Anna Prøveforælder: to børn',
    name: 'Anna Prøveforælder',
    cpr: '0101575001',
    acr: 'substantial',
    children: ['Ada', 'Bo'],
  },
  {
    key: 'shares_a_child',
    municipality: 4000,
    subject: '{6b1f8f0e-0002-4000-8000-000000004000}',
    label: 'Bent Prøveforælder: deler et barn med Anna',
    name: 'Bent Prøveforælder',
    cpr: '0201575002',
    acr: 'high',
    children: ['Bo'],
  },
  {
    key: 'no_children',
    municipality: 4000,
    subject: '{6b1f8f0e-0003-4000-8000-000000004000}',
    label: 'Carl Prøveforælder: ingen børn',
    name: 'Carl Prøveforælder',
    cpr: '0301575003',
    acr: 'substantial',
    children: [],
  },
  {
    key: 'no_cpr',
    municipality: 4000,
    subject: '{6b1f8f0e-0004-4000-8000-000000004000}',
    label: 'Dora Prøveforælder: uden CPR-nummer',
    name: 'Dora Prøveforælder',
    cpr: null,
    acr: 'substantial',
    children: [],
  },
  {
    key: 'name_protected',
    municipality: 4000,
    subject: '{6b1f8f0e-0005-4000-8000-000000004000}',
    label: 'En forælder med navne- og adressebeskyttelse',
    name: PROTECTED,
    cpr: '0501575005',
    acr: 'substantial',
    children: ['Cilla'],
  },
  {
    key: 'low_assurance',
    municipality: 4000,
    subject: '{6b1f8f0e-0006-4000-8000-000000004000}',
    label: 'Frida Prøveforælder: for lavt sikringsniveau',
    name: 'Frida Prøveforælder',
    cpr: '0601575006',
    acr: 'low',
    children: ['Ada'],
  },
  {
    key: 'one_child_7620',
    municipality: 7620,
    subject: '{6b1f8f0e-0007-4000-8000-000000007620}',
    label: 'Gerda Prøveforælder: et barn i Prøvekommunen',
    name: 'Gerda Prøveforælder',
    cpr: '0701575007',
    acr: 'substantial',
    children: ['Ida'],
  },
] as const satisfies Person[]

export type PersonKey = (typeof PERSONS)[number]['key']

/** The test person of a key. */
export function person(key: PersonKey): Person {
  const found = PERSONS.find((one) => one.key === key)
  if (!found) throw new Error(`no test person ${key}`)
  return found
}

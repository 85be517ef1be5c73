import { InitAnswer, InitCall } from '../../shared/office/staff.ts'
import { newToken, sameSecret } from '../municipality/secrets.ts'
import { setUp } from '../municipality/setup.ts'
import { refuse } from '../refusal.ts'
import { changing, router } from './contract.ts'

/** Sets up an empty database, for whoever holds the set-up key. */
export const setupRoutes = router().openapi(
  changing({
    path: '/',
    summary: 'Set up a municipality: settings, ledger accounts and the first admin token',
    body: InitCall,
    answer: InitAnswer,
    refusals: ['setup_key_invalid', 'too_often', 'already_set_up'],
  }),
  async (c) => {
    const { success } = await c.env.GUESSES.limit({ key: `setup:${c.req.header('cf-connecting-ip')}` })
    if (!success) return refuse(c, 'too_often', 'too many tries; wait a minute')
    const key = /^Bearer (\S+)$/.exec(c.req.header('authorization') ?? '')?.[1]
    if (!c.env.SETUP_KEY || key === undefined || !(await sameSecret(key, c.env.SETUP_KEY))) {
      return refuse(c, 'setup_key_invalid', 'not the set-up key of this worker')
    }
    const { number, name, staff } = c.req.valid('json')
    if (number !== c.var.municipality) {
      return refuse(c, 'malformed', `this host belongs to municipality ${c.var.municipality}`)
    }
    const token = newToken((bytes) => crypto.getRandomValues(new Uint8Array(bytes)))
    const done = await setUp(c.var.db, { number, name, staff, token }, c.var.now)
    if (!done) return refuse(c, 'already_set_up', `municipality ${number} is set up already`)
    return c.json({ municipality: number, name, token }, 200)
  },
)

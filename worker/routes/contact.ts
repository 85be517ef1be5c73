import { type Context, Hono } from 'hono'
import { z } from 'zod'
import { setContact } from '../people/contact.ts'
import { ContactPage, storedContact } from '../portal/contact.tsx'
import { type Typed, untouched } from '../portal/form.tsx'
import { page } from '../portal/layout.tsx'
import { stored } from '../portal/profile.tsx'
import type { GuardianEnv, GuardianView } from '../portal/view.ts'
import { LANGUAGES } from '../texts/language.ts'
import { portal } from '../texts/portal.ts'
import { profile as texts } from '../texts/profile.ts'
import { amountIn } from './amounts.ts'
import { fieldsOf, rememberLanguage } from './door.ts'
import { showProfile } from './profile.ts'

const Mail = z.email().max(254)

/** The account on whose page a form stood, where it is the guardian's own. */
function accountOf({ path, visit }: GuardianView) {
  const id = Number(/^\/konto\/(\d{1,15})\/brugerinfo$/.exec(path)?.[1])
  return visit.accounts.find((own) => own.id === id) ?? null
}

function show(c: Context<GuardianEnv>, typed: Typed, status: 200 | 400, saved = false) {
  const { view } = c.var
  return page(c, { title: view.say(texts.title), at: 'profile', status }, ContactPage({ view, typed, saved }))
}

/** Brugerinfo, as far as it is about the guardian and no account. */
export const contactRoutes = new Hono<GuardianEnv>()
  .get('/brugerinfo', (c) => {
    const { account, visit, path } = c.var.view
    if (account) return c.redirect(`/konto/${account.id}/brugerinfo`, 303)
    const draft = visit.draft?.path === path ? visit.draft.fields : null
    const saved = draft === null && c.req.query('gjort') === 'om'
    return show(c, untouched({ ...storedContact(visit.guardian), ...draft }), 200, saved)
  })
  .post('/brugerinfo/om-dig', async (c) => {
    const { view, db, now } = c.var
    const fields = (await fieldsOf(c)) ?? {}
    const ticked = (name: string) => fields[name] === 'on'
    const mail = fields.mail?.trim() ?? ''
    const wants = ticked('tellBelow') || ticked('tellPurchases') || ticked('tellWeekly')
    const below = ticked('tellBelow') ? amountIn(fields.tellBelowAmount ?? '') : null
    const language = LANGUAGES.find((known) => known === fields.language)
    const errors = {
      ...(!language && { language: view.say(portal.stale) }),
      ...(mail !== '' && !Mail.safeParse(mail).success && { mail: view.say(texts.mailWrong) }),
      ...(mail === '' && wants && { mail: view.say(texts.mailNeeded) }),
      ...(ticked('tellBelow') && below === null && { tellBelowAmount: view.say(texts.tellBelowWrong) }),
    }
    const boxes = { tellBelow: '', tellPurchases: '', tellWeekly: '' }
    const account = accountOf(view)
    if (!language || Object.keys(errors).length > 0) {
      const typed = { ...boxes, ...fields }
      if (!account) return show(c, { fields: { ...storedContact(view.visit.guardian), ...typed }, errors }, 400)
      const shown = { ...stored(account, view.visit.guardian), ...typed }
      return showProfile(c, { ...view, account }, { fields: shown, errors }, 400)
    }
    const contact = {
      language,
      mail: mail || null,
      tellBelow: below,
      tellPurchases: ticked('tellPurchases'),
      tellWeekly: ticked('tellWeekly'),
    }
    await setContact(db, view.visit.guardian.id, contact, now)
    rememberLanguage(c, language)
    return c.redirect(`${account ? `/konto/${account.id}` : ''}/brugerinfo?gjort=om`, 303)
  })

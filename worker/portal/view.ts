import type { Context } from 'hono'
import type { Language } from '../../shared/wire.ts'
import type { AppEnv } from '../env.ts'
import type { GuardedAccount, Visit } from '../login/sessions.ts'
import type { SettingsView } from '../municipality/settings.ts'
import type { Say } from '../texts/language.ts'

/**
 * What every page is made from. `visit` is null where nobody is logged in; `account` is the one that the page is
 * about, or the one that was chosen last; null where the guardian has none. `path` is the page's own address, to come
 * back to.
 */
export type View = {
  language: Language
  say: Say
  settings: SettingsView
  visit: Visit | null
  account: GuardedAccount | null
  path: string
}

/** A view of somebody who is logged in. */
export type GuardianView = View & { visit: Visit }

/** What the portal's routes find in their context. */
export type PortalEnv = AppEnv & { Variables: { view: View } }

/** What the routes behind the log-in find: somebody is there, and so is the account of the path, and it is theirs. */
export type GuardianEnv = AppEnv & { Variables: { view: GuardianView } }
export type AccountEnv = AppEnv & { Variables: { view: GuardianView & { account: GuardedAccount } } }

export type PortalContext = Context<PortalEnv> | Context<GuardianEnv> | Context<AccountEnv>

/**
 * What the worker is bound to; beside these, per municipality, its database `DB_<number>` and `OIDC_<number>`, the
 * secret that says how its guardians log in.
 */
export type Env = {
  /** 32 bytes, base64url; each municipality's card key is derived from it. */
  MASTER_KEY: string
  /** What `klubkort init` must show to set up an empty database. */
  SETUP_KEY: string
  /** The municipality that a host without one (plain `localhost`) means. Set in development only. */
  HOME_MUNICIPALITY?: string
  /** Counts guesses at secrets, and log-ins, by whoever is not known yet. */
  GUESSES: RateLimit
  /** Counts what a guardian does who is logged in: forms, and files. */
  WRITES: RateLimit
  /** Sends mail; absent where a municipality has none, and then what is to be sent waits. */
  MAIL?: SendEmail
  /** The portal's address as letters name it, with `{municipality}` for the number, and no closing slash. */
  PORTAL_ADDRESS: string
  /**
   * The account at Stripe; absent where a municipality takes no payments. A municipality with an account of its own has
   * `STRIPE_SECRET_KEY_<number>` and `STRIPE_WEBHOOK_SECRET_<number>`. The address is for a stand-in, in development only.
   */
  STRIPE_SECRET_KEY?: string
  STRIPE_WEBHOOK_SECRET?: string
  STRIPE_ADDRESS?: string
  /** The portal's style sheets and fonts. */
  ASSETS: Fetcher
}

/** What every request carries: its municipality, that municipality's database, and the one clock reading, in ms. */
export type Variables = { municipality: number; db: D1Database; now: number }

export type AppEnv = { Bindings: Env; Variables: Variables }

/** The municipality that a host name means, by its first label: '4000.klubkort.dk' is 4000. Null where it means none. */
export function municipalityOf(hostname: string, home: string | undefined): number | null {
  const label = /^([1-9]\d{3})\.[a-z]/.exec(hostname)?.[1] ?? (hostname === 'localhost' ? home : undefined)
  return label === undefined ? null : Number(label)
}

/** A municipality's database, or null where none is bound. */
export function databaseOf(env: Env, municipality: number): D1Database | null {
  const bindings: Record<string, unknown> = { ...env }
  return (bindings[`DB_${municipality}`] as D1Database | undefined) ?? null
}

/** Every bound database with its municipality, in the order of their numbers. */
export function databases(env: Env): { municipality: number; db: D1Database }[] {
  return Object.keys(env)
    .flatMap((name) => /^DB_(\d{4})$/.exec(name)?.[1] ?? [])
    .sort()
    .flatMap((number) => {
      const db = databaseOf(env, Number(number))
      return db ? [{ municipality: Number(number), db }] : []
    })
}

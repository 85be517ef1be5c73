import { deposit as texts } from '../texts/deposit.ts'
import { Field, type Typed } from './form.tsx'
import type { View } from './view.ts'

/* What the forms of money have in common. */

type Props = { view: View; typed: Typed; hint: string }

/** Where the news about the money goes. */
export function MailField({ view, typed, hint }: Props) {
  const label = view.say(texts.mail)
  return (
    <Field typed={typed} name="mail" label={label} hint={hint} type="email" inputmode="email" autocomplete="email" />
  )
}

/** How much, in kroner. */
export function AmountField({ view, typed, hint }: Props) {
  const label = view.say(texts.amount)
  return (
    <Field typed={typed} name="amount" label={label} hint={hint} inputmode="decimal" autocomplete="off" suffix="kr." />
  )
}

/** Sends the form; nothing is paid by it alone. */
export function Next({ view }: { view: View }) {
  return (
    <button class="button button-primary" type="submit">
      {view.say(texts.next)}
    </button>
  )
}

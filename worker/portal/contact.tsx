import type { Guardian } from '../login/sessions.ts'
import { amountField } from '../texts/format.ts'
import { profile as texts } from '../texts/profile.ts'
import { Checkbox, Choice, ErrorSummary, Field, Form, Notice, type Typed } from './form.tsx'
import type { GuardianView } from './view.ts'

/** What the field of the lowest balance says until it is used: 50 kr., as the guide's automatic top-up. */
const TELL_BELOW = 5000

type Props = { view: GuardianView; typed: Typed }

/** The fields of the form as they are stored. */
export function storedContact(guardian: Guardian): Record<string, string> {
  return {
    language: guardian.language,
    mail: guardian.mail ?? '',
    tellBelow: guardian.tellBelow === null ? '' : 'on',
    tellBelowAmount: amountField(guardian.tellBelow ?? TELL_BELOW),
    tellPurchases: guardian.tellPurchases ? 'on' : '',
    tellWeekly: guardian.tellWeekly ? 'on' : '',
  }
}

/** Brugerinfo without an account: what is about the guardian alone. */
export function ContactPage({ view, typed, saved }: Props & { saved: boolean }) {
  return (
    <>
      <h1>{view.say(texts.title)}</h1>
      {saved && <Notice kind="success" text={view.say(texts.aboutSaved)} />}
      <ErrorSummary view={view} typed={typed} />
      <Contact view={view} typed={typed} />
    </>
  )
}

/** How the guardian wants to be spoken to, and the end of all their sessions. */
export function Contact({ view, typed }: Props) {
  const { say } = view
  return (
    <section aria-labelledby="about">
      <h2 id="about">{say(texts.about)}</h2>
      <p>{say(texts.aboutIntro)}</p>
      <Form view={view} action="/brugerinfo/om-dig">
        <Choice
          typed={typed}
          name="language"
          label={say(texts.language)}
          options={[
            ['da', say(texts.danish)],
            ['en', say(texts.english)],
          ]}
        />
        <Field typed={typed} name="mail" label={say(texts.mail)} type="email" inputmode="email" autocomplete="email" />
        <fieldset class="form-group">
          <legend class="form-label">{say(texts.tell)}</legend>
          <Checkbox typed={typed} name="tellBelow" label={say(texts.tellBelow)} />
          <div class="indented">
            <Field
              typed={typed}
              name="tellBelowAmount"
              label={say(texts.tellBelowField)}
              inputmode="decimal"
              autocomplete="off"
              suffix="kr."
            />
          </div>
          <Checkbox typed={typed} name="tellPurchases" label={say(texts.tellPurchases)} />
          <Checkbox typed={typed} name="tellWeekly" label={say(texts.tellWeekly)} />
        </fieldset>
        <button class="button button-primary" type="submit">
          {say(texts.save)}
        </button>
      </Form>
      <h3>{say(texts.everywhere)}</h3>
      <p>{say(texts.everywhereText)}</p>
      <Form view={view} action="/log-ud/alle">
        <button class="button button-secondary" type="submit">
          {say(texts.everywhere)}
        </button>
      </Form>
    </section>
  )
}

import type { PublicationText } from '../support/publications.ts'
import { deposit as texts } from '../texts/deposit.ts'
import type { Typed } from './form.tsx'
import type { View } from './view.ts'

/** A version of the terms as a form names it: 'da-3'. Versions are counted apart in each language. */
export function versionName({ language, version }: PublicationText): string {
  return `${language}-${version}`
}

/** Where the version of the terms is read that a name like 'da-3' stands for. */
export function termsPath(name: string): string {
  const [language, version] = name.split('-')
  return `/handelsbetingelser?version=${version}&sprog=${language}`
}

/** The box that accepts the terms in force, with the way to read them. The form says which version that was. */
export function Acceptance({ view, typed, terms }: { view: View; typed: Typed; terms: PublicationText }) {
  const { say } = view
  const error = typed.errors.accept
  return (
    <div class={`form-group${error ? ' form-error' : ''}`}>
      <input type="hidden" name="terms" value={versionName(terms)} />
      {error && (
        <span class="form-error-message" id="accept-error">
          {error}
        </span>
      )}
      <div class="form-group-checkbox">
        <input
          type="checkbox"
          id="accept"
          name="accept"
          value="on"
          class="form-checkbox"
          checked={typed.fields.accept === 'on'}
          {...(error && { 'aria-invalid': 'true' as const, 'aria-describedby': 'accept-error' })}
        />
        <label class="form-label" for="accept">
          {say(texts.accept)}
        </label>
      </div>
      <p class="read-terms">
        <a href={termsPath(versionName(terms))} target="_blank" rel="noopener">
          {say(texts.readTerms)}
        </a>
      </p>
    </div>
  )
}

import type { Child, PropsWithChildren } from 'hono/jsx'
import { portal } from '../texts/portal.ts'
import type { GuardianView, View } from './view.ts'

/** What was typed into a form's fields, and what is wrong with them, by field name. */
export type Typed = { fields: Record<string, string>; errors: Record<string, string> }

/** A form as it is shown first, with what is stored. */
export function untouched(fields: Record<string, string>): Typed {
  return { fields, errors: {} }
}

/**
 * A form that changes something. It carries the session's token, and the page it stands on, so that whoever has been
 * logged out meanwhile can be brought back to it.
 */
export function Form(props: { view: GuardianView; action: string; label?: string; children: Child }) {
  const { view, action, label, children } = props
  return (
    <form method="post" action={action} novalidate {...(label && { 'aria-label': label })}>
      <input type="hidden" name="csrf" value={view.visit.csrf} />
      <input type="hidden" name="page" value={view.path} />
      {children}
    </form>
  )
}

/** The sign beside a message; its words say the same. */
export function AlertIcon({ kind }: { kind: 'success' | 'info' | 'warning' | 'error' }) {
  return <img class="icon-svg alert-icon" src={`/static/img/svg-icons/${kind}.svg`} alt="" width="24" height="24" />
}

/** What is wrong, at the top of the page, with a link to each field. */
export function ErrorSummary({ view, typed }: { view: View; typed: Typed }) {
  const wrong = Object.entries(typed.errors)
  if (wrong.length === 0) return null
  return (
    <div class="alert alert-error" role="alert" id="errors">
      <AlertIcon kind="error" />
      <div class="alert-body">
        <h2 class="alert-heading">{view.say(portal.formWrong)}</h2>
        <ul class="nobullet-list">
          {wrong.map(([name, text]) => (
            <li>
              <a href={`#${name}`}>{text}</a>
            </li>
          ))}
        </ul>
      </div>
    </div>
  )
}

type FieldProps = {
  typed: Typed
  name: string
  label: string
  hint?: string
  type?: 'text' | 'email' | 'tel' | 'date'
  inputmode?: 'decimal' | 'numeric' | 'tel' | 'email'
  autocomplete?: string
  rows?: number
  suffix?: string
}

type Labels = { typed: Typed; name: string; label: string; hint?: string }

/** What a control says of itself, and where it is said what is wrong with it. */
function described({ typed, name, hint }: Labels) {
  const error = typed.errors[name]
  const by = [hint && `${name}-hint`, error && `${name}-error`].filter(Boolean).join(' ')
  return { id: name, name, ...(by && { 'aria-describedby': by }), ...(error && { 'aria-invalid': 'true' as const }) }
}

/** A control with its label, its hint, and what is wrong with it. */
function Labelled({ typed, name, label, hint, children }: PropsWithChildren<Labels>) {
  const error = typed.errors[name]
  return (
    <div class={`form-group${error ? ' form-error' : ''}`}>
      <label class="form-label" for={name}>
        {label}
      </label>
      {hint && (
        <span class="form-hint" id={`${name}-hint`}>
          {hint}
        </span>
      )}
      {error && (
        <span class="form-error-message" id={`${name}-error`}>
          {error}
        </span>
      )}
      {children}
    </div>
  )
}

/** One field. With `rows` it takes several lines. */
export function Field({ typed, name, label, hint, rows, suffix, ...input }: FieldProps) {
  const labels = { typed, name, label, ...(hint !== undefined && { hint }) }
  const shared = { ...described(labels), class: 'form-input' }
  const value = typed.fields[name] ?? ''
  return (
    <Labelled {...labels}>
      {rows ? (
        <textarea {...shared} rows={rows}>
          {value}
        </textarea>
      ) : suffix ? (
        <div class="form-input-wrapper form-input-wrapper--suffix">
          <input {...shared} type="text" {...input} value={value} />
          <div class="form-input-suffix" aria-hidden="true">
            {suffix}
          </div>
        </div>
      ) : (
        <input {...shared} type="text" {...input} value={value} />
      )}
    </Labelled>
  )
}

/** One box to tick. */
export function Checkbox({ typed, name, label }: { typed: Typed; name: string; label: string }) {
  return (
    <div class="form-group-checkbox">
      <input
        type="checkbox"
        id={name}
        name={name}
        value="on"
        class="form-checkbox"
        checked={typed.fields[name] === 'on'}
      />
      <label class="form-label" for={name}>
        {label}
      </label>
    </div>
  )
}

/** One of several, to choose. */
export function Choice({ options, ...labels }: Labels & { options: [value: string, label: string][] }) {
  const { typed, name } = labels
  return (
    <Labelled {...labels}>
      <select class="form-select" {...described(labels)}>
        {options.map(([value, text]) => (
          <option value={value} selected={typed.fields[name] === value}>
            {text}
          </option>
        ))}
      </select>
    </Labelled>
  )
}

/** Something that has come about, or that one should know. */
export function Notice({ kind, text }: { kind: 'success' | 'info' | 'warning'; text: string }) {
  return (
    <div class={`alert alert-${kind}`} {...(kind === 'success' && { role: 'status' })}>
      <AlertIcon kind={kind} />
      <div class="alert-body">
        <p class="alert-text">{text}</p>
      </div>
    </div>
  )
}

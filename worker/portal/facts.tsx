import type { Child } from 'hono/jsx'

/** A label and what is told under it; null is left out. */
export type Fact = [label: string, value: Child | null]

/** What there is to know about one thing, line by line. */
export function Facts({ facts }: { facts: Fact[] }) {
  return (
    <dl class="facts">
      {facts.map(([label, value]) =>
        value === null ? null : (
          <div>
            <dt>{label}</dt>
            <dd>{value}</dd>
          </div>
        ),
      )}
    </dl>
  )
}

/** The ways on from a page, beside each other. */
export function Ways({ children }: { children: Child }) {
  return <p class="ways">{children}</p>
}

/** One way on, which looks like a button; of several, one is the primary. */
export function Way({ href, primary, children }: { href: string; primary?: boolean; children: Child }) {
  return (
    <a class={`button ${primary ? 'button-primary' : 'button-secondary'}`} href={href}>
      {children}
    </a>
  )
}

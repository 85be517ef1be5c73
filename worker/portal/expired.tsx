import { Message } from './layout.tsx'
import { login } from './texts/login.ts'
import { portal } from './texts/portal.ts'
import type { View } from './view.ts'

/** What a form comes to when its session has ended: what had been typed waits at `path` for the next log-in. */
export function ExpiredPage({ view, path }: { view: View; path: string }) {
  const { say } = view
  return (
    <Message kind="warning" title={say(portal.expiredTitle)} text={say(portal.expired)}>
      <a class="mitid-button" href={`/log-ind/mitid?tilbage=${encodeURIComponent(path)}`}>
        {say(login.button)}
      </a>
    </Message>
  )
}

import { login } from '../texts/login.ts'
import { portal } from '../texts/portal.ts'
import { Message } from './layout.tsx'
import type { View } from './view.ts'

/** What a form comes to when its session has ended. Where it was `kept`, it waits at `path` for the next log-in. */
export function ExpiredPage({ view, path, kept }: { view: View; path: string; kept: boolean }) {
  const { say } = view
  return (
    <Message
      kind="warning"
      title={say(portal.expiredTitle)}
      text={`${say(portal.expired)} ${say(kept ? portal.expiredKept : portal.expiredAgain)}`}
    >
      <a class="mitid-button" href={`/log-ind/mitid?tilbage=${encodeURIComponent(path)}`}>
        {say(login.button)}
      </a>
    </Message>
  )
}

import type { Both } from '../texts/language.ts'
import { login } from '../texts/login.ts'
import { stepUp } from '../texts/step-up.ts'
import { Message } from './layout.tsx'
import { Reach } from './reach.tsx'
import type { View } from './view.ts'

/** Where the button leads: to the broker, and from there to a path of ours. */
const toBroker = (returnTo: string) => `/log-ind/mitid?tilbage=${encodeURIComponent(returnTo)}`

/** The way in. `farewell` is for whoever has just logged out. */
export function LoginPage({ view, returnTo, farewell }: { view: View; returnTo: string; farewell: boolean }) {
  const { say } = view
  return (
    <>
      <h1>{say(farewell ? login.loggedOutTitle : login.title)}</h1>
      {farewell ? (
        <p role="status">{say(login.loggedOut)}</p>
      ) : (
        <>
          <p>{say(login.intro)}</p>
          <ul>
            {[login.canSee, login.canPay, login.canBlock, login.canLimit, login.canAsk].map((text) => (
              <li>{say(text)}</li>
            ))}
          </ul>
        </>
      )}
      <p>
        <a class="mitid-button" href={toBroker(returnTo)}>
          {say(login.button)}
        </a>
      </p>
      <LoginHelp view={view} />
    </>
  )
}

/** Why somebody is not logged in, what to do, and the way to try again. */
export function LoginFailed(props: { view: View; title: Both<string>; text: Both<string>; returnTo: string }) {
  const { view, title, text, returnTo } = props
  const { say } = view
  return (
    <Message kind="error" title={say(title)} text={say(text)}>
      <p>
        <a class="button button-primary" href={`/log-ind?tilbage=${encodeURIComponent(returnTo)}`}>
          {say(login.again)}
        </a>
      </p>
      <LoginHelp view={view} />
    </Message>
  )
}

/** Why something was not confirmed, or not done, and the way back to it: by the log-in, for whoever is logged out. */
export function NotConfirmed(props: { view: View; title: Both<string>; text: Both<string>; returnTo: string }) {
  const { view, title, text, returnTo } = props
  const { say } = view
  return (
    <Message kind="error" title={say(title)} text={say(text)}>
      <p>
        <a class="button button-primary" href={`/log-ind?tilbage=${encodeURIComponent(returnTo)}`}>
          {say(stepUp.back)}
        </a>
      </p>
    </Message>
  )
}

/** Whom to turn to, for those who do not get in. */
function LoginHelp({ view }: { view: View }) {
  const { say, settings } = view
  return (
    <section class="login-help" aria-labelledby="login-help">
      <h2 id="login-help">{say(login.helpTitle)}</h2>
      <p>{say(login.helpMitid)}</p>
      {(settings.supportPhone ?? settings.supportMail) !== null && <p>{say(login.helpSupport)}</p>}
      <Reach view={view} />
    </section>
  )
}

import type { Viewing } from '../people/viewings.ts'
import { longDay } from '../texts/format.ts'
import type { Both } from '../texts/language.ts'
import { privacy as texts } from '../texts/privacy.ts'
import type { GuardianView } from './view.ts'

/** How many viewings of each child the page shows; the file has all of them. */
const SHOWN_MAX = 30

/** What is stored about the guardian and their children, the file of it, and who has looked. */
export function OwnPrivacy({ view, viewings }: { view: GuardianView; viewings: Viewing[] }) {
  const { say, visit, settings } = view
  return (
    <>
      <section aria-labelledby="stored">
        <h2 id="stored">{say(texts.stored)}</h2>
        <Items view={view} items={Object.values(texts.storedItems)} />
        {visit.accounts.length > 0 && (
          <>
            <h3>{say(texts.storedChild)}</h3>
            <Items view={view} items={Object.values(texts.childItems)} />
          </>
        )}
        <p>{say(texts.kept)(settings.keep.casesMonths, settings.keep.viewingsMonths, settings.keep.booksYears)}</p>
      </section>
      <section aria-labelledby="take">
        <h2 id="take">{say(texts.take)}</h2>
        <p>{say(texts.takeText)}</p>
        <p>
          <a class="button button-primary" href="/privatliv/mine-data" download="">
            {say(texts.download)}
          </a>
        </p>
      </section>
      {visit.accounts.length > 0 && (
        <section aria-labelledby="viewings">
          <h2 id="viewings">{say(texts.viewings)}</h2>
          <p>{say(texts.viewingsText)}</p>
          {visit.accounts.map(({ child }) => (
            <Viewings view={view} child={child} viewings={viewings.filter((one) => one.child.id === child.id)} />
          ))}
        </section>
      )}
    </>
  )
}

function Items({ view, items }: { view: GuardianView; items: Both<string>[] }) {
  return (
    <ul>
      {items.map((item) => (
        <li>{view.say(item)}</li>
      ))}
    </ul>
  )
}

function Viewings({ view, child, viewings }: { view: GuardianView; child: Viewing['child']; viewings: Viewing[] }) {
  const { say, language } = view
  const shown = viewings.slice(0, SHOWN_MAX)
  return (
    <>
      <h3 id={`viewings-${child.id}`}>{say(texts.viewingsOf)(child.name)}</h3>
      <table class="table" aria-labelledby={`viewings-${child.id}`}>
        <thead>
          <tr>
            <th scope="col">{say(texts.day)}</th>
            <th scope="col">{say(texts.who)}</th>
          </tr>
        </thead>
        <tbody>
          {shown.length === 0 && (
            <tr>
              <td colspan={2}>{say(texts.viewingsNone)}</td>
            </tr>
          )}
          {shown.map(({ who, day }) => (
            <tr>
              <td>{longDay(language, Date.parse(day))}</td>
              <td>{whoSaid(view, who)}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </>
  )
}

function whoSaid({ say }: GuardianView, who: Viewing['who']): string {
  switch (who.kind) {
    case 'you':
      return say(texts.you)
    case 'other_guardian':
      return say(texts.otherGuardian)
    case 'staff':
      return say(texts.staff)(who.name)
  }
}

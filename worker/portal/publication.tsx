import { raw } from 'hono/html'
import type { Child } from 'hono/jsx'
import { micromark } from 'micromark'
import type { PublicationText } from '../support/publications.ts'
import { longDay } from '../texts/format.ts'
import { publication as texts } from '../texts/publication.ts'
import { Notice } from './form.tsx'
import type { View } from './view.ts'

/**
 * Markdown as HTML for below a page's own h1: headings begin at h2 and leave no level out, whatever the text does. Raw
 * HTML becomes text. A link that leads nowhere safe (javascript:, data:) becomes its words, an image what it says.
 */
export function markdownHtml(markdown: string): string {
  const levels: number[] = []
  // Every < that the text itself has is written as &lt; by now, so these tags are the renderer's own.
  return micromark(markdown)
    .replace(/<img src="[^"]*" alt="([^"]*)"(?: title="[^"]*")? \/>/g, '$1')
    .replace(/<a href=""(?: title="[^"]*")?>([\s\S]*?)<\/a>/g, '$1')
    .replace(/<h([1-6])>([\s\S]*?)<\/h\1>/g, (_, level: string, inside: string) => {
      if (inside.trim() === '') return ''
      while ((levels.at(-1) ?? 0) >= Number(level)) levels.pop()
      levels.push(Number(level))
      const depth = Math.min(levels.length + 1, 6)
      return `<h${depth}>${inside}</h${depth}>`
    })
}

type Props = {
  view: View
  title: string
  /** The page's address without a query; its older versions are found under it. */
  address: string
  text: PublicationText | null
  /** Whether this version was asked for by its number, so that it may not be in force. */
  asked: boolean
  children?: Child
}

/** What a municipality has published, or that it has not; with what else the page says below. */
export function PublicationPage({ view, title, address, text, asked, children }: Props) {
  const { say, language } = view
  return (
    <>
      <h1>{title}</h1>
      {asked && (
        <>
          <Notice kind="info" text={say(texts.notNewest)} />
          <p>
            <a href={address}>{say(texts.newest)}</a>
          </p>
        </>
      )}
      {text === null ? (
        <Unpublished view={view} />
      ) : (
        <>
          {text.language !== language && <Notice kind="info" text={say(texts.otherLanguage)} />}
          <p class="publication-version">{say(texts.version)(text.version, longDay(language, text.at))}</p>
          <div class="publication" lang={text.language}>
            {raw(markdownHtml(text.text))}
          </div>
          {!asked && text.version > 1 && <Older view={view} address={address} newest={text} />}
        </>
      )}
      {children}
    </>
  )
}

/** The way to the versions before; their numbers run from 1 without a gap. */
function Older({ view, address, newest }: { view: View; address: string; newest: PublicationText }) {
  const { say } = view
  const numbers = Array.from({ length: newest.version - 1 }, (_, index) => newest.version - 1 - index)
  return (
    <details class="details">
      <summary class="details-summary">{say(texts.older)}</summary>
      <div class="details-text">
        <ul>
          {numbers.map((number) => (
            <li>
              <a href={`${address}?version=${number}&sprog=${newest.language}`}>{say(texts.olderOne)(number)}</a>
            </li>
          ))}
        </ul>
      </div>
    </details>
  )
}

function Unpublished({ view }: { view: View }) {
  const { say, settings } = view
  const { supportPhone } = settings
  return (
    <>
      <Notice kind="info" text={say(texts.none)} />
      {supportPhone !== null && (
        <p>
          {say(texts.noneCall)} <a href={`tel:${supportPhone.replaceAll(' ', '')}`}>{supportPhone}</a>
        </p>
      )}
    </>
  )
}

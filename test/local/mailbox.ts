import { readFileSync } from 'node:fs'
import { stripVTControlCharacters } from 'node:util'

/** A mail that the worker handed to its mail service; `at` is when, in epoch milliseconds. */
export type LocalMail = { to: string; subject: string; text: string; at: number }

/** Everybody's mail on this machine, in the order in which it was sent. */
export type Mailbox = {
  /** Takes a line that the local worker printed. */
  hear(line: string): void
  mails(): LocalMail[]
  /** A page of all mail, the newest first. */
  page(): string
}

/**
 * Miniflare sends no mail: it prints a few lines about it (`To: …`, `Subject: …`) and the name of a file with the
 * text, which comes last. `epochMs` reads the clock.
 */
export function mailbox(epochMs: () => number): Mailbox {
  const kept: LocalMail[] = []
  let heard: Map<string, string> | null = null
  return {
    hear(printed) {
      const line = stripVTControlCharacters(printed)
      if (line.includes('send_email binding called with MessageBuilder')) heard = new Map()
      const [, field, value] = /^(From|To|Subject|Text): (.*)$/.exec(line) ?? []
      if (heard === null || field === undefined || value === undefined) return
      heard.set(field, value)
      if (field !== 'Text') return
      kept.push({
        to: heard.get('To') ?? '',
        subject: heard.get('Subject') ?? '',
        text: readFileSync(value, 'utf8'),
        at: epochMs(),
      })
      heard = null
    },
    mails: () => [...kept],
    page: () => pageOf(kept.toReversed()),
  }
}

const escaped = (text: string) =>
  text.replaceAll('&', '&amp;').replaceAll('<', '&lt;').replaceAll('>', '&gt;').replaceAll('"', '&quot;')

const withLinks = (text: string) =>
  escaped(text).replace(/http:\/\/\S+/g, (address) => `<a href="${address}">${address}</a>`)

const times = new Intl.DateTimeFormat('da-DK', {
  dateStyle: 'full',
  timeStyle: 'medium',
  timeZone: 'Europe/Copenhagen',
})

function pageOf(mails: LocalMail[]): string {
  const articles = mails.map(
    ({ to, subject, text, at }) => `
<article>
  <h2>${escaped(subject)}</h2>
  <p>Til ${escaped(to)}, ${times.format(at)}</p>
  <pre>${withLinks(text)}</pre>
</article>`,
  )
  return `<!doctype html>
<html lang="da">
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Klubkort: postkasse</title>
<link rel="icon" href="data:,">
<style>
  :root { font: 16px/1.4 system-ui, "Liberation Sans", sans-serif; color: #14202e; background: #e9edf2; }
  body { margin: 0 auto; padding: 1.25rem; max-width: 50rem; }
  article { background: #fff; border-radius: 14px; padding: 1rem 1.25rem; margin-bottom: 1.25rem; }
  h1 { font-size: 1.4rem; } h2 { font-size: 1.1rem; margin: 0; } p { color: #42536a; margin: .2rem 0 .8rem; }
  pre { font: inherit; white-space: pre-wrap; overflow-wrap: anywhere; margin: 0; }
</style>
<h1>Postkasse</h1>
<p>Mails fra portalen, den nyeste øverst. Ingen af dem forlader denne maskine.</p>
<main>${articles.join('') || '<p>Der er ingen endnu.</p>'}
</main>
</html>
`
}

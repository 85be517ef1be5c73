import { html } from 'hono/html'
import { bare } from '../texts/bare.ts'
import { LANGUAGES } from '../texts/language.ts'

/** A page for when nothing is known, not even whose it is: what is wrong, in both languages. */
export function BarePage({ about }: { about: keyof typeof bare }) {
  const { title, text } = bare[about]
  return (
    <>
      {html`<!doctype html>`}
      <html lang="da">
        <head>
          <meta charset="utf-8" />
          <meta name="viewport" content="width=device-width, initial-scale=1" />
          <title>{title.da}</title>
          <link rel="stylesheet" href="/static/css/dkfds.css" />
          <link rel="stylesheet" href="/static/css/portal.css" />
        </head>
        <body>
          <main class="container page-container">
            {LANGUAGES.map((language, index) => (
              <div lang={language}>
                {index === 0 ? <h1>{title[language]}</h1> : <h2>{title[language]}</h2>}
                <p>{text[language]}</p>
              </div>
            ))}
          </main>
        </body>
      </html>
    </>
  )
}

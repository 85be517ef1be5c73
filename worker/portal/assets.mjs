// Lays the portal's static files into .assets/, which wrangler serves: what it uses of dkfds, the public sector's
// common design system, and the portal's own style sheet. Wrangler runs this before it builds the worker.
import { existsSync, mkdirSync, readFileSync, renameSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const portal = dirname(fileURLToPath(import.meta.url))
const dkfds = join(portal, '../../node_modules/dkfds/dist')
const folder = join(portal, '../../.assets')

/** The faces the portal shows, and the one file that the statement's PDF embeds. */
const WOFF2 = ['Regular', 'SemiBold', 'Bold'].map((weight) => `woff2/IBMPlexSans-${weight}.woff2`)
const FONTS = [...WOFF2, 'ttf/IBMPlexSans-Regular.ttf', 'ttf/IBMPlexSans-Bold.ttf']

/** Leaves a file alone that is right already: several programs may serve the folder while this one lays it. */
function lay(path, content) {
  const to = join(folder, path)
  if (existsSync(to) && readFileSync(to).equals(Buffer.from(content))) return
  mkdirSync(dirname(to), { recursive: true })
  const draft = join(folder, '..', `.assets-${process.pid}.tmp`)
  writeFileSync(draft, content)
  renameSync(draft, to)
}

// Its own faces name four formats each, the oldest first; portal.css names the one that every browser of today reads.
const css = readFileSync(join(dkfds, 'css/dkfds.min.css'), 'utf8')
  .replaceAll(/@font-face\{[^}]*\}/g, '')
  .replace(/\/\*# sourceMappingURL=.*?\*\//, '')
lay('static/css/dkfds.css', css)
lay('static/css/portal.css', readFileSync(join(portal, 'portal.css')))
const icons = [...css.matchAll(/url\(\.\.\/(img\/svg-icons\/[\w-]+\.svg)\)/g)].map(([, icon]) => icon)
const shown = ['credit-card', 'error', 'info', 'success', 'warning'].map((name) => `img/svg-icons/${name}.svg`)
for (const icon of new Set([...icons, ...shown])) {
  lay(join('static', icon), readFileSync(join(dkfds, icon)))
}
for (const font of FONTS) {
  lay(join('static/fonts', font), readFileSync(join(dkfds, 'fonts/IBMPlexSans/complete', font)))
}
lay('static/LICENSE-dkfds.md', readFileSync(join(dkfds, 'LICENSE.md')))
lay(
  '_headers',
  `/static/*
  x-content-type-options: nosniff
  cross-origin-resource-policy: same-origin
/static/fonts/*
  cache-control: public, max-age=2592000
/static/img/*
  cache-control: public, max-age=2592000
`,
)

// Lays the portal's static files into .assets/, which wrangler serves: what it uses of dkfds, the public sector's
// common design system, and the portal's own style sheet. Wrangler runs this before it builds the worker.
import { copyFileSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'

const portal = dirname(fileURLToPath(import.meta.url))
const dkfds = join(portal, '../../node_modules/dkfds/dist')
const folder = join(portal, '../../.assets')

/** The faces the portal shows, and the one file that the statement's PDF embeds. */
const WOFF2 = ['Regular', 'SemiBold', 'Bold'].map((weight) => `woff2/IBMPlexSans-${weight}.woff2`)
const FONTS = [...WOFF2, 'ttf/IBMPlexSans-Regular.ttf', 'ttf/IBMPlexSans-Bold.ttf']

const copy = (from, to) => {
  mkdirSync(dirname(to), { recursive: true })
  copyFileSync(from, to)
}

rmSync(folder, { recursive: true, force: true })
// Its own faces name four formats each, the oldest first; portal.css names the one that every browser of today reads.
const css = readFileSync(join(dkfds, 'css/dkfds.min.css'), 'utf8')
  .replaceAll(/@font-face\{[^}]*\}/g, '')
  .replace(/\/\*# sourceMappingURL=.*?\*\//, '')
mkdirSync(join(folder, 'static/css'), { recursive: true })
writeFileSync(join(folder, 'static/css/dkfds.css'), css)
copy(join(portal, 'portal.css'), join(folder, 'static/css/portal.css'))
for (const [, icon] of css.matchAll(/url\(\.\.\/(img\/svg-icons\/[\w-]+\.svg)\)/g)) {
  copy(join(dkfds, icon), join(folder, 'static', icon))
}
for (const font of FONTS) copy(join(dkfds, 'fonts/IBMPlexSans/complete', font), join(folder, 'static/fonts', font))
copy(join(dkfds, 'LICENSE.md'), join(folder, 'static/LICENSE-dkfds.md'))
writeFileSync(
  join(folder, '_headers'),
  `/static/*
  cache-control: public, max-age=86400
  x-content-type-options: nosniff
  cross-origin-resource-policy: same-origin
`,
)

import { type Look, type PanelComponent, type PanelPage, palette, panel } from '../screen/panel.ts'
import type { Pictogram } from '../screen/pictograms.ts'
import { type Sound, sounds } from '../screen/sounds.ts'
import { png } from './drawing.ts'
import { wav } from './recording.ts'

/** The speed that the recipe sets, and that `klubkort-terminal` expects where it is told nothing else. */
const BAUD = 115_200

const TYPES: Readonly<Record<PanelComponent['kind'], string>> = { text: 'Text', button: 'Button', picture: 'Picture' }
const XCEN: Readonly<Record<PanelComponent['align'], string>> = { left: 'Left', centre: 'Center', right: 'Right' }

/** '#rrggbb' as the display counts colours: five bits of red, six of green, five of blue. */
export function rgb565(colour: string): number {
  const [red = 0, green = 0, blue = 0] = [1, 3, 5].map((at) => Number.parseInt(colour.slice(at, at + 2), 16))
  return ((red >> 3) << 11) | ((green >> 2) << 5) | (blue >> 3)
}

/** A pressed button shows its colours swapped, so that a finger sees what it has done. */
const colours = (look: Look) => {
  const { background, ink } = palette[look]
  return { bco: rgb565(background), pco: rgb565(ink) }
}

const components = panel.pages.flatMap((page) => page.components.map((component) => ({ page, component })))
const heights = [
  ...new Set(components.flatMap(({ component }) => (component.kind === 'picture' ? [] : [component.fontHeight]))),
].sort((a, b) => a - b)

type Picture = { file: string; pictogram: Pictogram; side: number; look: Look }

/** The pictures in the order in which they are added: a picture's number is its place here. */
const pictures: readonly Picture[] = components.flatMap(({ component: { pictogram, width, look } }) =>
  pictogram ? [{ file: `pictures/${pictogram}.png`, pictogram, side: width, look }] : [],
)
const byResource = (Object.keys(sounds) as Sound[]).sort((a, b) => sounds[a].resource - sounds[b].resource)

function table(head: readonly string[], rows: readonly (readonly (string | number)[])[]): string {
  const line = (cells: readonly (string | number)[]) => `| ${cells.join(' | ')} |`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('\n')
}

const code = (value: string) => (value === '' ? '' : `\`${value}\``)

function rowOf(component: PanelComponent): (string | number)[] {
  const { id, name, kind, x, y, width, height, text, fontHeight, align, maxLength, wrap, look, press } = component
  const place = [id, TYPES[kind], code(name), x, y, width, height]
  if (kind === 'picture') {
    const number = pictures.findIndex(({ pictogram }) => pictogram === component.pictogram)
    return [...place, `pic ${number}`, '', '', '', '', '', '', '']
  }
  const { bco, pco } = colours(look)
  const told = press ? 'press' : ''
  return [
    ...place,
    code(text),
    maxLength,
    heights.indexOf(fontHeight),
    XCEN[align],
    wrap ? 'True' : 'False',
    bco,
    pco,
    told,
  ]
}

function pageText(page: PanelPage): string {
  const hidden = page.components.filter((component) => component.hidden)
  const head = ['id', 'type', 'objname', 'x', 'y', 'w', 'h', 'txt', 'txt_maxl', 'font', 'xcen', 'isbr', 'bco', 'pco']
  const preinitialize =
    hidden.length === 0
      ? 'Preinitialize Event: empty.'
      : `Preinitialize Event:\n\n\`\`\`\n${hidden.map(({ name }) => `vis ${name},0`).join('\n')}\n\`\`\``
  return `### Page ${page.id}: \`${page.name}\`

Page attributes: \`sta\` solid color, \`bco\` ${colours(page.look).bco}. ${preinitialize}

${table([...head, 'Send Component ID'], page.components.map(rowOf))}`
}

/** The recipe of the display's file, as the text of README.md beside this. */
export function recipe(): string {
  const [{ width, height }] = [panel]
  return `# The display's file, step by step

A Nextion display is flashed once with a file that holds its pages. That file (\`.HMI\`, and the \`.tft\` made of it) is one
binary that only the maker's program, the Nextion Editor for Windows, can write. So what is kept here is what goes into
it, to the letter. This text, the pictures and the sounds are written by \`node terminal/hmi/main.ts\` from
\`terminal/screen/panel.ts\`, \`terminal/screen/pictograms.ts\` and \`terminal/screen/sounds.ts\`, and a test compares them: change those, never
this.

The driver knows a component by its page and its \`id\`, and sets it by its \`objname\`. Both must be as they stand here;
ids are given in the order in which components are added, so add them from top to bottom.

## 1. The project
1. File → New: \`klubkort.HMI\`. Device: the model you have, ${width} × ${height}. Models with a P after the numbers
   (\`NX8048P050\`, \`NX8048P070\`, the Intelligent series) have a loudspeaker. Display: 0 or 180 degrees, so that it is
   ${width} wide. Character encoding: \`iso-8859-1\`.
2. \`Program.s\`, all of it:

\`\`\`
int sys0=0,sys1=0,sys2=0
baud=${BAUD}
dim=100
thsp=0
ussp=0
sendxy=0
printh 00 00 00 ff ff ff 88 ff ff ff
page 0
\`\`\`

The display then never sleeps, and tells that it has started. \`bkcmd\` stays as it is: that a display has started anew is
known, among others, by its having forgotten it.

## 2. Fonts
Tools → Font Generator, once for each row; any sans-serif typeface with æ, ø, å and × will do (the pages are measured for
letters half as wide as high on average, as Arial's and Liberation Sans' are). Encoding \`iso-8859-1\`, all characters.
Add them in this order.

${table(
  ['font', 'height'],
  heights.map((each, index) => [index, each]),
)}

## 3. Pictures
Add in this order; each is ${pictures[0]?.side} × ${pictures[0]?.side} pixels and holds its page's background.

${table(
  ['picture', 'file'],
  pictures.map(({ file }, index) => [index, code(file)]),
)}

## 4. Sounds (Intelligent series only)
Audio → add, in this order. Other models have no such tab; a buzzer on the Pi then sounds instead (\`--buzzer\`).

${table(
  ['audio', 'file'],
  byResource.map((sound) => [sounds[sound].resource, code(`sounds/${sound}.wav`)]),
)}

## 5. Pages
Add ${panel.pages.length} pages in this order, so that their ids are 0 to ${panel.pages.length - 1}, and name them. On each, add the components from top to
bottom and set what the table says. Beside it, for all alike:

- \`vscope\` local; \`ycen\` Center; \`spax\` and \`spay\` 0; no border, \`sta\` solid color; a Button's \`style\` flat, \`bco2\` the
  table's \`pco\` and \`pco2\` its \`bco\`. \`txt\` empty where the table is.
- Where *Send Component ID* says press: Touch Press Event, tick *Send Component ID*. Nowhere else, and never in the
  Touch Release Event. No component has code of its own.

${panel.pages.map(pageText).join('\n\n')}

## 6. Onto the display
Compile; File → TFT file output; copy \`klubkort.tft\` alone to a FAT32 card, put it in the display, switch it on, wait for
"Update Successed", switch off, take the card out. Or upload over the serial line from the editor. Then on the Pi:
\`klubkort-terminal doctor\` says whether the display answers at ${BAUD} baud.

Colours are numbers of 16 bits: ${(Object.keys(palette) as Look[]).map((look) => `${look} ${colours(look).bco} with ink ${colours(look).pco}`).join(', ')}.
`
}

/** Every file beside this that is made from the panel, by its path from here. */
export function files(): Map<string, Buffer> {
  return new Map([
    ['README.md', Buffer.from(recipe())],
    ...pictures.map(({ file, pictogram, side, look }) => [file, png(pictogram, side, palette[look])] as const),
    ...byResource.map((sound) => [`sounds/${sound}.wav`, wav(sounds[sound])] as const),
  ])
}

import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { inflateSync } from 'node:zlib'
import { describe, expect, test } from 'vitest'
import { png } from '../terminal/hmi/drawing.ts'
import { files, rgb565 } from '../terminal/hmi/recipe.ts'
import { lettersIn, palette, panel } from '../terminal/screen/panel.ts'
import { type Pictogram, pictograms } from '../terminal/screen/pictograms.ts'
import { type Texts, texts } from '../terminal/screen/texts.ts'
import { ROOT } from './local/processes.ts'

const made = files()
const FOLDER = join(ROOT, 'terminal/hmi')
const components = panel.pages.flatMap((page) => page.components.map((component) => ({ page, component })))

describe("the recipe of the display's file", () => {
  test('says what the panel says: run node terminal/hmi/main.ts after a change', () => {
    for (const [path, content] of made) {
      expect(content.equals(readFileSync(join(FOLDER, path))), path).toBe(true)
    }
  })

  test('is all there is beside the programs that write it', () => {
    const found = readdirSync(FOLDER, { recursive: true, withFileTypes: true })
      .filter((entry) => entry.isFile() && !entry.name.endsWith('.ts'))
      .map((entry) => join(entry.parentPath, entry.name).slice(FOLDER.length + 1))
    expect(found.sort()).toEqual([...made.keys()].sort())
  })

  test('names every component by the page, id and name that the driver uses', () => {
    const text = made.get('README.md')?.toString() ?? ''
    for (const page of panel.pages) {
      const [, section = ''] = text.split(`### Page ${page.id}: \`${page.name}\``)
      const [own = ''] = section.split(/\n##/)
      for (const { id, name, x, y, width, height } of page.components) {
        expect(own).toMatch(
          new RegExp(`\\| ${id} \\| \\w+ \\| \`${name}\` \\| ${x} \\| ${y} \\| ${width} \\| ${height} \\|`),
        )
      }
      const sending = own.split('\n').filter((line) => line.endsWith('| press |')).length
      expect(sending).toBe(page.components.filter(({ press }) => press).length)
      for (const { name, hidden } of page.components) expect(own.includes(`vis ${name},0`)).toBe(hidden)
    }
  })

  test('counts colours as the display does', () => {
    expect([rgb565('#ffffff'), rgb565('#000000'), rgb565('#ff0000'), rgb565('#00ff00')]).toEqual([
      65535, 0, 63488, 2016,
    ])
  })
})

describe('a pictogram', () => {
  const side = 56
  const pixels = (pictogram: Pictogram) => {
    const bytes = png(pictogram, side, { background: '#000000', ink: '#ffffff' })
    const at = bytes.indexOf('IDAT') + 4
    const rows = inflateSync(bytes.subarray(at, at + bytes.readUInt32BE(at - 8)))
    return Array.from({ length: side * side }, (_, index) => {
      const row = Math.floor(index / side)
      return (rows[row * (side * 3 + 1) + 1 + (index % side) * 3] ?? 0) > 127
    })
  }

  test('differs from every other in shape, without its colour', () => {
    const all = (Object.keys(pictograms) as Pictogram[]).map((name) => ({ name, drawn: pixels(name) }))
    for (const [index, one] of all.entries()) {
      for (const other of all.slice(index + 1)) {
        const apart = one.drawn.filter((inked, pixel) => inked !== other.drawn[pixel]).length
        expect(apart / one.drawn.length, `${one.name} and ${other.name}`).toBeGreaterThan(0.15)
      }
    }
  })

  test('stands on the page of every answer and message, and no two pages share one', () => {
    const signs = components.flatMap(({ page, component: { pictogram } }) =>
      pictogram ? [`${page.name}:${pictogram}`] : [],
    )
    expect(signs).toEqual([
      ...['message:message', 'approved:approved', 'declined:declined', 'balance:balance', 'notice:notice'],
    ])
    const looks = ['approved', 'declined', 'balance', 'notice', 'calm'] as const
    expect(new Set(looks.map((look) => palette[look].background)).size).toBe(looks.length)
  })
})

describe('every text fits its component', () => {
  /** Breaks between words, as the display does, with letters half as wide as the font is high. */
  function linesOf(value: string, width: number): number {
    let [lines, used] = [1, 0]
    for (const word of value.split(' ')) {
      const needed = used === 0 ? word.length : used + 1 + word.length
      if (needed > width && used > 0) [lines, used] = [lines + 1, word.length]
      else used = needed
    }
    return lines
  }

  function fits(page: string, name: string, value: string): void {
    const found = components.find((each) => each.page.name === page && each.component.name === name)
    if (!found) throw new RangeError(`${page}.${name}`)
    const { width, height, fontHeight, wrap, maxLength } = found.component
    const lines = linesOf(value, lettersIn({ width, height }, fontHeight, false))
    expect(lines * fontHeight, `${page}.${name}: ${value}`).toBeLessThanOrEqual(wrap ? height : fontHeight)
    expect(value.length, `${page}.${name}: ${value}`).toBeLessThanOrEqual(maxLength)
  }

  const answersOf = (words: Texts): Record<string, [headlines: string[], details: string[]]> => ({
    approved: [
      [`${words.approved} 10.000,00 kr`],
      [words.chargedLater, `${words.balance} 10.000,00 kr`, `${words.at} 12.30`],
    ],
    declined: [[words.declined], [...Object.values(words.declinedWhy), ...Object.values(words.offlineWhy)]],
    balance: [
      [`${words.balance} -10.000,00 kr`, words.balance],
      [words.balanceBlocked, words.noBalance, words.declinedWhy.card_unknown],
    ],
    notice: [
      [words.declined, words.undone],
      [
        ...Object.values(words.unreadable),
        ...[words.nothingToUndo, words.undoOtherCard, words.cartFull, words.undoneLater],
      ],
    ],
    message: [
      [words.noReader, words.notSynced, words.revoked, words.barred, words.failed, words.stopped],
      [
        ...[words.noReaderDetail, words.notSyncedDetail, words.failedDisk, `${words.callOffice} (terminal_revoked)`],
        `${words.stoppedDetail} (terminal_stopped)`,
      ],
    ],
  })

  test.each(['da', 'en'] as const)('in %s', (language) => {
    const words = texts(language)
    for (const { page, component } of components) {
      if (component.label) fits(page.name, component.name, words.on[component.label])
    }
    for (const word of [words.on.online, words.on.offline]) fits('sale', 'online', word)
    for (const prompt of [words.choose, words.layCard, words.undoPrompt]) fits('sale', 'prompt', prompt)
    fits('sale', 'item0', `+ 45 ${words.on.others}`)
    for (const [page, [headlines, details]] of Object.entries(answersOf(words))) {
      for (const headline of headlines) fits(page, 'headline', headline)
      for (const detail of details) fits(page, 'detail', detail)
    }
  })
})

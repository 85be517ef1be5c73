import { env } from 'cloudflare:test'
import { PDF } from '@libpdf/core'
import { describe, expect, it } from 'vitest'
import type { Language } from '../../shared/wire.ts'
import { statementPdf } from '../../worker/portal/statement-pdf.ts'
import type { Statement, StatementLine } from '../../worker/statements/statements.ts'
import { speaker } from '../../worker/texts/language.ts'

declare global {
  namespace Cloudflare {
    interface Env {
      ASSETS: Fetcher
    }
  }
}

const NOW = Date.UTC(2026, 10, 21, 11)

const fontOf = async (weight: string) => {
  const answer = await env.ASSETS.fetch(`http://4000.localhost/static/fonts/ttf/IBMPlexSans-${weight}.ttf`)
  return new Uint8Array(await answer.arrayBuffer())
}

async function printed(found: Statement, child = 'Ida Prøvebarn', language: Language = 'da') {
  const bytes = await statementPdf(found, {
    ...{ municipality: 'Roskilde Kommune', child, kind: null, language, say: speaker(language), nowMs: NOW },
    period: { from: '2026-10-01', to: '2026-11-21' },
    fonts: { regular: await fontOf('Regular'), bold: await fontOf('Bold') },
  })
  const pdf = await PDF.load(bytes)
  return { pdf, pages: pdf.extractText(), size: bytes.length }
}

/** A statement of so many purchases of 12.50. */
function purchases(count: number, name = 'Juice'): Statement {
  const items = [{ product: 1, name, category: 'drink', quantity: 2, price: 625 } as const]
  const lines = Array.from({ length: count }, (_, index): StatementLine => {
    const [seq, balance] = [index + 1, 10_000_000 - 1250 * (index + 1)]
    const shown = { at: NOW, day: '2026-11-21', soldAt: null, site: 'Kantinen', items, reason: null }
    return { seq, transfer: `${seq}`, kind: 'purchase', amount: -1250, balance, ...shown }
  })
  const totals = [{ kind: 'purchase' as const, count, in: 0, out: 1250 * count }]
  return { opening: 10_000_000, closing: 10_000_000 - 1250 * count, totals, spending: [], lines, more: false }
}

describe('the document', () => {
  it('repeats its header on each page, and holds every movement once, within the paper', async () => {
    const { pages } = await printed(purchases(60))
    expect(pages).toHaveLength(3)
    for (const [index, page] of pages.entries()) {
      expect(page.text).toContain('Dato Hvad Beløb Saldo')
      expect(page.text).toContain(`Side ${index + 1} af 3`)
      expect([Math.round(page.width), Math.round(page.height)]).toEqual([595, 842])
      for (const { bbox } of page.lines) {
        expect(bbox.x).toBeGreaterThan(40)
        expect(bbox.x + bbox.width).toBeLessThan(556)
        expect(bbox.y).toBeGreaterThan(25)
        expect(bbox.y + bbox.height).toBeLessThan(825)
      }
    }
    const balances = pages.flatMap(({ text }) =>
      [...text.matchAll(/−12,50 ([\d.]+,\d\d)/g)].map(([, balance]) => balance),
    )
    expect(balances).toHaveLength(60)
    expect(new Set(balances).size).toBe(60)
    expect(pages[2]?.text).toContain('Saldo ved slut 99.250,00')
  })

  it('breaks what is long, and loses nothing of it', async () => {
    const one = purchases(1)
    const items = Array.from({ length: 50 }, (_, index) => {
      const name = index % 2 ? 'W'.repeat(40) : `Vare nummer ${index} med et langt navn`
      return { product: index, name, category: 'food', quantity: 99, price: 1 } as const
    })
    const lines = one.lines.map((line) => ({ ...line, items }))
    const { pages } = await printed({ ...one, lines: [...lines, ...lines] })
    const text = pages.map((page) => page.text).join('\n')
    expect(text.match(/W/g)).toHaveLength(2 * 25 * 40)
    for (let index = 0; index < 50; index += 2) expect(text.replaceAll('\n', ' ')).toContain(`nummer ${index}`)
    for (const page of pages) for (const { bbox } of page.lines) expect(bbox.x + bbox.width).toBeLessThan(556)
    for (const page of pages) for (const { bbox } of page.lines) expect(bbox.y).toBeGreaterThan(25)
  })

  it('shows a question mark for a letter that it does not have', async () => {
    const { pages } = await printed(purchases(1, 'Te\u{301} 茶 🍵'), 'Ida 茶')
    expect(pages[0]?.text).toContain('2 × Té ? ? à 6,25')
    expect(pages[0]?.text).toContain('Konto for Ida ?')
  })
})

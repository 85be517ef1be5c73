import type { PersonKey } from './persons.ts'

const HOPS_MAX = 12

/** What a browser shows after all redirects. */
export type Page = { url: URL; status: number; title: string; text: string }

/** A browser without JavaScript: it keeps each origin's cookies, follows redirects, and sends the forms of a page. */
export function browser() {
  const jars = new Map<string, Map<string, string>>()
  const visited: URL[] = []
  async function go(address: string | URL, form?: Record<string, string>): Promise<Page> {
    let url = new URL(address)
    let body = form && new URLSearchParams(form)
    for (let hops = 0; hops < HOPS_MAX; hops++) {
      visited.push(url)
      const jar = jars.get(url.origin) ?? new Map<string, string>()
      jars.set(url.origin, jar)
      const response = await fetch(url, {
        method: body ? 'POST' : 'GET',
        headers: { cookie: [...jar].map(([name, value]) => `${name}=${value}`).join('; '), origin: url.origin },
        redirect: 'manual',
        ...(body && { body }),
      })
      for (const line of response.headers.getSetCookie()) {
        const [, name = '', value = ''] = /^([^=]+)=([^;]*)/.exec(line) ?? []
        if (value === '') jar.delete(name)
        else jar.set(name, value)
      }
      const location = response.headers.get('location')
      const text = await response.text()
      if (!location) return { url, status: response.status, title: /<h1>(.*?)<\/h1>/.exec(text)?.[1] ?? '', text }
      url = new URL(location, url)
      body = undefined
    }
    throw new Error(`too many redirects, the last to ${url.href}`)
  }
  /** Sends a form of a page, with its hidden fields. */
  async function send(page: Page, action: string, fields: Record<string, string>): Promise<Page> {
    const form = new RegExp(`<form[^>]*action="([^"]*${action}[^"]*)"[^>]*>([\\s\\S]*?)</form>`).exec(page.text)
    if (!form) throw new Error(`no form ${action} on ${page.url.href}: ${page.text}`)
    const hidden = [...(form[2] ?? '').matchAll(/type="hidden" name="([^"]*)" value="([^"]*)"/g)]
    const all = { ...Object.fromEntries(hidden.map(([, name, value]) => [name, value])), ...fields }
    return await go(new URL(form[1] ?? '', page.url), all)
  }
  return { go, send, visited }
}

export type Browser = ReturnType<typeof browser>

/** What a page or a file of a portal says to a test person, who logs in for it with Test-MitID. */
export async function readAs(who: PersonKey, portal: string, path: string): Promise<string> {
  const { go, send } = browser()
  const choice = await go(new URL('/log-ind/mitid?tilbage=/konti', portal))
  await send(choice, '/interaction/', { person: who })
  const { status, text, url } = await go(new URL(path, portal))
  if (status !== 200) throw new Error(`${url.href} answered ${status}: ${text}`)
  return text
}

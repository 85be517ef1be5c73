import type { PersonKey } from './persons.ts'

const HOPS_MAX = 12

/** What a page or a file of a portal says to a test person, who logs in for it with Test-MitID. */
export async function readAs(who: PersonKey, portal: string, path: string): Promise<string> {
  const jars = new Map<string, Map<string, string>>()
  async function go(address: URL, form?: URLSearchParams): Promise<{ url: URL; text: string }> {
    let [url, body] = [address, form]
    for (let hops = 0; hops < HOPS_MAX; hops += 1) {
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
        jar.set(name, value)
      }
      const text = await response.text()
      const location = response.headers.get('location')
      if (location === null && response.status === 200) return { url, text }
      if (location === null) throw new Error(`${url.href} answered ${response.status}: ${text}`)
      url = new URL(location, url)
      body = undefined
    }
    throw new Error(`${address.href} leads nowhere`)
  }
  const choice = await go(new URL('/log-ind/mitid?tilbage=/konti', portal))
  const action = /action="([^"]*\/interaction\/[^"]*)"/.exec(choice.text)?.[1]
  if (action === undefined) throw new Error(`${choice.url.href} does not ask who it is: ${choice.text}`)
  await go(new URL(action, choice.url), new URLSearchParams({ person: who }))
  return (await go(new URL(path, portal))).text
}

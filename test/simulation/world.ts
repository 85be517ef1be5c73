import { createHash, createHmac, KeyObject, sign, verify, type webcrypto } from 'node:crypto'
import { setImmediate } from 'node:timers/promises'

/** Virtual time, and what is to happen in it. Nothing in it happens twice at once, so a story is the same each time. */
export type World = {
  /** Epoch milliseconds. */
  now(): number
  /** Does a deed at an instant; calling what comes back takes it off the list. */
  at(ms: number, deed: () => void): () => void
  after(ms: number, deed: () => void): () => void
  /** Resolves after so many milliseconds; rejects when the signal aborts. */
  sleep(ms: number, signal?: AbortSignal): Promise<void>
  /** Something outside that takes real time, for which virtual time stands still. */
  real<T>(deed: () => Promise<T>): Promise<T>
  /** Lets time go on until an instant, or until `over` says that it is enough. Rejects with the first deed that throws. */
  run(until: number, over?: () => boolean): Promise<void>
}

type Due = { at: number; number: number; deed: () => void; off: boolean }

export function world(startsAt: number): World {
  let now = startsAt
  let number = 0
  const heap: Due[] = []
  let underWay = 0
  let finished: (() => void) | null = null

  const before = (one: Due, other: Due) => one.at < other.at || (one.at === other.at && one.number < other.number)

  function push(due: Due) {
    let place = heap.push(due) - 1
    while (place > 0) {
      const parent = (place - 1) >> 1
      const above = heap[parent]
      if (!above || before(above, due)) break
      heap[place] = above
      place = parent
    }
    heap[place] = due
  }

  function pop(): Due | undefined {
    const first = heap[0]
    const last = heap.pop()
    if (!first || !last || heap.length === 0) return first
    let place = 0
    while (true) {
      let least = 2 * place + 1
      const [left, right] = [heap[least], heap[least + 1]]
      if (!left) break
      if (right && before(right, left)) least += 1
      const child = heap[least]
      if (!child || before(last, child)) break
      heap[place] = child
      place = least
    }
    heap[place] = last
    return first
  }

  /** Everything that follows from the last deed has happened when this resolves. */
  async function settled() {
    await setImmediate()
    while (underWay > 0) {
      await new Promise<void>((resolve) => {
        finished = resolve
      })
      await setImmediate()
    }
  }

  const self: World = {
    now: () => now,
    at(ms, deed) {
      number += 1
      const due: Due = { at: Math.ceil(Math.max(now, ms)), number, deed, off: false }
      push(due)
      return () => {
        due.off = true
      }
    },
    after: (ms, deed) => self.at(now + ms, deed),
    sleep: (ms, signal) =>
      new Promise((resolve, reject) => {
        if (signal?.aborted) return reject(signal.reason)
        const abort = () => {
          off()
          reject(signal?.reason)
        }
        const off = self.after(ms, () => {
          signal?.removeEventListener('abort', abort)
          resolve()
        })
        signal?.addEventListener('abort', abort, { once: true })
      }),
    async real(deed) {
      underWay += 1
      try {
        return await deed()
      } finally {
        underWay -= 1
        finished?.()
      }
    },
    async run(until, over = () => false) {
      await settled()
      while (!over()) {
        const next = heap[0]
        if (!next || next.at > until) {
          now = Math.max(now, until)
          return
        }
        pop()
        if (next.off) continue
        now = next.at
        next.deed()
        await settled()
      }
    },
  }
  return self
}

/**
 * Lets this process sign and hash at once instead of on threads of its own, by the same library: what takes real time in
 * between would come back in another order each time.
 */
export function withoutThreads() {
  const bytesOf = (data: ArrayBuffer | ArrayBufferView) =>
    data instanceof ArrayBuffer ? new Uint8Array(data) : new Uint8Array(data.buffer, data.byteOffset, data.byteLength)
  const objects = new WeakMap<webcrypto.CryptoKey, KeyObject>()
  const objectOf = (key: webcrypto.CryptoKey) => {
    const object = objects.get(key) ?? KeyObject.from(key)
    objects.set(key, object)
    return object
  }
  const imported = crypto.subtle.importKey.bind(crypto.subtle)
  const exact = (bytes: Buffer) => Uint8Array.from(bytes).buffer
  const nameOf = (algorithm: string | { name: string }) => (typeof algorithm === 'string' ? algorithm : algorithm.name)
  const hashOf = (name: string) => name.replace('-', '').toLowerCase()
  const methods = {
    // Keys that may be taken out again: those that may not are not to be had as a KeyObject for ever.
    importKey: (
      format: 'raw',
      data: ArrayBuffer,
      algorithm: string,
      _extractable: boolean,
      uses: webcrypto.KeyUsage[],
    ) => imported(format, data, algorithm, true, uses),
    async digest(algorithm: string | { name: string }, data: ArrayBuffer) {
      return exact(
        createHash(hashOf(nameOf(algorithm)))
          .update(bytesOf(data))
          .digest(),
      )
    },
    async sign(algorithm: string | { name: string }, key: webcrypto.CryptoKey, data: ArrayBuffer) {
      const secret = objectOf(key)
      if (nameOf(algorithm) === 'HMAC') {
        const { hash } = key.algorithm as { hash?: { name: string } }
        return exact(
          createHmac(hashOf(hash?.name ?? ''), secret)
            .update(bytesOf(data))
            .digest(),
        )
      }
      if (nameOf(algorithm) === 'Ed25519') return exact(sign(null, bytesOf(data), secret))
      throw new Error(`nothing here signs with ${nameOf(algorithm)}`)
    },
    async verify(
      algorithm: string | { name: string },
      key: webcrypto.CryptoKey,
      signature: ArrayBuffer,
      data: ArrayBuffer,
    ) {
      if (nameOf(algorithm) === 'Ed25519') return verify(null, bytesOf(data), objectOf(key), bytesOf(signature))
      throw new Error(`nothing here verifies ${nameOf(algorithm)}`)
    },
  }
  for (const [name, value] of Object.entries(methods)) Object.defineProperty(crypto.subtle, name, { value })
}

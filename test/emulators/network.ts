import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'

/** How the wire is: whole, cut (connections are refused and broken), or silent (bytes vanish, as behind a dead switch). */
export type Wire = 'whole' | 'cut' | 'silent'

export type Network = { port: number; wire(): Wire; set(wire: Wire): void; close(): Promise<void> }

/** A network cable between a terminal and the worker, byte for byte: what connects to `port` reaches `target`. */
export async function network(port: number, target: number): Promise<Network> {
  const ends = new Set<Socket>()
  let wire: Wire = 'whole'
  const server = createServer((near) => {
    const far = wire === 'whole' ? connect(target, '127.0.0.1') : null
    if (wire === 'cut') return void near.resetAndDestroy()
    for (const [one, other] of [
      [near, far],
      [far, near],
    ] as const) {
      if (!one) continue
      ends.add(one)
      one.on('data', (bytes) => {
        if (wire === 'whole') other?.write(bytes)
      })
      one.on('error', () => other?.destroy())
      one.on('close', () => {
        ends.delete(one)
        other?.destroy()
      })
    }
  })
  server.listen(port, '127.0.0.1')
  await once(server, 'listening')
  return {
    port: (server.address() as AddressInfo).port,
    wire: () => wire,
    set(to) {
      wire = to
      if (to === 'cut') for (const end of ends) end.resetAndDestroy()
      if (to === 'whole') for (const end of ends) end.destroy() // What vanished while silent does not come back.
    },
    async close() {
      for (const end of ends) end.destroy()
      server.close()
      await once(server, 'close')
    },
  }
}

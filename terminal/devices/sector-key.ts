import { createHmac } from 'node:crypto'
import type { SectorKeys } from './card-memory.ts'

const KEY_BYTES = 6
/** What every MIFARE Classic card leaves the factory with. */
const TRANSPORT_KEY = new Uint8Array(KEY_BYTES).fill(0xff)

/** A municipality's keys for a card's sector: the one made for this very card, and else the factory's. */
export function sectorKeysOf(cardKey: string): SectorKeys {
  const secret = Buffer.from(cardKey, 'base64url')
  return (uid) => [
    createHmac('sha256', secret).update('klubkort sector key').update(uid).digest().subarray(0, KEY_BYTES),
    TRANSPORT_KEY,
  ]
}

/** The keys of cards that nobody has made keys for. */
export const factoryKeys: SectorKeys = () => [TRANSPORT_KEY]

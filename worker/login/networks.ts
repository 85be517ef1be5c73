/**
 * Whom an address stands for when tries are counted: an IPv4 address itself, and of an IPv6 address the first 64 bits,
 * for whoever has one has all that share them.
 */
export function networkOf(address: string): string {
  if (!address.includes(':')) return address
  const [front = '', back] = address.split('::')
  const [before, after] = [front, back ?? ''].map((part) => (part === '' ? [] : part.split(':')))
  const zeros = back === undefined ? 0 : 8 - (before?.length ?? 0) - (after?.length ?? 0)
  return [...(before ?? []), ...Array(zeros).fill('0'), ...(after ?? [])].slice(0, 4).join(':')
}

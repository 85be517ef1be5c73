/** No number needs more characters than this, however it is spaced. */
const TYPED_MAX = 40

/**
 * A telephone number in international form, '+4512345678', out of what people type: eight digits are Danish, anything
 * else begins with + or 00 and the country (ITU-T E.164: at most 15 digits). Null for anything that cannot be one.
 */
export function parsePhone(text: string): string | null {
  if (text.length > TYPED_MAX) return null
  const digits = text.trim().replace(/(?<=[\d)])[ .()-]+(?=[\d(])|[()]/g, '')
  if (/^\d{8}$/.test(digits)) return `+45${digits}`
  const international = /^(?:\+|00)([1-9]\d{7,14})$/.exec(digits)?.[1]
  if (international === undefined || /^45(?!\d{8}$)/.test(international)) return null
  return `+${international}`
}

import { z } from 'zod'

/** One line of text, without the blanks around it. */
export const Text = z
  .string()
  .trim()
  .regex(/^\P{Cc}*$/u, 'no control characters')

/** What somebody or something is called, in at most 80 characters. */
export const Name = Text.min(1).max(80)

/** Text of several lines: line ends become '\n' and tabs blanks, as forms and files send them. */
export const Lines = z
  .string()
  .overwrite((text) => text.replace(/\r\n?/g, '\n').replaceAll('\t', ' ').trim())
  .regex(/^[\P{Cc}\n]*$/u, 'no control characters')

/** A number that the worker gave something. */
export const Id = z.int().min(1)

/** Epoch milliseconds, as far as a Date goes: what lies beyond is a day of no calendar, and cannot be shown. */
export const InstantMs = z.int().min(0).max(8_640_000_000_000_000)

/** A mail address. */
export const Mail = z.email().max(254)

/** An Ed25519 public key: 32 bytes as base64url, the `x` of its JWK (RFC 8037). */
export const PublicKey = z.string().regex(/^[A-Za-z0-9_-]{43}$/)

/** A JWS in compact form with a 64-byte signature; no padding and no second spelling of the same bytes. */
export const CompactJws = z
  .string()
  .max(8192)
  .regex(/^[A-Za-z0-9_-]+\.[A-Za-z0-9_-]+\.[A-Za-z0-9_-]{85}[AQgw]$/)

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

import { z } from 'zod'

/** Every way the worker refuses, with the HTTP status it travels under. */
export const ERROR_STATUS = {
  malformed: 400,
  signature_invalid: 401,
  terminal_unknown: 401,
  terminal_revoked: 401,
  proof_invalid: 401,
  token_invalid: 401,
  setup_key_invalid: 401,
  role_forbidden: 403,
  municipality_unknown: 404,
  not_found: 404,
  child_unknown: 404,
  site_unknown: 404,
  product_unknown: 404,
  account_unknown: 404,
  card_unknown: 404,
  code_unknown: 404,
  case_unknown: 404,
  order_unknown: 404,
  payout_unknown: 404,
  bank_file_unknown: 404,
  bank_file_own: 409,
  code_expired: 409,
  code_used: 409,
  seq_gap: 409,
  message_conflict: 409,
  terminal_stopped: 409,
  not_enrolled: 409,
  sale_unknown: 404,
  sale_undone: 409,
  sale_undecided: 409,
  sale_carried: 409,
  refund_too_large: 409,
  day_to_come: 409,
  child_erased: 409,
  child_stays: 409,
  name_wrong: 409,
  erasure_blocked: 409,
  review_unknown: 404,
  review_settled: 409,
  review_unfit: 409,
  balance_short: 409,
  name_taken: 409,
  card_taken: 409,
  card_closed: 409,
  child_left: 409,
  order_unpaid: 409,
  order_ended: 409,
  uid_random: 409,
  transfer_conflict: 409,
  already_set_up: 409,
  id_taken: 409,
  payout_too_late: 409,
  nothing_to_export: 409,
  bank_account_missing: 409,
  last_admin: 409,
  settings_conflict: 409,
  too_large: 413,
  too_often: 429,
  internal: 500,
  stripe_unavailable: 503,
} as const

export type ErrorCode = keyof typeof ERROR_STATUS

/** The one form of every refusal: a code for programs, a sentence for people. */
export const ErrorBody = z
  .strictObject({
    error: z.strictObject({
      code: z.enum(Object.keys(ERROR_STATUS) as [ErrorCode, ...ErrorCode[]]),
      message: z.string(),
    }),
  })
  .meta({ id: 'Error' })
export type ErrorBody = z.infer<typeof ErrorBody>

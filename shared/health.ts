import { z } from 'zod'

export const Health = z
  .object({
    status: z.enum(['ok', 'failing']),
    databases: z.array(
      z.object({ municipality: z.int(), status: z.enum(['ok', 'unreachable', 'migrations_missing', 'not_set_up']) }),
    ),
  })
  .meta({ id: 'Health' })

/** Whether the portal's tests take each language in each width: `npm run test:wide`. */
export const WIDE = process.env.WIDE === '1'

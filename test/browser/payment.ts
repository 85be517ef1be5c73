import type { Portal } from './portal.ts'

/** Test cards of the stand-in for Stripe, by what they do. */
export const CARDS = {
  good: '4242 4242 4242 4242',
  other: '5555 5555 5555 4444',
  declined: '4000 0000 0000 0002',
  /** Wants its owner's approval when it is given, and each time that it is charged without them. */
  authenticates: '4000 0027 6000 3184',
} as const

const LABELS = {
  da: {
    number: 'Kortnummer',
    expires: 'Udløb (MM/ÅÅ)',
    cvc: 'CVC',
    pay: /^Betal /,
    store: 'Gem kort',
    cancel: 'Annuller',
    approve: 'Godkend',
    deny: 'Afvis',
    back: 'Tilbage',
  },
  en: {
    number: 'Card number',
    expires: 'Expires (MM/YY)',
    cvc: 'CVC',
    pay: /^Pay /,
    store: 'Save card',
    cancel: 'Cancel',
    approve: 'Approve',
    deny: 'Decline',
    back: 'Back',
  },
} as const

/** What a parent does on Stripe's page, which leads back to the portal. */
export type Payment = {
  /** Pays with a card, or gives one to be stored: `what` the page is for. */
  card(number: string, what?: 'pay' | 'store'): Promise<void>
  mobilePay(): Promise<void>
  /** At the bank, or in MobilePay. */
  approve(): Promise<void>
  deny(): Promise<void>
  cancel(): Promise<void>
  /** From a page that has been used. */
  back(): Promise<void>
}

export function paymentPage({ page, language, press }: Portal): Payment {
  const labels = LABELS[language]
  const pay = async () => {
    const button = page.getByRole('button', { name: labels.pay })
    await Promise.all([page.waitForEvent('domcontentloaded'), button.click()])
    await page.waitForLoadState()
  }
  return {
    async card(number, what = 'pay') {
      await page.getByLabel(labels.number).fill(number)
      await page.getByLabel(labels.expires).fill('12/49')
      await page.getByLabel(labels.cvc).fill('123')
      await (what === 'pay' ? pay() : press(labels.store))
    },
    async mobilePay() {
      await page.getByLabel('MobilePay').check()
      await pay()
    },
    approve: () => press(labels.approve),
    deny: () => press(labels.deny),
    cancel: () => press(labels.cancel),
    back: () => press(labels.back),
  }
}

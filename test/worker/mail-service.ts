/** A mail as the worker hands it over. */
export type Sent = { to: string; subject: string; text: string; headers: Record<string, string> }

/** The mail service at the wire: takes what it is handed, or fails as it is told to. */
export function mailService(fails: (mail: Sent) => Error | null | Promise<Error | null> = () => null) {
  const sent: Sent[] = []
  const handed: Sent[] = []
  const send = async (mail: Sent) => {
    handed.push(mail)
    await new Promise((resolve) => setTimeout(resolve, 5)) // So that two runs at once are inside at once.
    const error = await fails(mail)
    if (error) throw error
    sent.push(mail)
    return { messageId: `<${sent.length}@mail.example>` }
  }
  return { sent, handed, binding: { send } as unknown as SendEmail }
}

import type { Command } from 'commander'
import type { z } from 'zod'
import { Settings, SettingsCall } from '../../shared/wire.ts'
import { command, group } from './command.ts'
import { change, type Desk, type Outcome, read, told } from './desk.ts'
import { plain } from './output.ts'

type SetOptions = {
  name?: string
  supportPhone?: string
  supportMail?: string
  supportHoursDa?: string
  supportHoursEn?: string
  mailFrom?: string
}

/** `klubkort settings …`: what the municipality tells parents about itself. */
export function settingsCommands(klubkort: Command, desk: Desk) {
  const settings = group(klubkort, 'settings', 'what parents are told of the municipality', 'klubkort settings show')

  command(settings, 'show', 'show all settings', 'klubkort settings show').action(async () =>
    desk.deliver(told(await read(desk, '/settings', Settings), page)),
  )

  command(
    settings,
    'set',
    "change the settings that are named; '' takes one away",
    "klubkort settings set --support-phone '70 00 00 00' --support-mail support@klubkort.example",
    "klubkort settings set --support-hours-en ''",
  )
    .option('--name <name>', 'the name of the municipality')
    .option('--support-phone <number>', 'where parents call')
    .option('--support-mail <address>', 'where parents write')
    .option('--support-hours-da <text>', 'when somebody is there, in Danish')
    .option('--support-hours-en <text>', 'when somebody is there, in English')
    .option('--mail-from <address>', "the address that the portal's mail comes from")
    .action(async (options: SetOptions) => desk.deliver(await set(desk, options)))
}

async function set(desk: Desk, options: SetOptions): Promise<Outcome> {
  if (Object.values(options).every((value) => typeof value !== 'string')) {
    return { kind: 'usage', message: 'name a setting to change' }
  }
  const { name, supportPhone, supportMail, supportHoursDa, supportHoursEn, mailFrom } = options
  const value = (text: string | undefined) => (text === '' ? null : text)
  const hours = { da: value(supportHoursDa), en: value(supportHoursEn) }
  const form = {
    name,
    supportPhone: value(supportPhone),
    supportMail: value(supportMail),
    ...((hours.da !== undefined || hours.en !== undefined) && { supportHours: hours }),
    mailFrom: value(mailFrom),
  }
  return told(await change(desk, '/settings', SettingsCall, form, Settings), page)
}

function page({ name, supportPhone, supportMail, supportHours, mailFrom }: z.infer<typeof Settings>): string {
  const value = (text: string | null) => (text === null ? '(not set)' : plain(text))
  return `Name            ${plain(name)}
Support phone   ${value(supportPhone)}
Support mail    ${value(supportMail)}
Support hours   ${value(supportHours.da)}
  in English    ${value(supportHours.en)}
Mail from       ${value(mailFrom)}`
}

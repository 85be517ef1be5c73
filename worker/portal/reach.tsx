import { portal } from '../texts/portal.ts'
import type { View } from './view.ts'

/** Where the municipality's support is reached, as far as it has said so. */
export function Reach({ view }: { view: View }) {
  const { say, settings, language } = view
  const { supportPhone, supportMail } = settings
  const hours = settings.supportHours[language] ?? settings.supportHours.da
  if (supportPhone === null && hours === null && supportMail === null) return null
  return (
    <dl class="reach">
      {supportPhone !== null && (
        <div>
          <dt>{say(portal.phone)}</dt>
          <dd>
            <a href={`tel:${supportPhone.replaceAll(' ', '')}`}>{supportPhone}</a>
          </dd>
        </div>
      )}
      {hours !== null && (
        <div>
          <dt>{say(portal.hours)}</dt>
          <dd>{hours}</dd>
        </div>
      )}
      {supportMail !== null && (
        <div>
          <dt>{say(portal.mail)}</dt>
          <dd>
            <a href={`mailto:${supportMail}`}>{supportMail}</a>
          </dd>
        </div>
      )}
    </dl>
  )
}

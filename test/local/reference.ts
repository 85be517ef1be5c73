import { reference } from '../../terminal/staff/reference.ts'
import { commandLine, keepReference } from './readme.ts'

// `npm run reference`: the README's reference as the commands are now.
keepReference(reference(commandLine()))

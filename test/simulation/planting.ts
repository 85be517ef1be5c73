import { registerHooks } from 'node:module'
import { pathToFileURL } from 'node:url'
import { ROOT } from '../local/processes.ts'
import { FAULTS, type FaultName } from './faults.ts'

/*
 * Loaded before a player whose till is to be wrong: changes the text of the till's source as it is read, and nothing on
 * the disk. The fault's name is the player's third argument.
 */

const { file, right, wrong } = FAULTS[process.argv[4] as FaultName]
const address = pathToFileURL(`${ROOT}${file}`).href

registerHooks({
  load(url, context, next) {
    const loaded = next(url, context)
    if (url !== address) return loaded
    const parts = String(loaded.source).split(right)
    if (parts.length !== 2) throw new Error(`${file} does not say once '${right}', so no fault can be planted there`)
    return { ...loaded, source: parts.join(wrong) }
  },
})

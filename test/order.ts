import { BaseSequencer, type TestSpecification } from 'vitest/node'

/** The files that take longest, which go first: none of them is to run alone at the end. */
const LONGEST = [
  'portal-pages',
  'portal-card',
  'portal-money',
  'portal-payout',
  'kill',
  'portal',
  'portal-trouble',
  'ledger-property',
  'bad-input',
  'profile',
]
const PROJECTS = ['long', 'system', 'thorough', 'worker', 'node']

/** Sorts by project, since a worker that has loaded one goes on with it, and the longest files first. */
export default class Order extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ project, moduleId }: TestSpecification) => {
      const index = LONGEST.findIndex((name) => moduleId.endsWith(`/${name}.test.ts`))
      return PROJECTS.indexOf(project.name) * 100 + (index < 0 ? LONGEST.length : index)
    }
    return (await super.sort(files)).sort((one, other) => rank(one) - rank(other))
  }
}

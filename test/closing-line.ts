import type { Reporter, TestModule } from 'vitest/node'

/** Ends a run with one plain line that any tool can read: 'N passed, N failed'. */
export default class ClosingLine implements Reporter {
  onTestRunEnd(modules: readonly TestModule[], errors: readonly unknown[]) {
    const states = modules.flatMap((module) => [...module.children.allTests()].map((test) => test.result().state))
    const broken = modules.filter((module) => module.state() === 'failed' && module.errors().length > 0).length
    const passed = states.filter((state) => state === 'passed').length
    const failed = states.filter((state) => state !== 'passed' && state !== 'skipped').length + broken + errors.length
    process.on('exit', () => console.log(`${passed} passed, ${failed} failed`))
  }
}

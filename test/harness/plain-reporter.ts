import type { Reporter } from 'vitest/node';

type RunEnd = Parameters<NonNullable<Reporter['onTestRunEnd']>>;

/** Ends a run with one plain line, `N passed, N failed`, that scripts can read whatever the terminal. */
export class PlainReporter implements Reporter {
  onTestRunEnd(modules: RunEnd[0], unhandled: RunEnd[1]): void {
    let passed = 0;
    // What fails outside any test still is a failure: a file that does not load, an error nobody caught.
    let failed = unhandled.length;
    for (const module of modules) {
      const states = [...module.children.allTests()].map((test) => test.result().state);
      passed += states.filter((state) => state === 'passed').length;
      const failures = states.filter((state) => state === 'failed').length;
      failed +=
        failures || module.errors().length > 0 || module.state() === 'failed' ? Math.max(failures, 1) : 0;
    }
    process.stdout.write(`\n${passed} passed, ${failed} failed\n`);
  }
}

import { defineConfig } from 'vitest/config';
import { PlainReporter } from './test/harness/plain-reporter.ts';

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    pool: 'forks',
    // Tests wait for processes of their own more than they compute.
    maxWorkers: 2,
    testTimeout: 60_000,
    hookTimeout: 60_000,
    reporters: ['default', new PlainReporter()],
  },
});

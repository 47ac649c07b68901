import { defineConfig } from 'vitest/config';

/**
 * Of what runs in real time on a machine that others use too. In CI such a test has a second try, which the reporter names
 * (`retry x1`): one that fails twice is no chance. Nobody waits for it at a desk.
 */
const retry = process.env['CI'] === undefined ? 0 : 1;

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/sim/**/*.test.ts'] } },
      {
        test: {
          name: 'oracle',
          include: ['test/oracle/**/*.test.ts'],
          // In real time, and what else runs here shows in it: one at a time, once the others are done.
          fileParallelism: false,
          retry,
          sequence: { groupOrder: 1 },
        },
      },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // One control plane at a time: two cores hold one API server and its load, not three.
          fileParallelism: false,
          retry,
          testTimeout: 240_000,
          hookTimeout: 900_000,
          globalSetup: ['test/integration/global-setup.ts'],
        },
      },
      {
        test: {
          name: 'browser',
          include: ['test/browser/**/*.test.ts'],
          // A browser takes a core or two, and one file looks at a real run: after all that measures time.
          fileParallelism: false,
          retry,
          sequence: { groupOrder: 2 },
          testTimeout: 240_000,
          hookTimeout: 900_000,
          expect: { poll: { timeout: 30_000 } },
          chaiConfig: { truncateThreshold: 2000 },
          globalSetup: ['test/integration/global-setup.ts'],
        },
      },
    ],
  },
});

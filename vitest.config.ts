import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    projects: [
      { test: { name: 'unit', include: ['test/unit/**/*.test.ts', 'test/sim/**/*.test.ts'] } },
      {
        test: {
          name: 'integration',
          include: ['test/integration/**/*.test.ts'],
          // One control plane at a time: two cores hold one API server and its load, not three.
          fileParallelism: false,
          testTimeout: 240_000,
          hookTimeout: 900_000,
          globalSetup: ['test/integration/global-setup.ts'],
        },
      },
    ],
  },
});

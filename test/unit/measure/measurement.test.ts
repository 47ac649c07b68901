import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import type { ApiClient } from '../../../src/kube/client.ts';
import { Measurement } from '../../../src/measure/measurement.ts';
import { CallMetrics } from '../../../src/metrics/call-metrics.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from './fake-clock.ts';

/** Of an API server that answers requests so, if at all, and whose watches are silent. */
function measuring(clock: FakeClock, status?: number): { measurement: Measurement; streams: () => number } {
  let streams = 0;
  const client = {
    clock,
    prng: new Prng('silent'),
    codec: jsonCodec,
    request: () =>
      new Promise((resolve) => {
        if (status !== undefined) resolve({ status, contentType: 'application/json', body: Buffer.alloc(0) });
      }),
    stream: () => {
      streams++;
      return { cancel: () => {} };
    },
  } as unknown as ApiClient;
  const measurement = new Measurement({
    clock,
    runId: 'run',
    observerClient: client,
    probeClient: client,
    observerMetrics: new CallMetrics(),
    loadMetrics: new CallMetrics(),
    probeLease: { namespace: 'ns', name: 'probe', labels: {} },
    loadCounters: () => ({ dueCount: 0, sentCount: 0 }),
    components: [],
    harnessPids: () => ({}),
    controlPlanePids: () => ({}),
    cpuCount: 2,
  });
  return { measurement, streams: () => streams };
}

it('does not begin once it was stopped while it waited for its watches', async () => {
  const clock = new FakeClock();
  const { measurement, streams } = measuring(clock);
  const started = measurement.start();
  expect(streams()).toBe(2);
  measurement.stop();
  await expect(started).rejects.toMatchObject({ code: 'interrupted' });
  clock.pass(60_000);
  // Pods and nodes, and nothing that comes after them.
  expect(streams()).toBe(2);
});

describe('a final list that the API server does not give', () => {
  async function counts(about: { cutShort?: boolean; givenUp?: boolean }): Promise<unknown> {
    const clock = new FakeClock();
    const { measurement } = measuring(clock, 500);
    if (about.givenUp === true) measurement.giveUp();
    const finishing = { over: false };
    const finished = measurement
      .finish({ achieved: [], cutShort: about.cutShort === true })
      .finally(() => (finishing.over = true));
    while (!finishing.over) {
      clock.pass(100);
      await new Promise(setImmediate);
    }
    return (await finished).validity.checks.find(({ id }) => id === 'counts-agree');
  }

  it('makes the run invalid', async () => {
    expect(await counts({})).toMatchObject({
      verdict: 'fail',
      message: expect.stringContaining('answered with HTTP 500') as string,
    });
  });

  it.each([{ cutShort: true }, { givenUp: true }])(
    'says nothing of one that is over anyhow: %j',
    async (about) => {
      expect(await counts(about)).toMatchObject({ verdict: 'skipped' });
    },
  );
});

import { beforeEach, describe, expect, test } from 'vitest';
import type { NamespaceWork } from '../../../src/load/namespaces.ts';
import { createVolumes, deleteVolumes } from '../../../src/load/volumes.ts';
import type { ClaimPlan } from '../../../src/load/workloads.ts';
import { CallMetrics } from '../../../src/metrics/call-metrics.ts';
import { FakeClock } from './fake-clock.ts';
import { FakeServer, type Seen } from './fake-server.ts';

let clock: FakeClock;
let server: FakeServer;
let abort: AbortController;
let work: NamespaceWork;
/** Of so many volumes that there are now, how many the controller has taken in. */
let taken: (made: number) => number;

beforeEach(() => {
  clock = new FakeClock();
  server = new FakeServer(clock);
  abort = new AbortController();
  taken = (made) => made;
  server.answer = ({ method }) => {
    if (method !== 'GET') return { status: method === 'POST' ? 201 : 200 };
    const made = sent('POST').length - sent('DELETE').length;
    const items = Array.from({ length: made }, (_, i) => ({
      status: { phase: i < taken(made) ? 'Available' : 'Pending' },
    }));
    return { status: 200, object: { items } };
  };
  const context = { runId: 'run-1', tolerations: [], confined: false };
  work = { client: server, clock, context, raw: new CallMetrics(), signal: abort.signal };
});

const sent = (method: string): Seen[] => server.seen.filter((seen) => seen.method === method);

function plans(count: number): ClaimPlan[] {
  return Array.from({ length: count }, (_, i) => ({
    kind: 'claim',
    namespace: 'ns-1',
    name: `data-${i}`,
    phase: 'data',
    size: '1Gi',
    pod: undefined,
  }));
}

describe('volumes', () => {
  test('are made at a pace, and looked for when all are there', async () => {
    server.latencyMs = 50;
    await clock.finish(createVolumes(plans(200), work));
    const made = sent('POST');
    expect(made).toHaveLength(200);
    expect((made.at(-1)?.atUs ?? 0) - (made[0]?.atUs ?? 0)).toBeGreaterThan(1_980_000);
    expect(sent('GET')).toHaveLength(1);
  });

  test('have the time that a controller with 20 writes a second takes, with few looks', async () => {
    const startUs = clock.nowUs();
    taken = () => ((clock.nowUs() - startUs) / 1e6) * 20;
    await clock.finish(createVolumes(plans(3_000), work));
    expect(clock.nowUs() - startUs).toBeGreaterThan(150e6);
    expect(sent('GET').length).toBeLessThan(45);
  });

  test('of which none is taken in any more end the run', async () => {
    taken = () => 100;
    await expect(clock.finish(createVolumes(plans(3_000), work))).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message: expect.stringMatching(
        /^2900 PersistentVolumes are not Available after 12\d s: does the/,
      ) as string,
    });
  });

  test('are looked at no longer than not', async () => {
    server.latencyMs = 8_000;
    taken = () => (sent('GET').length > 5 ? 1 : 0);
    await clock.finish(createVolumes(plans(1), work));
    const [, second, third] = sent('GET').map(({ atUs }) => atUs);
    expect((third ?? 0) - (second ?? 0)).toBeGreaterThanOrEqual(16_000_000);
  });

  test('that the server refuses are named', async () => {
    const { answer } = server;
    server.answer = (seen, i) => (i === 1 ? { status: 403, text: '{}' } : answer(seen, i));
    await expect(clock.finish(createVolumes(plans(3), work))).rejects.toMatchObject({
      code: 'cluster-unavailable',
      message: expect.stringMatching(/^cannot create PersistentVolume data-1-run-1: /) as string,
    });
  });

  test('stop being made with the run', async () => {
    const making = createVolumes(plans(1_000), work);
    making.catch(() => {});
    await clock.advance(1_000);
    abort.abort();
    await expect(clock.finish(making)).rejects.toMatchObject({ code: 'interrupted' });
    expect(sent('POST').length).toBeLessThan(110);
  });

  test('are deleted at the same pace', async () => {
    await clock.finish(createVolumes(plans(200), work));
    expect(await clock.finish(deleteVolumes(plans(200), 10_000, work))).toBe(0);
    const [first, last] = [sent('DELETE')[0], sent('DELETE').at(-1)];
    expect((last?.atUs ?? 0) - (first?.atUs ?? 0)).toBeGreaterThan(1_980_000);
  });
});

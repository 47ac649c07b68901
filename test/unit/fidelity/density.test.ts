import { beforeEach, describe, expect, it } from 'vitest';
import { sleep } from '../../../src/base/clock.ts';
import { HollowmarkError } from '../../../src/base/errors.ts';
import { type DensityRound, densityRound } from '../../../src/fidelity/trend/density.ts';
import { planDensity } from '../../../src/fidelity/trend/trend.ts';
import type { WorkObject } from '../../../src/fidelity/work/objects.ts';
import { FakeClock } from '../load/fake-clock.ts';

type Pod = { spec: { affinity: { nodeAffinity: object } } };

describe('a round of work', () => {
  let clock: FakeClock;
  /** When each request came, in ms since the start: `create a-1`. */
  let requests: { atMs: number; what: string }[];
  let runningUs: Map<string, number>;
  let present: Set<string>;
  let created: WorkObject[];
  let stopped: AbortController;
  /** From a request to what comes of it. */
  let serverMs: number;
  let starts: boolean;

  beforeEach(() => {
    clock = new FakeClock();
    [requests, created, serverMs, starts] = [[], [], 50, true];
    runningUs = new Map();
    present = new Set();
    stopped = new AbortController();
  });

  const round = (): Promise<DensityRound> => {
    const firstUs = clock.nowUs();
    const note = (what: string): void => {
      requests.push({ atMs: (clock.nowUs() - firstUs) / 1000, what });
    };
    const nameOf = ({ collection, name }: WorkObject): string => `${collection.split('/')[4]}/${name}`;
    return densityRound({
      plan: planDensity({ nodes: 2, podsPerNode: 3 }),
      watch: {
        runningUs,
        get presentCount() {
          return present.size;
        },
      },
      clock,
      signal: stopped.signal,
      name: 'a',
      client: {
        create: async (pod) => {
          note(`create ${pod.name}`);
          created.push(pod);
          await sleep(clock, serverMs);
          present.add(nameOf(pod));
          if (starts) runningUs.set(nameOf(pod), clock.nowUs());
        },
        delete: async (pod) => {
          note(`delete ${pod.name}`);
          await sleep(clock, serverMs);
          present.delete(nameOf(pod));
        },
        exists: async (path) => {
          note(`get ${path.split('/').at(-1)}`);
          return Promise.resolve(true);
        },
        list: () => {
          note('list');
          return Promise.resolve([]);
        },
        until: async (check, timeoutMs) => {
          const deadlineUs = clock.nowUs() + timeoutMs * 1000;
          while (!(await check())) {
            if (clock.nowUs() > deadlineUs) return false;
            await sleep(clock, 100);
          }
          return true;
        },
      },
    });
  };
  const timesOf = (what: RegExp): number[] =>
    requests.filter((request) => what.test(request.what)).map(({ atMs }) => atMs);

  it('creates at one rate, reads at another, and deletes half as fast again', async () => {
    const { startUs, endUs, startupMs } = await clock.finish(round());
    expect(timesOf(/^create/)).toEqual([0, 500, 1000, 1500, 2000, 2500]);
    expect(timesOf(/^get/)).toEqual([0, 500, 1000, 1500, 2000, 2500]);
    expect(timesOf(/^list/)).toHaveLength(6);
    const deletions = timesOf(/^delete/);
    expect((deletions.at(-1) ?? 0) - (deletions[0] ?? 0)).toBeCloseTo((5 * 1000) / 3, 0);
    expect(startupMs).toEqual([50, 50, 50, 50, 50, 50]);
    expect(endUs - startUs).toBeGreaterThan(4000 * 1000);
  });

  it('asks no later because the server is slow, and counts from when it was to ask', async () => {
    serverMs = 7000;
    const { startupMs } = await clock.finish(round());
    expect(timesOf(/^create/)).toEqual([0, 500, 1000, 1500, 2000, 2500]);
    expect(startupMs).toEqual(Array.from({ length: 6 }, () => 7000));
  });

  it('has each node get as many pods, whatever the scheduler thinks of it', async () => {
    await clock.finish(round());
    const nodes = created.map(({ object }) => {
      const text = JSON.stringify((object as Pod).spec.affinity.nodeAffinity);
      return /"values":\["(node-\d)"\]/.exec(text)?.[1];
    });
    expect(nodes).toEqual(['node-1', 'node-2', 'node-1', 'node-2', 'node-1', 'node-2']);
  });

  it('ends with an error when pods do not start', async () => {
    starts = false;
    await expect(clock.finish(round())).rejects.toThrow('not all pods were seen Running within 120 s');
  });

  it('ends when it is told to', async () => {
    const running = round();
    await clock.advance(700);
    stopped.abort(new HollowmarkError('interrupted', 'enough'));
    await expect(clock.finish(running)).rejects.toThrow('enough');
    expect(timesOf(/^create/)).toEqual([0, 500]);
  });
});

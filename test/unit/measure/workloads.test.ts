import { beforeEach, describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import type { ApiClient } from '../../../src/kube/client.ts';
import { Changes } from '../../../src/measure/changes.ts';
import { type WorkloadKind, isDone } from '../../../src/measure/workload-state.ts';
import { type CreatedWorkload, WorkloadWatch, Workloads } from '../../../src/measure/workloads.ts';
import type { WatchEventType } from '../../../src/wire/codec.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from './fake-clock.ts';
import { event } from './fixtures.ts';

const job = (name: string, complete: boolean): unknown => ({
  metadata: { namespace: 'ns', name },
  status: complete ? { conditions: [{ type: 'Complete', status: 'True' }] } : {},
});

describe('done', () => {
  it('is a Job that is Complete, not one that has failed, unless it was made so as to fail', () => {
    expect(isDone('jobs', job('a', true))).toBe(true);
    expect(isDone('jobs', job('a', false))).toBe(false);
    const conditions = [
      { type: 'Complete', status: 'False' },
      { type: 'Failed', status: 'True' },
    ];
    expect(isDone('jobs', { status: { conditions } })).toBe(false);
    const labels = { 'hollowmark.dev/purpose': 'failing' };
    expect(isDone('jobs', { metadata: { labels }, status: { conditions } })).toBe(true);
    expect(isDone('jobs', { metadata: { labels }, status: {} })).toBe(false);
  });

  it('is a StatefulSet whose status is of this spec and has all replicas ready', () => {
    const set = (readyReplicas: number, observedGeneration: number): unknown => ({
      metadata: { generation: 2 },
      spec: { replicas: 3 },
      status: { readyReplicas, observedGeneration },
    });
    expect([set(3, 2), set(2, 2), set(3, 1)].map((one) => isDone('statefulsets', one))).toEqual([
      true,
      false,
      false,
    ]);
  });

  it('is a claim that is Bound', () => {
    expect(isDone('persistentvolumeclaims', { status: { phase: 'Bound' } })).toBe(true);
    expect(isDone('persistentvolumeclaims', { status: { phase: 'Pending' } })).toBe(false);
  });

  it('is nothing that is no object', () => {
    for (const kind of ['jobs', 'statefulsets', 'persistentvolumeclaims'] as const) {
      expect(isDone(kind, undefined)).toBe(false);
    }
  });
});

describe('WorkloadWatch', () => {
  let told: string[];
  let watch: WorkloadWatch;
  const send = (type: WatchEventType, name: string, complete: boolean): void =>
    watch.onEvent(event(type, job(name, complete)));

  beforeEach(() => {
    told = [];
    watch = new WorkloadWatch('jobs', {
      nowUs: () => 7,
      onDone: (key, atUs) => told.push(`${key} ${atUs}`),
      onGone: () => {},
      onChange: () => {},
    });
    watch.onListing();
    watch.onSynced();
  });

  it('tells of each once, and counts those that are there', () => {
    send('ADDED', 'a', false);
    send('MODIFIED', 'a', true);
    send('MODIFIED', 'a', true);
    send('ADDED', 'b', true);
    expect(watch.doneCount).toBe(2);
    send('DELETED', 'a', true);
    send('DELETED', 'never-seen', true);
    expect(watch.doneCount).toBe(1);
    expect(told).toEqual(['jobs/ns/a 7', 'jobs/ns/b 7']);
  });

  it('takes a listing after an interruption as a difference', () => {
    send('ADDED', 'a', true);
    send('ADDED', 'b', false);
    watch.onInterrupted();
    watch.onListing();
    send('ADDED', 'b', true);
    watch.onSynced();
    expect(watch.doneCount).toBe(1);
    expect(told).toEqual(['jobs/ns/a 7', 'jobs/ns/b 7']);
  });
});

describe('Workloads', () => {
  const created = (
    kind: WorkloadKind,
    name: string,
    more: Partial<CreatedWorkload> = {},
  ): CreatedWorkload => ({
    kind,
    namespace: 'ns',
    name,
    phase: 'work',
    intendedUs: 1_000_000,
    ownUs: 0,
    failing: false,
    ...more,
  });

  it('have nothing to wait for and nothing to tell where a scenario makes none', async () => {
    const clock = new FakeClock();
    const client = undefined as unknown as ApiClient;
    const workloads = new Workloads({
      client,
      runId: 'r',
      clock,
      changes: new Changes(clock),
      kinds: [],
      delayNowUs: () => 0,
    });
    await workloads.start();
    expect(workloads.tell([])).toEqual({ slis: [], notes: [], clampedCount: 0, droppedCount: 0 });
    expect(workloads.doneCount('jobs')).toBe(0);
  });

  it('wait for their watches no longer once they are stopped, and open none after that', async () => {
    const clock = new FakeClock();
    let opened = 0;
    const client = {
      clock,
      codec: jsonCodec,
      prng: new Prng('workloads'),
      stream: () => {
        opened++;
        return { cancel: () => {} };
      },
    } as unknown as ApiClient;
    const changes = new Changes(clock);
    const workloads = new Workloads({
      client,
      runId: 'r',
      clock,
      changes,
      kinds: ['jobs', 'statefulsets'],
      delayNowUs: () => 0,
    });
    const starting = workloads.start();
    workloads.stop();
    // The clock stands still: no time limit ends it.
    await starting;
    await workloads.start();
    expect(opened).toBe(2);
  });

  it('time a Job and what it takes beyond its pods, whichever is heard of first', () => {
    const clock = new FakeClock();
    let delayUs = 400_000;
    const workloads = new Workloads({
      client: undefined as unknown as ApiClient,
      runId: 'r',
      clock,
      changes: new Changes(clock),
      kinds: ['jobs'],
      delayNowUs: () => delayUs,
    });
    const jobs = workloads.watches.get('jobs') as WorkloadWatch;
    clock.us = 1_000_000;
    jobs.onListing();
    jobs.onSynced();
    workloads.onCreated(created('jobs', 'a', { ownUs: 2_000_000 }));
    clock.us = 3_500_000;
    jobs.onEvent(event('ADDED', job('a', true)));
    jobs.onEvent(event('ADDED', job('b', true)));
    // It is of the time at which it was seen.
    delayUs = 0;
    workloads.onCreated(created('jobs', 'b', { ownUs: 2_000_000 }));
    // One that is made so as to fail is not waited for here.
    workloads.onCreated(created('jobs', 'meant', { failing: true }));
    // Two that fail or hang.
    for (const name of ['c', 'd']) workloads.onCreated(created('jobs', name));
    const { slis, notes } = workloads.tell([
      { sli: 'job-overhead', labels: { phase: 'work' }, quantile: 0.5, thresholdMs: 400 },
    ]);
    expect(notes).toEqual([
      '2 of 4 Jobs had not completed when the run ended or they were deleted: job-completion is that of the others.',
    ]);
    expect(slis?.map(({ id, labels, count, slo }) => [id, labels, count, slo?.verdict])).toEqual([
      ['job-completion', { phase: 'work' }, 2, undefined],
      ['job-overhead', { phase: 'work' }, 2, 'fail'],
    ]);
    expect(slis?.map(({ max }) => Math.round(max / 100_000))).toEqual([25, 5]);
    expect(slis?.map(({ lowerBound }) => Math.round((lowerBound?.max ?? 0) / 100_000))).toEqual([21, 1]);
    expect(workloads.doneCount('jobs')).toBe(2);
  });
});

import { assert, integer, property } from 'fast-check';
import { describe, expect, it } from 'vitest';
import { noTimes, podPath } from '../../../src/measure/pod-path.ts';
import { PodStartup, earlyMax, slowestKept } from '../../../src/measure/pod-startup.ts';
import { startupSlis } from '../../../src/measure/startup-slis.ts';
import { FakeClock } from './fake-clock.ts';
import { facts } from './fixtures.ts';

const lateAfterUs = 5_000_000;

function setUp(): { clock: FakeClock; startup: PodStartup } {
  const clock = new FakeClock();
  return { clock, startup: new PodStartup(clock, lateAfterUs) };
}

const sum = (phases: Record<string, number>): number => Object.values(phases).reduce((a, b) => a + b, 0);

describe('podPath', () => {
  it('gives phases that add up to the whole, whatever the order of the places', () => {
    const at = integer({ min: 1, max: 20_000_000 });
    assert(
      property(
        at,
        at,
        at,
        at,
        at,
        at,
        at,
        at,
        (intended, sent, accepted, seen, scheduled, node, status, started) => {
          const times = {
            ...noTimes(),
            intendedUs: intended + 0.25,
            sentUs: sent,
            acceptedUs: accepted + 0.7,
            seenUs: seen,
            scheduledUs: scheduled,
            nodeSeenUs: node + 0.5,
            statusSentUs: status,
            startedUs: started,
          };
          const path = podPath(times);
          expect(sum(path.phasesUs)).toBe(path.totalUs);
          expect(Object.values(path.phasesUs).every((us) => us >= 0 && Number.isInteger(us))).toBe(true);
          expect(path.complete).toBe(true);
        },
      ),
    );
  });

  it('names each phase of a directly created pod and of a controlled one', () => {
    const times = {
      ...noTimes(),
      intendedUs: 1000,
      sentUs: 1100,
      acceptedUs: 1600,
      seenUs: 1500,
      scheduledUs: 2600,
      nodeSeenUs: 3600,
      statusSentUs: 9600,
      acknowledgedUs: 9900,
      startedUs: 10_000,
    };
    expect(podPath(times)).toEqual({
      totalUs: 9000,
      complete: true,
      phasesUs: {
        'intended to sent': 100,
        'sent to accepted': 500,
        'accepted to scheduled': 1000,
        'scheduled to seen by node': 1000,
        'seen by node to status sent': 6000,
        'status sent to seen by watcher': 400,
      },
    });
    const controlled = podPath({ ...times, intendedUs: 0, sentUs: 0, acceptedUs: 0 });
    expect(controlled.totalUs).toBe(8500);
    expect(Object.keys(controlled.phasesUs)[0]).toBe('first seen to scheduled');
    expect(sum(controlled.phasesUs)).toBe(8500);
  });

  it('joins two phases where the place between is not known, and says so', () => {
    const path = podPath({ ...noTimes(), seenUs: 10, scheduledUs: 20, startedUs: 100 });
    expect(path).toEqual({
      totalUs: 90,
      complete: false,
      phasesUs: { 'first seen to scheduled': 10, 'scheduled to seen by watcher': 80 },
    });
  });
});

describe('PodStartup', () => {
  /** The parts of one pod, to be told in any order. */
  function parts(startup: PodStartup, clock: FakeClock): Record<string, () => void> {
    const t0 = clock.us;
    return {
      created: () =>
        startup.onCreated({ uid: 'a', intendedUs: t0, sentUs: t0 + 1000, acceptedUs: t0 + 9000 }),
      node: () => startup.recordNodeSide(['a'], Float64Array.of(t0 + 60_000, t0 + 700_000, t0 + 720_000)),
      observer: () => {
        startup.onSeen(facts('a'), t0 + 8000, true);
        startup.onScheduled(facts('a', { node: 'n1' }), t0 + 50_000);
        clock.wall += 1500;
        startup.onStarted(facts('a', { node: 'n1', started: true }), t0 + 715_000, true);
      },
    };
  }

  it.each([
    ['created', 'node', 'observer'],
    ['node', 'created', 'observer'],
    ['observer', 'created', 'node'],
    ['observer', 'node', 'created'],
    ['node', 'observer', 'created'],
    ['created', 'observer', 'node'],
  ])('puts the parts together in the order %s, %s, %s', (...order) => {
    const { clock, startup } = setUp();
    const told = parts(startup, clock);
    for (const name of order) told[name]?.();
    expect(startup.pendingCount).toBe(0);
    expect(startup.incomplete).toBe(0);
    const [slow] = startup.slowestPods();
    expect(slow).toMatchObject({ name: 'pod-a', node: 'n1', totalUs: 715_000 });
    expect(sum(slow?.phasesUs ?? {})).toBe(715_000);
    const group = startup.groups.get('latency/stateless');
    expect(group?.official.max).toBeGreaterThanOrEqual(1_500_000);
    expect(group?.official.max).toBeLessThanOrEqual(1_502_000);
    expect(startup.statusWrites.count).toBe(1);
  });

  it('settles a started pod whose node never reports, once it has waited, without phases', () => {
    const { clock, startup } = setUp();
    const told = parts(startup, clock);
    told['created']?.();
    told['observer']?.();
    clock.block(1000);
    startup.sweep();
    expect(startup.pendingCount).toBe(1);
    clock.block(5000);
    startup.sweep();
    expect(startup.pendingCount).toBe(0);
    expect(startup.incomplete).toBe(1);
    const group = startup.groups.get('latency/stateless');
    expect(group?.precise.count).toBe(1);
    expect(group?.phases.size).toBe(0);
    // The report comes after all: it is known as late and neither counted nor kept.
    told['node']?.();
    expect(group?.precise.count).toBe(1);
    expect(startup.unseenCreated()).toBe(0);
  });

  it('leaves out, and counts, what the SLI leaves out', () => {
    const { clock, startup } = setUp();
    const start = (uid: string, overrides: Parameters<typeof facts>[1]): void => {
      const pod = facts(uid, { controlled: true, kind: 'deployment', ...overrides });
      startup.onSeen(pod, clock.us, true);
      startup.onStarted(pod, clock.us + 1000, true);
    };
    start('init', { hasInitContainers: true });
    start('disk', { stateful: true });
    start('broken', { failing: true });
    startup.onSeen(facts('nowhere'), clock.us, true);
    startup.onUnschedulable('nowhere');
    startup.onStarted(facts('nowhere'), clock.us, true);
    startup.onSeen(facts('gone'), clock.us, true);
    startup.onGone('gone', clock.us + 1000);
    startup.onSeen(facts('young'), clock.us, true);
    startup.finish();
    expect(startup.excluded).toEqual({
      unschedulable: 1,
      initContainers: 1,
      failing: 1,
      goneBeforeStart: 1,
      unfinished: 1,
    });
    expect([...startup.groups.keys()]).toEqual(['deployment/stateful']);
    expect(startupSlis(startup, []).find((sli) => sli.labels['class'] === 'stateful')?.slo).toBeUndefined();
  });

  it('counts pods that never started with their age, once they are late', () => {
    const { clock, startup } = setUp();
    startup.onSeen(facts('stuck'), clock.us, true);
    startup.onSeen(facts('vanished'), clock.us, true);
    clock.block(8000);
    startup.onGone('vanished', clock.us);
    startup.onSeen(facts('young'), clock.us - 1000, true);
    startup.finish();
    expect(startup.neverStarted).toBe(2);
    expect(startup.excluded.unfinished).toBe(1);
    expect(startup.groups.get('latency/stateless')?.precise.quantile(0.5)).toBeGreaterThan(7_900_000);
  });

  it('keeps the slowest pods only, slowest first', () => {
    const { clock, startup } = setUp();
    for (let i = 0; i < 100; i++) {
      const uid = `p${i}`;
      const us = ((i * 37) % 100) * 1000 + 1000;
      startup.onSeen(facts(uid, { controlled: true }), clock.us, true);
      startup.recordNodeSide([uid], Float64Array.of(clock.us + 1, clock.us + 2, clock.us + 3));
      startup.onStarted(facts(uid, { controlled: true }), clock.us + us, true);
    }
    const totals = startup.slowestPods().map((slow) => slow.totalUs);
    expect(totals).toEqual(Array.from({ length: slowestKept }, (_, i) => (100 - i) * 1000));
  });

  it('gives the p99 of each window once', () => {
    const { clock, startup } = setUp();
    expect(startup.drainWindow()).toBeNull();
    const told = parts(startup, clock);
    for (const name of ['created', 'node', 'observer']) told[name]?.();
    expect(startup.drainWindow()).toBeGreaterThanOrEqual(715_000);
    expect(startup.drainWindow()).toBeNull();
  });

  it('says so when more parts come early than it keeps', () => {
    const { startup } = setUp();
    for (let i = 0; i < earlyMax + 3; i++) startup.recordNodeSide([`u${i}`], Float64Array.of(1, 2, 3));
    expect(startup.dropped).toBe(3);
  });

  it('knows created pods that the observer never saw', () => {
    const { clock, startup } = setUp();
    startup.onCreated({ uid: 'lost', intendedUs: 1, sentUs: 2, acceptedUs: 3 });
    clock.block(120_000);
    startup.sweep();
    expect(startup.unseenCreated()).toBe(1);
  });
});

describe('startupSlis', () => {
  function withPods(kinds: Record<string, number>): PodStartup {
    const { clock, startup } = setUp();
    for (const [kind, count] of Object.entries(kinds)) {
      for (let i = 0; i < count; i++) {
        const pod = facts(`${kind}${i}`, { kind, controlled: true });
        startup.onSeen(pod, clock.us, true);
        startup.onScheduled(pod, clock.us + 10);
        startup.recordNodeSide([pod.uid], Float64Array.of(clock.us + 20, clock.us + 30, clock.us + 40));
        startup.onStarted(pod, clock.us + 2_000_000, true);
      }
    }
    return startup;
  }
  const judged = (startup: PodStartup, thresholds: Parameters<typeof startupSlis>[1] = []): string[] =>
    startupSlis(startup, thresholds)
      .filter((sli) => sli.slo !== undefined)
      .map((sli) => `${sli.id} ${sli.labels['kind']} ${sli.slo?.threshold} ${sli.slo?.verdict}`);

  it('judges latency pods where there are any', () => {
    const startup = withPods({ deployment: 200, latency: 150 });
    expect(judged(startup)).toEqual(['pod-startup latency 5000000 pass']);
    expect(startupSlis(startup, []).filter((sli) => sli.id === 'pod-startup-phase')).toHaveLength(4);
  });

  it('judges all stateless pods otherwise', () => {
    expect(judged(withPods({ deployment: 60, job: 60 }))).toEqual(['pod-startup all 5000000 pass']);
    expect(judged(withPods({ deployment: 60 }))).toEqual(['pod-startup deployment 5000000 inconclusive']);
  });

  it('lets a user set thresholds, for all or by label', () => {
    const startup = withPods({ deployment: 200, latency: 150 });
    expect(judged(startup, [{ sli: 'pod-startup', labels: {}, quantile: 0.99, thresholdMs: 1 }])).toEqual([
      'pod-startup latency 1000 pass',
    ]);
    expect(
      judged(startup, [
        { sli: 'pod-startup-precise', labels: { kind: 'deployment' }, quantile: 0.5, thresholdMs: 1000 },
      ]),
    ).toEqual(['pod-startup latency 5000000 pass', 'pod-startup-precise deployment 1000000 fail']);
  });

  it('has both SLIs, empty, when no pod started', () => {
    const slis = startupSlis(setUp().startup, []);
    expect(slis.map((sli) => [sli.id, sli.count])).toEqual([
      ['pod-startup', 0],
      ['pod-startup-precise', 0],
    ]);
    expect(slis[0]?.slo?.verdict).toBe('inconclusive');
  });
});

import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type PodTimes, noTimes, podPath, podSpans, startOf } from '../../../src/measure/pod-path.ts';
import { PodStartup, earlyMax, slowestKept } from '../../../src/measure/pod-startup.ts';
import type { Threshold } from '../../../src/measure/slo.ts';
import { startupSlis } from '../../../src/measure/startup-slis.ts';
import { type PodStartTimes, addStartTimes, startTimesFrom } from '../../../src/metrics/pod-start-times.ts';
import { FakeClock } from './fake-clock.ts';
import { facts } from './fixtures.ts';

const lateAfterUs = 5_000_000;

function threshold(sli: string, thresholdMs: number, labels: Record<string, string> = {}): Threshold {
  return { sli, labels, quantile: 0.99, thresholdMs };
}

function setUp(delayNowUs: () => number = () => 0): { clock: FakeClock; startup: PodStartup } {
  const clock = new FakeClock();
  return { clock, startup: new PodStartup(clock, lateAfterUs, delayNowUs) };
}

/** What a node tells of pods, each seen at this time, one step further every so many µs. */
function told(seenUs: number, stepUs: number, changes: Partial<PodStartTimes> = {}): Float64Array {
  const list: number[] = [];
  addStartTimes(list, { ...wholeNode(seenUs, stepUs), ...changes });
  return new Float64Array(list);
}

function wholeNode(seenUs: number, stepUs: number): PodStartTimes {
  return {
    seenUs,
    sandboxUs: seenUs + stepUs,
    pulledUs: seenUs + 2 * stepUs,
    containersUs: seenUs + 3 * stepUs,
    statusSentUs: seenUs + 4 * stepUs,
    acknowledgedUs: seenUs + 5 * stepUs,
    pullUs: 0,
  };
}

const sum = (phases: Record<string, number>): number => Object.values(phases).reduce((a, b) => a + b, 0);

describe('podPath', () => {
  it('gives phases that add up to the whole, whatever the order of the places', () => {
    fc.assert(
      fc.property(anyTimes(fc.double({ min: 0.001, max: 2e7, noNaN: true })), (times) => {
        const path = podPath(times);
        expect(sum(path.phasesUs)).toBe(path.totalUs);
        expect(Object.values(path.phasesUs).every((us) => us >= 0 && Number.isInteger(us))).toBe(true);
        expect(path.complete).toBe(true);
        expect(Object.keys(path.phasesUs)).toHaveLength(10);
        expect(path.pullUs).toBeLessThanOrEqual(path.totalUs);
        const spans = podSpans(path.phasesUs);
        const run = spans['scheduled to containers started'] ?? Number.NaN;
        expect(run + (spans['containers started to seen by watcher'] ?? Number.NaN)).toBe(
          spans['scheduled to seen by watcher'],
        );
        const { phasesUs } = path;
        expect(sum(phasesUs) - (spans['scheduled to seen by watcher'] ?? 0)).toBe(
          ['intended to sent', 'sent to accepted', 'accepted to scheduled'].reduce(
            (us, phase) => us + (phasesUs[phase] ?? 0),
            0,
          ),
        );
      }),
    );
  });

  it('gives phases that add up also when places are missing, each of its name', () => {
    const at = fc.option(fc.double({ min: 0.001, max: 2e7, noNaN: true }), { nil: 0, freq: 2 });
    fc.assert(
      fc.property(anyTimes(at), fc.boolean(), fc.boolean(), (drawn, direct, hasNode) => {
        const times = {
          ...drawn,
          ...(direct ? {} : { intendedUs: 0 }),
          ...(hasNode ? {} : { node: undefined }),
          // A pod that is settled has been seen, and has been seen started.
          seenUs: drawn.seenUs + 1,
          startedUs: drawn.startedUs + 1,
        };
        const path = podPath(times);
        expect(sum(path.phasesUs)).toBe(path.totalUs);
        expect(path.totalUs).toBe(Math.max(0, Math.round(times.startedUs - startOf(times))));
        expect(Object.values(path.phasesUs).every((us) => us >= 0 && Number.isInteger(us))).toBe(true);
        const names = Object.keys(path.phasesUs);
        for (const [index, name] of names.slice(1).entries()) {
          expect(name.split(' to ')[0]).toBe(names[index]?.split(' to ')[1]);
        }
        expect(names.at(-1)?.endsWith(' to seen by watcher')).toBe(true);
      }),
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
      node: {
        seenUs: 3600,
        sandboxUs: 5000,
        pulledUs: 7500,
        containersUs: 9000,
        statusSentUs: 9600,
        acknowledgedUs: 9900,
        pullUs: 2400,
      },
      startedUs: 10_000,
    };
    expect(podPath(times)).toEqual({
      totalUs: 9000,
      pullUs: 2400,
      complete: true,
      phasesUs: {
        'intended to sent': 100,
        'sent to accepted': 500,
        'accepted to scheduled': 1000,
        'scheduled to seen by node': 1000,
        'seen by node to sandbox ready': 1400,
        'sandbox ready to images pulled': 2500,
        'images pulled to containers started': 1500,
        'containers started to status sent': 600,
        'status sent to acknowledged': 300,
        'acknowledged to seen by watcher': 100,
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
      pullUs: 0,
      complete: false,
      phasesUs: { 'first seen to scheduled': 10, 'scheduled to seen by watcher': 80 },
    });
  });
});

/** A pod's way, every place of it at a time that is drawn. */
function anyTimes(at: fc.Arbitrary<number>): fc.Arbitrary<PodTimes> {
  const node = fc.record({
    seenUs: at,
    sandboxUs: at,
    pulledUs: at,
    containersUs: at,
    statusSentUs: at,
    acknowledgedUs: at,
    pullUs: fc.nat(3e7),
  });
  return fc.record({
    intendedUs: at,
    sentUs: at,
    acceptedUs: at,
    seenUs: at,
    scheduledUs: at,
    node,
    startedUs: at,
  });
}

describe('podPath, of a write that the watcher saw', () => {
  const times = { ...noTimes(), seenUs: 1000, scheduledUs: 2000 };

  it('before its answer: the acknowledgement counts as coming with the event', () => {
    const { phasesUs, totalUs } = podPath({ ...times, node: wholeNode(3000, 1000), startedUs: 7500 });
    expect(totalUs).toBe(6500);
    expect(phasesUs['status sent to acknowledged']).toBe(500);
    expect(phasesUs['acknowledged to seen by watcher']).toBe(0);
    expect(sum(phasesUs)).toBe(6500);
  });

  it('after its answer: both phases are what they took', () => {
    const { phasesUs } = podPath({ ...times, node: wholeNode(3000, 1000), startedUs: 8300 });
    expect(phasesUs['status sent to acknowledged']).toBe(1000);
    expect(phasesUs['acknowledged to seen by watcher']).toBe(300);
  });
});

describe('PodStartup', () => {
  /** The parts of one pod, to be told in any order. */
  function parts(startup: PodStartup, clock: FakeClock): Record<string, () => void> {
    const t0 = clock.us;
    return {
      created: () =>
        startup.onCreated({ uid: 'a', intendedUs: t0, sentUs: t0 + 1000, acceptedUs: t0 + 9000 }),
      node: () => startup.recordNodeSide(['a'], told(t0 + 60_000, 130_000)),
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
    const ways = parts(startup, clock);
    for (const name of order) ways[name]?.();
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
    const ways = parts(startup, clock);
    ways['created']?.();
    ways['observer']?.();
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
    ways['node']?.();
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
    startup.finish(clock.us);
    expect(startup.statelessCount).toBe(5);
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
    startup.finish(clock.us);
    expect(startup.neverStarted).toBe(2);
    expect(startup.excluded.unfinished).toBe(1);
    expect(startup.groups.get('latency/stateless')?.precise.quantile(0.5)).toBeGreaterThan(7_900_000);
  });

  it.each<[string, Threshold[], number, number, number]>([
    ['the official threshold', [], 0, 0, 1],
    ['a threshold of the kind', [threshold('pod-startup', 1000, { kind: 'latency' })], 1, 1, 0],
    ['a threshold of another kind', [threshold('pod-startup', 1000, { kind: 'deployment' })], 0, 0, 1],
    ['a threshold of the class', [threshold('pod-startup', 1000, { class: 'stateless' })], 1, 1, 0],
    ['a threshold without labels', [threshold('pod-startup', 1000)], 1, 1, 0],
    ['one of the precise SLI alone', [threshold('pod-startup-precise', 1000)], 0, 1, 0],
    [
      'one that leaves the precise SLI more time',
      [threshold('pod-startup', 1000), threshold('pod-startup-precise', 9000)],
      1,
      0,
      0,
    ],
  ])('counts a pod of 3 s by %s', (_, thresholds, official, precise, unfinished) => {
    const clock = new FakeClock();
    const startup = new PodStartup(clock, lateAfterUs, () => 0, thresholds);
    startup.onSeen(facts('stuck'), clock.us, true);
    clock.block(3000);
    startup.finish(clock.us);
    const group = startup.groups.get('latency/stateless');
    expect([group?.official.count ?? 0, group?.precise.count ?? 0]).toEqual([official, precise]);
    expect([startup.neverStarted, startup.excluded.unfinished]).toEqual([1 - unfinished, unfinished]);
  });

  it('takes pods at the end for as old as they were then, however long the last readings took', () => {
    const { clock, startup } = setUp();
    startup.onSeen(facts('young'), clock.us - 1_000_000, true);
    const endUs = clock.us;
    clock.block(30_000);
    startup.finish(endUs);
    expect([startup.neverStarted, startup.excluded.unfinished]).toEqual([0, 1]);
  });

  it('takes image pulls out of the SLIs, and leaves them in the way', () => {
    const { clock, startup } = setUp();
    const pod = facts('a', { controlled: true });
    startup.onSeen(pod, clock.us, true);
    startup.onScheduled(pod, clock.us);
    startup.recordNodeSide(['a'], told(clock.us, 1_000_000, { pullUs: 4_000_000 }));
    clock.wall += 6000;
    startup.onStarted(pod, clock.us + 6_000_000, true);
    const group = startup.groups.get('latency/stateless');
    expect(group?.precise.max).toBeCloseTo(2_000_000, -4);
    expect(group?.official.max).toBeCloseTo(2_000_000, -4);
    expect(startup.slowestPods()[0]?.totalUs).toBe(6_000_000);
    expect(sum(startup.slowestPods()[0]?.phasesUs ?? {})).toBe(6_000_000);
  });

  it('counts pods that started before they were created, by two clocks', () => {
    const { clock, startup } = setUp();
    for (const [uid, createdAheadMs] of [
      ['a', 0],
      ['b', 2000],
    ] as const) {
      const pod = facts(uid, { controlled: true, createdWallMs: clock.wall + createdAheadMs });
      startup.onSeen(pod, clock.us, true);
      startup.recordNodeSide([uid], told(clock.us, 1_000_000));
      startup.onStarted(pod, clock.us + 1_000_000, true);
    }
    expect(startup.startedBeforeCreated).toBe(1);
    expect(startup.groups.get('latency/stateless')?.official.count).toBe(2);
  });

  it('knows how late it was when it saw a start', () => {
    let delayUs = 30_000;
    const { clock, startup } = setUp(() => delayUs);
    const ways = parts(startup, clock);
    ways['created']?.();
    ways['observer']?.();
    // How late it is when the last part comes says nothing about the start.
    delayUs = 500_000;
    ways['node']?.();
    const [sli] = startupSlis(startup, []).filter(({ id }) => id === 'pod-startup-precise');
    expect(sli?.max).toBeCloseTo(715_000, -3);
    expect(sli?.lowerBound?.max).toBeCloseTo(685_000, -3);
    expect(startupSlis(startup, []).find(({ id }) => id === 'pod-startup')?.lowerBound).toBeUndefined();
  });

  it('is not whole where the kubelet found a pod half-way', () => {
    const { clock, startup } = setUp();
    const pod = facts('a', { controlled: true });
    startup.onSeen(pod, clock.us, true);
    startup.onScheduled(pod, clock.us);
    const list: number[] = [];
    addStartTimes(list, {
      ...startTimesFrom(clock.us + 10),
      statusSentUs: clock.us + 20,
      acknowledgedUs: clock.us + 30,
    });
    startup.recordNodeSide(['a'], new Float64Array(list));
    startup.onStarted(pod, clock.us + 40, true);
    expect(startup.incomplete).toBe(1);
    expect(startup.groups.get('latency/stateless')?.precise.count).toBe(1);
  });

  it('keeps the slowest pods only, slowest first', () => {
    const { clock, startup } = setUp();
    for (let i = 0; i < 100; i++) {
      const uid = `p${i}`;
      const us = ((i * 37) % 100) * 1000 + 1000;
      startup.onSeen(facts(uid, { controlled: true }), clock.us, true);
      startup.recordNodeSide([uid], told(clock.us + 1, 1));
      startup.onStarted(facts(uid, { controlled: true }), clock.us + us, true);
    }
    const totals = startup.slowestPods().map((slow) => slow.totalUs);
    expect(totals).toEqual(Array.from({ length: slowestKept }, (_, i) => (100 - i) * 1000));
  });

  it('gives the p99 of each window once', () => {
    const { clock, startup } = setUp();
    expect(startup.drainWindow()).toBeNull();
    const ways = parts(startup, clock);
    for (const name of ['created', 'node', 'observer']) ways[name]?.();
    expect(startup.drainWindow()).toBeGreaterThanOrEqual(715_000);
    expect(startup.drainWindow()).toBeNull();
  });

  it('says so when more parts come early than it keeps', () => {
    const { startup } = setUp();
    for (let i = 0; i < earlyMax + 3; i++) startup.recordNodeSide([`u${i}`], told(1, 1));
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
        startup.recordNodeSide([pod.uid], told(clock.us + 20, 10));
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
    const phases = startupSlis(startup, []).filter((sli) => sli.id === 'pod-startup-phase');
    // Each group has its own, and says so.
    expect(phases.map(({ labels, count }) => [labels['kind'], labels['class'], count])).toEqual([
      ...Array.from({ length: 8 }, () => ['deployment', 'stateless', 200]),
      ...Array.from({ length: 8 }, () => ['latency', 'stateless', 150]),
    ]);
    expect(phases.slice(8).map((sli) => sli.labels['phase'])).toEqual([
      'first seen to scheduled',
      'scheduled to seen by node',
      'seen by node to sandbox ready',
      'sandbox ready to images pulled',
      'images pulled to containers started',
      'containers started to status sent',
      'status sent to acknowledged',
      'acknowledged to seen by watcher',
    ]);
  });

  it('has several phases as one, of the pods that the phases are of', () => {
    const slis = startupSlis(withPods({ deployment: 60, job: 60 }), []);
    const spans = slis.filter(({ id, labels }) => id === 'pod-startup-span' && labels['kind'] === 'all');
    expect(slis.filter(({ id }) => id === 'pod-startup-span')).toHaveLength(9);
    expect(spans.map((sli) => [sli.labels['span'], sli.count, sli.max])).toEqual([
      ['scheduled to containers started', 120, 40],
      ['containers started to seen by watcher', 120, expect.closeTo(1_999_950, -4)],
      ['scheduled to seen by watcher', 120, expect.closeTo(1_999_990, -4)],
    ]);
    expect(podSpans({ 'first seen to scheduled': 10, 'scheduled to status sent': 20 })).toEqual({});
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

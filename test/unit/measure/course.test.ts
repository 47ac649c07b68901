import { describe, expect, it } from 'vitest';
import { Churn } from '../../../src/measure/churn.ts';
import { Course, type CourseSources } from '../../../src/measure/course.ts';
import { notesOf } from '../../../src/measure/notes.ts';
import type { SettledListener, StartupGroup } from '../../../src/measure/pod-startup.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { facts } from './fixtures.ts';

const getPods = callClass('GET', 'pods', '', 'resource');
const nothing = { cpuCores: {}, rssBytes: {} };

describe('Course', () => {
  it('makes points of what has changed since the one before', () => {
    const pods = { created: 0, started: 0, deleted: 0 };
    const load = { dueCount: 0, sentCount: 0 };
    const calls = new CallMetrics();
    const course = new Course({
      pods,
      nodes: { ready: 3 },
      startup: { drainWindow: () => null, settledListeners: [] },
      loadCounters: () => load,
      loadCalls: new CallMetrics(),
      clientCalls: [calls],
    } as unknown as CourseSources);
    const heard: number[] = [];
    course.onCalls = (latencies) => void heard.push(latencies.count);
    course.begin(0);
    course.phase = 'create';
    pods.created = 30;
    load.dueCount = 20;
    load.sentCount = 19;
    calls.record(getPods, 200, 5000);
    course.add(1_000_000, { cpuCores: { harness: 0.2 }, rssBytes: { harness: 9 } });
    course.add(2_000_000, nothing);
    // A shard's report counts in the points of the next five seconds.
    const ofNodes = new Histogram();
    ofNodes.record(40_000);
    course.onNodeCalls(ofNodes, 2_500_000);
    for (let second = 3; second <= 9; second++) course.add(second * 1_000_000, nothing);
    const points = course.timeline.points();
    expect(points[0]).toMatchObject({
      atMs: 1000,
      phase: 'create',
      nodesReady: 3,
      podsCreated: 30,
      requestsPerSecond: 19,
      requestedPerSecond: 20,
      cpuCores: { harness: 0.2 },
    });
    const p99s = points.map((point) => point.apiCallP99Us && Math.round(point.apiCallP99Us / 1000));
    expect(p99s).toEqual([5, null, 40, 40, 40, 40, 40, null, null]);
    expect(points[1]?.requestsPerSecond).toBe(0);
    // Those of each second, and each report once.
    expect(heard).toEqual([1, 0, 1, 0, 0, 0, 0, 0, 0, 0]);
    expect(course.churn.peak).toBe(3);
  });

  it('takes churn as the mean of ten seconds', () => {
    const pods = { created: 0, started: 0, deleted: 0 };
    const course = new Course({
      pods,
      nodes: { ready: 0 },
      startup: { drainWindow: () => null, settledListeners: [] },
      loadCounters: () => ({ dueCount: 0, sentCount: 0 }),
      loadCalls: new CallMetrics(),
      clientCalls: [],
    } as unknown as CourseSources);
    course.begin(0);
    for (let second = 1; second <= 30; second++) {
      pods.created += second <= 15 ? 25 : 0;
      pods.deleted += second > 10 && second <= 15 ? 10 : 0;
      course.add(second * 1_000_000, nothing);
    }
    expect(course.churn.peak).toBe(30);
  });
});

describe('Churn', () => {
  const deployments = callClass('POST', 'deployments', '', 'resource');
  const postPods = callClass('POST', 'pods', '', 'resource');

  it('has the requests of the load in it, but not those for pods a second time', () => {
    const pods = { created: 0, deleted: 0 };
    const loadCalls = new CallMetrics();
    loadCalls.record(deployments, 201, 1000);
    const churn = new Churn({ pods, startup: { settledListeners: [] }, loadCalls });
    for (let second = 0; second < 10; second++) {
      pods.created += 4;
      for (let i = 0; i < 4; i++) loadCalls.record(postPods, 201, 1000);
      for (let i = 0; i < 3; i++) loadCalls.record(getPods, 200, 1000);
      loadCalls.record(deployments, 0, 0);
      churn.look(1, 'fill');
    }
    // What was asked for before does not count.
    expect(churn.peak).toBe(8);
  });

  it('knows how much there was in the phases that made latency pods', () => {
    const pods = { created: 0, deleted: 0 };
    const startup: { settledListeners: SettledListener[] } = { settledListeners: [] };
    const churn = new Churn({ pods, startup, loadCalls: new CallMetrics() });
    expect(churn.latencyPeak).toBe(0);
    const settle = (kind: string, phase: string): void => {
      for (const listener of startup.settledListeners) {
        listener({ kind } as StartupGroup, facts('a', { kind, phase }), 1);
      }
    };
    for (const [phase, perSecond] of [
      ['fill', 60],
      ['latency', 10],
      ['more', 30],
    ] as const) {
      for (let second = 0; second < 20; second++) {
        pods.created += perSecond;
        churn.look(1, phase);
      }
    }
    settle('deployment', 'fill');
    settle('latency', 'latency');
    // Not what was left of the phase before.
    expect([churn.peak, churn.latencyPeak]).toEqual([60, 10]);
    settle('latency', 'more');
    expect(churn.latencyPeak).toBe(30);
  });
});

describe('notesOf', () => {
  const quiet: Parameters<typeof notesOf>[0] = {
    elapsedMs: 400_000,
    windowLengthMs: 300_000,
    churn: { peak: 12, latencyPeak: 9 },
    judgedKind: 'latency',
    loopDelayP99Us: 900,
    excluded: { unschedulable: 0, initContainers: 0, failing: 0, goneBeforeStart: 0, unfinished: 0 },
    neverStarted: 0,
    incomplete: 0,
    relisted: 0,
    clockAheadMs: 99,
    startedBeforeCreated: 0,
    interruptions: 0,
    lastInterruption: '',
    refusals: undefined,
    hasProcfs: true,
  };

  it('says nothing of latency pods where there are none', () => {
    const churn = { peak: 57.3, latencyPeak: 0 };
    expect(notesOf({ ...quiet, churn, judgedKind: 'deployment' }).join()).not.toContain('latency');
  });

  it('has nothing to say of a run without anything to say of', () => {
    expect(notesOf(quiet)).toEqual([]);
  });

  it.each<[Partial<typeof quiet>, string]>([
    [{ elapsedMs: 90_000 }, 'shorter than an SLO window (5 min)'],
    [{ elapsedMs: 9_000, windowLengthMs: 10_000 }, 'shorter than an SLO window (10 s)'],
    [
      { churn: { peak: 57.3, latencyPeak: 9 } },
      "Churn above the SLO's precondition: up to 57 a second (pods",
    ],
    [
      { churn: { peak: 57.3, latencyPeak: 9 } },
      'judged on the latency pods, which were made while there were 9 at',
    ],
    [
      { churn: { peak: 57.3, latencyPeak: 20.3 } },
      'There were up to 20.3 also while the latency pods were made',
    ],
    [{ clockAheadMs: 300 }, 'at least 300 ms ahead of ours: pod-startup reads too short by that'],
    [{ clockAheadMs: -300 }, 'at least 300 ms behind ours: pod-startup reads too long by that'],
    [{ startedBeforeCreated: 7 }, '7 pods started before they were created'],
    [{ loopDelayP99Us: 14_000 }, 'late by 14 ms at p99'],
    [{ neverStarted: 1 }, '1 pod never started'],
    [
      { excluded: { ...quiet.excluded, unschedulable: 3, unfinished: 1 } },
      '3 could not be placed at once, 1 were still starting',
    ],
    [{ incomplete: 2 }, '2 pods started without a complete path'],
    [{ relisted: 2 }, '2 pods were seen started only when'],
    [{ interruptions: 1, lastInterruption: 'HTTP 410' }, '(1 time, last by: HTTP 410)'],
    [{ refusals: 'Requests without success: 1 × 409.' }, '409'],
    [{ hasProcfs: false }, 'Linux only'],
  ])('says %j', (inputs, text) => {
    expect(notesOf({ ...quiet, ...inputs }).join('\n')).toContain(text);
  });
});

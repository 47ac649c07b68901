import { describe, expect, it } from 'vitest';
import { Course, type CourseSources } from '../../../src/measure/course.ts';
import { notesOf } from '../../../src/measure/notes.ts';
import { CallMetrics, callClass } from '../../../src/metrics/call-metrics.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';

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
      startup: { drainWindow: () => null },
      loadCounters: () => load,
      clientCalls: [calls],
    } as unknown as CourseSources);
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
    expect(course.churnPerSecondPeak).toBe(3);
  });

  it('takes churn as the mean of ten seconds', () => {
    const pods = { created: 0, started: 0, deleted: 0 };
    const course = new Course({
      pods,
      nodes: { ready: 0 },
      startup: { drainWindow: () => null },
      loadCounters: () => ({ dueCount: 0, sentCount: 0 }),
      clientCalls: [],
    } as unknown as CourseSources);
    course.begin(0);
    for (let second = 1; second <= 30; second++) {
      pods.created += second <= 15 ? 25 : 0;
      pods.deleted += second > 10 && second <= 15 ? 10 : 0;
      course.add(second * 1_000_000, nothing);
    }
    expect(course.churnPerSecondPeak).toBe(30);
  });
});

describe('notesOf', () => {
  const quiet: Parameters<typeof notesOf>[0] = {
    elapsedMs: 400_000,
    churnPerSecondPeak: 12,
    judgedKind: 'latency',
    loopDelayP99Us: 900,
    excluded: { unschedulable: 0, initContainers: 0, failing: 0, goneBeforeStart: 0, unfinished: 0 },
    neverStarted: 0,
    incomplete: 0,
    relisted: 0,
    interruptions: 0,
    lastInterruption: '',
    refusals: undefined,
    serverSideMissing: undefined,
    serverRestarted: false,
    hasProcfs: true,
  };

  it('has nothing to say of a run without anything to say of', () => {
    expect(notesOf(quiet)).toEqual([]);
  });

  it.each<[Partial<typeof quiet>, string]>([
    [{ elapsedMs: 90_000 }, 'shorter than an SLO window'],
    [{ churnPerSecondPeak: 57.3 }, "Churn above the SLO's precondition: up to 57 pods a second"],
    [{ churnPerSecondPeak: 57.3 }, 'judged on the latency pods'],
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
    [{ serverRestarted: true }, 'restarted during the run'],
    [{ serverSideMissing: 'HTTP 403' }, 'no latencies of the API server itself (HTTP 403)'],
    [{ hasProcfs: false }, 'Linux only'],
  ])('says %j', (inputs, text) => {
    expect(notesOf({ ...quiet, ...inputs }).join('\n')).toContain(text);
  });
});

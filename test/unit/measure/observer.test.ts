import { beforeEach, describe, expect, it } from 'vitest';
import type { ApiClient } from '../../../src/kube/client.ts';
import { NodeObserver, type PodListener, PodObserver } from '../../../src/measure/observer.ts';
import { podFacts } from '../../../src/measure/pod-facts.ts';
import { FakeClock } from './fake-clock.ts';
import { event, pod } from './fixtures.ts';

// Events are handed in: what a Reflector does with a server is tested with a real one.
const client = undefined as unknown as ApiClient;

let told: string[];
let changes: number;
let observer: PodObserver;
let clock: FakeClock;

beforeEach(() => {
  told = [];
  changes = 0;
  clock = new FakeClock();
  const tell =
    (what: string) =>
    (one: { uid: string } | string, _atUs?: number, live?: boolean): void => {
      told.push(`${what} ${typeof one === 'string' ? one : one.uid}${live === false ? ' (listed)' : ''}`);
    };
  const listener: PodListener = {
    onSeen: tell('seen'),
    onScheduled: tell('scheduled'),
    onStarted: tell('started'),
    onUnschedulable: tell('unschedulable'),
    onGone: tell('gone'),
  };
  observer = new PodObserver({ client, runId: 'r', clock, onChange: () => changes++ }, listener);
  observer.onListing();
  observer.onSynced();
});

describe('PodObserver', () => {
  it('tells each step of a pod once, and counts it once', () => {
    for (const [type, object] of [
      ['ADDED', pod('a')],
      ['MODIFIED', pod('a', { node: 'n' })],
      ['MODIFIED', pod('a', { node: 'n' })],
      ['MODIFIED', pod('a', { node: 'n', started: true })],
      ['MODIFIED', pod('a', { node: 'n', started: true })],
      ['DELETED', pod('a', { node: 'n', started: true })],
    ] as const) {
      observer.onEvent(event(type, object));
    }
    expect(told).toEqual(['seen a', 'scheduled a', 'started a', 'gone a']);
    expect(observer).toMatchObject({ created: 1, started: 1, running: 0, deleted: 1, failed: 0, present: 0 });
    expect(changes).toBe(7);
  });

  it('counts pods that had ended when they went', () => {
    const ended = pod('done', { node: 'n', started: true, phase: 'Succeeded' });
    for (const object of [ended, pod('runs', { node: 'n', started: true })]) {
      observer.onEvent(event('ADDED', object));
    }
    expect(observer).toMatchObject({ serving: 2, endedDeleted: 0 });
    for (const uid of ['done', 'runs']) observer.onEvent(event('DELETED', pod(uid)));
    expect(observer).toMatchObject({ serving: 0, deleted: 2, endedDeleted: 1 });
  });

  it('takes a pod that failed for one that has ended only where its Job is made so as to fail', () => {
    const failed = { node: 'n', started: true, phase: 'Failed' };
    const failing = { labels: { 'hollowmark.dev/purpose': 'failing' } };
    observer.onEvent(event('ADDED', pod('lost', { ...failed, owner: 'Job' })));
    observer.onEvent(event('ADDED', pod('evicted', { ...failed, ...failing, owner: 'ReplicaSet' })));
    const taken = pod('taken', { ...failed, ...failing, owner: 'Job' }) as { status: object };
    Object.assign(taken.status, { conditions: [{ type: 'DisruptionTarget', status: 'True' }] });
    observer.onEvent(event('ADDED', taken));
    expect(observer).toMatchObject({ serving: 0, failed: 3 });
    observer.onEvent(event('ADDED', pod('meant', { ...failed, ...failing, owner: 'Job' })));
    expect(observer).toMatchObject({ serving: 1, failed: 4 });
    for (const uid of ['lost', 'evicted', 'taken', 'meant']) observer.onEvent(event('DELETED', pod(uid)));
    expect(observer).toMatchObject({ serving: 0, deleted: 4, endedDeleted: 1 });
  });

  it('takes a listing after an interruption as a difference', () => {
    for (const uid of ['stays', 'starts', 'goes']) observer.onEvent(event('ADDED', pod(uid)));
    observer.onEvent(event('MODIFIED', pod('goes', { started: true })));
    told = [];
    observer.onInterrupted('HTTP 410');
    observer.onListing();
    observer.onEvent(event('ADDED', pod('stays')));
    observer.onEvent(event('ADDED', pod('starts', { node: 'n', started: true })));
    observer.onEvent(event('ADDED', pod('new')));
    expect(observer.deleted).toBe(0);
    observer.onSynced();
    expect(told).toEqual([
      'scheduled starts (listed)',
      'started starts (listed)',
      'seen new (listed)',
      'gone goes',
    ]);
    expect(observer).toMatchObject({ created: 4, started: 2, running: 1, deleted: 1, present: 3 });
    expect(observer.interruptions).toBe(1);
  });

  it('forgets a listing that broke off: nothing is deleted because of it', () => {
    for (const uid of ['a', 'b']) observer.onEvent(event('ADDED', pod(uid)));
    observer.onListing();
    observer.onEvent(event('ADDED', pod('a')));
    observer.onInterrupted('connection lost');
    observer.onListing();
    observer.onEvent(event('ADDED', pod('b')));
    observer.onEvent(event('ADDED', pod('a')));
    observer.onSynced();
    expect(observer).toMatchObject({ created: 2, deleted: 0, present: 2 });
  });

  it('counts a pod of the same name anew: uids tell them apart', () => {
    observer.onEvent(event('ADDED', pod('one', { started: true })));
    observer.onEvent(event('DELETED', pod('one')));
    observer.onEvent(event('ADDED', pod('two', { started: true })));
    expect(observer).toMatchObject({ created: 2, started: 2, running: 1, deleted: 1 });
  });

  it('counts failed pods once', () => {
    observer.onEvent(event('ADDED', pod('a', { phase: 'Failed' })));
    observer.onEvent(event('MODIFIED', pod('a', { phase: 'Failed' })));
    expect(observer.failed).toBe(1);
  });

  it('ignores the deletion of a pod that it never saw', () => {
    observer.onEvent(event('DELETED', pod('x')));
    expect(observer.deleted).toBe(0);
  });
});

describe('NodeObserver', () => {
  const node = (name: string, ready: string): unknown => ({
    metadata: { name },
    status: { conditions: [{ type: 'Ready', status: ready }] },
  });

  it('counts Ready nodes, and each fall from Ready', () => {
    const delayNowUs = (): number => 700;
    const nodes = new NodeObserver({ client, runId: 'r', clock, onChange: () => {}, delayNowUs });
    nodes.onListing();
    nodes.onSynced();
    nodes.onEvent(event('ADDED', node('a', 'False')));
    nodes.onEvent(event('ADDED', node('b', 'True')));
    nodes.onEvent(event('MODIFIED', node('a', 'True')));
    expect(nodes.node('a')).toMatchObject({ ready: true, readyDelayUs: 700 });
    expect(nodes).toMatchObject({ ready: 2, notReadyEvents: 0, present: 2 });
    nodes.onEvent(event('MODIFIED', node('a', 'Unknown')));
    nodes.onEvent(event('MODIFIED', node('a', 'False')));
    expect(nodes).toMatchObject({ ready: 1, notReadyEvents: 1 });
    nodes.onEvent(event('DELETED', node('b', 'True')));
    expect(nodes).toMatchObject({ ready: 0, notReadyEvents: 1, present: 1 });
    nodes.onListing();
    nodes.onSynced();
    expect(nodes.present).toBe(0);
  });
});

describe('podFacts', () => {
  it('says what kind of pod it is', () => {
    expect(podFacts(pod('a', { labels: { 'hollowmark.dev/purpose': 'latency' } })).kind).toBe('latency');
    expect(podFacts(pod('a', { owner: 'ReplicaSet' }))).toMatchObject({
      kind: 'deployment',
      controlled: true,
    });
    expect(podFacts(pod('a', { owner: 'Job', labels: { 'hollowmark.dev/purpose': 'load' } })).kind).toBe(
      'job',
    );
    expect(podFacts(pod('a'))).toMatchObject({ kind: 'pod', controlled: false });
  });

  it('tells stateless volumes from others', () => {
    const withVolume = (source: string): boolean =>
      podFacts(pod('a', { volumes: [{ name: 'v', [source]: {} }] })).stateful;
    for (const source of ['secret', 'configMap', 'downwardAPI', 'projected', 'emptyDir']) {
      expect(withVolume(source)).toBe(false);
    }
    for (const source of ['persistentVolumeClaim', 'hostPath', 'csi', 'ephemeral']) {
      expect(withVolume(source)).toBe(true);
    }
  });

  it('takes a pod as started when each container has been so once', () => {
    const started = (containers: number, statuses: unknown[]): boolean =>
      podFacts({
        spec: { containers: Array.from({ length: containers }, () => ({})) },
        status: { containerStatuses: statuses },
      }).started;
    const running = { state: { running: {} } };
    expect(started(1, [running])).toBe(true);
    expect(started(2, [running])).toBe(false);
    expect(started(2, [running, { state: { waiting: {} } }])).toBe(false);
    expect(started(2, [running, { state: { terminated: {} } }])).toBe(true);
    expect(started(1, [{ state: { waiting: {} }, lastState: { terminated: {} } }])).toBe(true);
    expect(started(0, [])).toBe(false);
  });

  it('reads what is not a pod without throwing', () => {
    expect(podFacts(undefined).uid).toBe('');
    expect(podFacts({}).started).toBe(false);
  });
});

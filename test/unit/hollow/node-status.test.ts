import { beforeEach, describe, expect, test } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { KubeletContext, type NodeConfig } from '../../../src/hollow/context.ts';
import { EventRecorder } from '../../../src/hollow/event-recorder.ts';
import { NodeEvents } from '../../../src/hollow/node/node-events.ts';
import { bootIdOf, newNode, statusFacts } from '../../../src/hollow/node/node-object.ts';
import { NodeStatusReporter } from '../../../src/hollow/node/node-status.ts';
import { NodeImages } from '../../../src/hollow/runtime/image-store.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';

const node: NodeConfig = {
  name: 'hollow-1',
  capacity: { cpu: '8', memory: '32Gi', pods: '110' },
  labels: {},
  taints: [],
  address: '100.64.0.1',
  kubeletVersion: 'v1.36.3',
};

let context: KubeletContext;
let reporter: NodeStatusReporter;
let recorder: EventRecorder;
let registrations: number;
let csiNode: boolean;
let ready: number;

beforeEach(() => {
  const runtime = new NodeRuntimes().of('containerd');
  const prng = new Prng('status');
  context = new KubeletContext(node, runtime, new NodeImages(runtime, prng), prng);
  context.now = { us: 0, wallMs: 1_800_000_000_000 };
  recorder = new EventRecorder(context);
  registrations = 0;
  csiNode = false;
  ready = 0;
  reporter = new NodeStatusReporter(context, new NodeEvents(context, recorder), {
    register: () => registrations++,
    isReady: () => csiNode,
    onRepeatedFailure: () => {},
    onReady: () => ready++,
  });
});

type Condition = { type: string; status?: string; reason?: string; lastTransitionTime?: string };
type Body = { reason?: string; status?: { conditions?: Condition[]; [field: string]: unknown } };

/** Of an event that is repeated: a PATCH of its count. */
const again = '';

/** What has been asked for since the last call: conditions of status PATCHes, and reasons of events. */
function drain(): { patches: string[][]; bodies: Body[]; events: string[]; reads: number; waits: number[] } {
  const patches: string[][] = [];
  const bodies: Body[] = [];
  const events: string[] = [];
  const waits: number[] = [];
  let reads = 0;
  for (const effect of context.effects) {
    if (effect.type === 'after') waits.push(effect.delayMs);
    if (effect.type !== 'request') continue;
    const body = effect.request.body as Body | undefined;
    if (effect.tag.to === 'event') {
      events.push(body?.reason ?? '');
      recorder.onAnswer(201);
    } else if (body === undefined) reads++;
    else {
      bodies.push(body);
      const conditions = body.status?.conditions ?? [];
      patches.push(
        conditions.map(({ type, status, reason }) => [type, status, reason].filter(Boolean).join(' ')),
      );
    }
  }
  context.effects = [];
  return { patches, bodies, events, reads, waits };
}

function pass(seconds: number): void {
  context.now = { us: context.now.us + seconds * 1e6, wallMs: context.now.wallMs + seconds * 1000 };
}

/** A node that has been made, and is Ready. */
function start(): void {
  reporter.start();
  expect(registrations).toBe(1);
  const { status } = newNode(context, context.now.wallMs);
  reporter.registered(status);
  // The watch has not told of it yet.
  expect(drain()).toMatchObject({ reads: 1, patches: [] });
  reporter.onAnswer('get', 200, { status });
  expect(drain().bodies).toEqual([{}]);
  reporter.onAnswer('patch', 200, undefined);
  csiNode = true;
  reporter.readyChanged();
  reporter.onTimer('fast');
  expect(drain().patches).toEqual([['Ready True KubeletReady']]);
  expect(ready).toBe(0);
  reporter.onAnswer('patch', 200, undefined);
  drain();
  expect(ready).toBe(1);
}

/** The kubelet computes its status, ten seconds later. */
function tick(): string[][] {
  return tickWithEvents().patches;
}

function tickWithEvents(): Pick<ReturnType<typeof drain>, 'patches' | 'events'> {
  pass(10);
  reporter.onTimer('sync');
  const { patches, events } = drain();
  return { patches, events };
}

describe('pressure', () => {
  test('is written once, with an event, and once more when it is over', () => {
    start();
    reporter.setPressure('DiskPressure', true, 'injected');
    reporter.setPressure('DiskPressure', true, 'injected');
    expect(drain().events).toEqual([]);
    expect(tickWithEvents()).toEqual({
      patches: [['MemoryPressure', 'DiskPressure True KubeletHasDiskPressure', 'PIDPressure', 'Ready']],
      events: ['NodeHasDiskPressure'],
    });
    reporter.onAnswer('patch', 200, undefined);
    expect(tickWithEvents()).toEqual({ patches: [], events: [] });
    reporter.setPressure('DiskPressure', false, 'injected');
    expect(drain().events).toEqual([]);
    expect(tickWithEvents()).toEqual({
      patches: [['MemoryPressure', 'DiskPressure False KubeletHasNoDiskPressure', 'PIDPressure', 'Ready']],
      events: ['NodeHasNoDiskPressure'],
    });
  });

  test('that is over before it was written is not written, nor told of', () => {
    start();
    reporter.setPressure('PIDPressure', true, 'injected');
    reporter.setPressure('PIDPressure', false, 'injected');
    expect(drain().events).toEqual([]);
    expect(tickWithEvents()).toEqual({ patches: [], events: [] });
  });

  test('that comes while another is on its way is written after it', () => {
    start();
    reporter.setPressure('MemoryPressure', true, 'injected');
    drain();
    expect(tick()).toHaveLength(1);
    reporter.setPressure('PIDPressure', true, 'injected');
    drain();
    reporter.onAnswer('patch', 200, undefined);
    expect(tick()).toEqual([
      ['MemoryPressure', 'DiskPressure', 'PIDPressure True KubeletHasInsufficientPID', 'Ready'],
    ]);
  });

  test('whose write failed is written again', () => {
    start();
    reporter.setPressure('MemoryPressure', true, 'injected');
    drain();
    const pressure = 'MemoryPressure True KubeletHasInsufficientMemory';
    expect(tick()).toEqual([[pressure, 'DiskPressure', 'PIDPressure', 'Ready']]);
    reporter.onAnswer('patch', 500, undefined);
    drain();
    reporter.onAnswer('get', 200, { status: newNode(context, context.now.wallMs).status });
    const { patches, events } = drain();
    // What was read has the times of this second.
    expect(patches).toEqual([[pressure, 'Ready True KubeletReady']]);
    // Each try computes the status anew, and tells of it.
    expect(events).toEqual([again, again]);
  });

  test('stays when the node is written anew after it was given up', () => {
    start();
    reporter.setPressure('DiskPressure', true, 'injected');
    drain();
    tick();
    reporter.onAnswer('patch', 200, undefined);
    reporter.onNode({ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } });
    const { patches, events } = tickWithEvents();
    expect(patches[0]).toContain('DiskPressure True KubeletHasDiskPressure');
    // What is not there turns as well. An event that was there before is counted once more.
    expect(events).toEqual(['NodeHasSufficientMemory', again, 'NodeHasSufficientPID', again]);
  });

  test('with two causes is over with the second of them', () => {
    start();
    reporter.setPressure('MemoryPressure', true, 'injected');
    reporter.setPressure('MemoryPressure', true, 'usage');
    reporter.setPressure('MemoryPressure', false, 'injected');
    expect(tickWithEvents().events).toEqual(['NodeHasInsufficientMemory']);
    reporter.onAnswer('patch', 200, undefined);
    reporter.setPressure('MemoryPressure', false, 'usage');
    expect(tickWithEvents().events).toEqual(['NodeHasSufficientMemory']);
  });
});

describe('a status', () => {
  test('is computed again ten seconds after the one before was answered', () => {
    start();
    expect(tick()).toEqual([]);
    reporter.onTimer('sync');
    expect(drain().waits).toHaveLength(1);
    reporter.setPressure('DiskPressure', true, 'injected');
    reporter.onTimer('sync');
    expect(drain().waits).toEqual([]);
    for (let i = 0; i < 5; i++) reporter.onAnswer(i === 0 ? 'patch' : 'get', 500, undefined);
    expect(drain().waits).toHaveLength(1);
  });

  test('within one second of the one before says nothing of times', () => {
    start();
    expect(context.effects).toEqual([]);
    reporter.onNode({ status: newNode(context, context.now.wallMs).status });
    reporter.onTimer('sync');
    expect(drain().bodies[0]?.status?.conditions).toEqual([
      { type: 'Ready', status: 'True', reason: 'KubeletReady', message: 'kubelet is posting ready status' },
    ]);
  });

  test('of a kubelet that finds its node given up is written at once, in full, with its events', () => {
    const { status } = newNode(context, context.now.wallMs - 60_000);
    const conditions = (status.conditions ?? []).map((condition) => ({ ...condition, status: 'Unknown' }));
    csiNode = true;
    reporter.onNode({ status: { ...status, conditions } });
    drain();
    reporter.start();
    const { patches, events, bodies } = drain();
    expect(registrations).toBe(0);
    expect(patches).toEqual([
      [
        'MemoryPressure False KubeletHasSufficientMemory',
        'DiskPressure False KubeletHasNoDiskPressure',
        'PIDPressure False KubeletHasSufficientPID',
        'Ready True KubeletReady',
      ].map((text, index) => (index < 3 ? text.replace(/ Kubelet.*/, '') : text)),
    ]);
    expect(Object.keys(bodies[0]?.status ?? {})).toEqual(['$setElementOrder/conditions', 'conditions']);
    expect(events).toEqual([
      'NodeHasSufficientMemory',
      'NodeHasNoDiskPressure',
      'NodeHasSufficientPID',
      'NodeReady',
    ]);
    reporter.onAnswer('patch', 200, undefined);
    // Only then is the node registered, which finds it there and has nothing to add.
    expect(registrations).toBe(1);
    reporter.registered(undefined);
    expect(drain()).toMatchObject({ reads: 0, patches: [] });
    expect(ready).toBe(1);
  });

  test('of a node that is Ready when its kubelet starts again brings its heartbeats up to date', () => {
    const { status } = newNode(context, context.now.wallMs - 60_000);
    const known = (status.conditions ?? []).map((condition) =>
      condition.type === 'Ready' ? { ...condition, status: 'True' } : condition,
    );
    csiNode = true;
    reporter.onNode({ status: { ...status, conditions: known } });
    reporter.start();
    reporter.registered(undefined);
    const { patches, events } = drain();
    expect(patches).toEqual([['MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready KubeletReady']]);
    expect(events).toEqual([]);
  });

  test('keeps the conditions of others where they are', () => {
    start();
    const others = [{ type: 'NetworkUnavailable', status: 'False' }];
    const conditions = [...others, ...(newNode(context, 0).status.conditions ?? [])];
    reporter.onNode({ status: { conditions } });
    pass(10);
    reporter.onTimer('sync');
    const [body] = drain().bodies;
    expect(body?.status?.['$setElementOrder/conditions']).toEqual(
      ['NetworkUnavailable', 'MemoryPressure', 'DiskPressure', 'PIDPressure', 'Ready'].map((type) => ({
        type,
      })),
    );
    expect(body?.status?.conditions?.map(({ type }) => type)).not.toContain('NetworkUnavailable');
  });
});

describe('what a kubelet declares', () => {
  test.each([
    ['v1.35.4', undefined],
    ['v1.36.3', 4],
  ])('in %s', (kubeletVersion, features) => {
    const { profile, allocatable, images } = context;
    const parts = { node: { ...node, kubeletVersion }, profile, allocatable, images, bootId: '' };
    const { declaredFeatures } = statusFacts(parts) as { declaredFeatures?: string[] };
    expect(declaredFeatures?.length).toBe(features);
  });
});

test.each([
  ['kubelet', ['names', 'sizeBytes']],
  ['kubemark', ['names']],
  // Its node is kubemark's, whoever runs its containers.
  ['lite', ['names']],
] as const)('the images of a %s node have %j', (wireProfile, keys) => {
  const parts = {
    node: { ...node, wireProfile },
    profile: context.profile,
    allocatable: context.allocatable,
    images: context.images,
    bootId: '',
  };
  const { images } = statusFacts(parts) as { images: object[] };
  expect(images.length).toBeGreaterThan(0);
  for (const image of images) expect(Object.keys(image)).toEqual(keys);
});

test('a machine has another boot id after each boot, unlike any other machine', () => {
  const ids = [0, 1, 2].map((boots) => bootIdOf(node, boots));
  expect(new Set(ids).size).toBe(3);
  expect(bootIdOf({ ...node, name: 'hollow-2' }, 0)).not.toBe(ids[0]);
});

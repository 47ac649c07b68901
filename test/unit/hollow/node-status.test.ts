import { beforeEach, describe, expect, test } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { KubeletContext, type NodeConfig } from '../../../src/hollow/context.ts';
import { EventRecorder } from '../../../src/hollow/event-recorder.ts';
import { bootIdOf } from '../../../src/hollow/node/node-object.ts';
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
let ready: number;

beforeEach(() => {
  const runtime = new NodeRuntimes().of('containerd');
  const prng = new Prng('status');
  context = new KubeletContext(node, runtime, new NodeImages(runtime, prng), prng);
  recorder = new EventRecorder(context);
  ready = 0;
  reporter = new NodeStatusReporter(
    context,
    recorder,
    () => {},
    () => ready++,
  );
});

type Condition = { type: string; status?: string; reason?: string; lastTransitionTime?: string };

/** What has been asked for since the last call: conditions of status PATCHes, and reasons of events. */
function drain(): { patches: string[][]; events: string[] } {
  const patches: string[][] = [];
  const events: string[] = [];
  for (const effect of context.effects) {
    if (effect.type !== 'request') continue;
    const body = effect.request.body as { reason?: string; status?: { conditions: Condition[] } } | undefined;
    if (effect.tag.to === 'event') {
      events.push(body?.reason ?? '');
      recorder.onAnswer(201);
    } else if (body !== undefined) {
      const conditions = body.status?.conditions ?? [];
      patches.push(
        conditions.map(({ type, status, reason }) => [type, status, reason].filter(Boolean).join(' ')),
      );
    }
  }
  context.effects = [];
  return { patches, events };
}

/** The first Ready is registration's to send. */
function start(): void {
  reporter.start();
  reporter.onAnswer('patch', 200);
  drain();
  expect(ready).toBe(1);
}

/** The kubelet computes its status, ten seconds later. */
function tick(seconds = 10): string[][] {
  context.now = { us: context.now.us + seconds * 1e6, wallMs: context.now.wallMs + seconds * 1000 };
  reporter.onTimer();
  return drain().patches;
}

describe('pressure', () => {
  test('is written once, with an event, and once more when it is over', () => {
    start();
    reporter.setPressure('DiskPressure', true, 'injected');
    reporter.setPressure('DiskPressure', true, 'injected');
    expect(drain().events).toEqual(['NodeHasDiskPressure']);
    expect(tick()).toEqual([
      ['MemoryPressure', 'DiskPressure True KubeletHasDiskPressure', 'PIDPressure', 'Ready'],
    ]);
    reporter.onAnswer('patch', 200);
    expect(tick()).toEqual([]);
    reporter.setPressure('DiskPressure', false, 'injected');
    expect(drain().events).toEqual(['NodeHasNoDiskPressure']);
    expect(tick()).toEqual([
      ['MemoryPressure', 'DiskPressure False KubeletHasNoDiskPressure', 'PIDPressure', 'Ready'],
    ]);
  });

  test('that is over before it was written is not written', () => {
    start();
    reporter.setPressure('PIDPressure', true, 'injected');
    reporter.setPressure('PIDPressure', false, 'injected');
    drain();
    expect(tick()).toEqual([]);
  });

  test('that comes while another is on its way is written after it', () => {
    start();
    reporter.setPressure('MemoryPressure', true, 'injected');
    drain();
    expect(tick()).toHaveLength(1);
    reporter.setPressure('PIDPressure', true, 'injected');
    drain();
    reporter.onAnswer('patch', 200);
    expect(tick()).toEqual([
      ['MemoryPressure', 'DiskPressure', 'PIDPressure True KubeletHasInsufficientPID', 'Ready'],
    ]);
  });

  test('whose write failed is written again', () => {
    start();
    reporter.setPressure('MemoryPressure', true, 'injected');
    drain();
    const written = [
      'MemoryPressure True KubeletHasInsufficientMemory',
      'DiskPressure',
      'PIDPressure',
      'Ready',
    ];
    expect(tick()).toEqual([written]);
    reporter.onAnswer('patch', 500);
    drain();
    reporter.onAnswer('get', 200);
    expect(drain().patches).toEqual([written]);
  });

  test('stays when the node is written anew after it was given up', () => {
    start();
    reporter.setPressure('DiskPressure', true, 'injected');
    drain();
    tick();
    reporter.onAnswer('patch', 200);
    reporter.onNode({ status: { conditions: [{ type: 'Ready', status: 'Unknown' }] } });
    expect(tick()[0]).toContain('DiskPressure True KubeletHasDiskPressure');
  });

  test('with two causes is over with the second of them', () => {
    start();
    reporter.setPressure('MemoryPressure', true, 'injected');
    reporter.setPressure('MemoryPressure', true, 'usage');
    reporter.setPressure('MemoryPressure', false, 'injected');
    expect(drain().events).toEqual(['NodeHasInsufficientMemory']);
    reporter.setPressure('MemoryPressure', false, 'usage');
    expect(drain().events).toEqual(['NodeHasSufficientMemory']);
  });
});

test('the status is computed again ten seconds after the one before was answered', () => {
  const timers = (): number => context.effects.filter(({ type }) => type === 'after').length;
  reporter.start();
  expect(timers()).toBe(0);
  reporter.onAnswer('patch', 200);
  expect(timers()).toBe(1);
  context.effects = [];
  reporter.onTimer();
  expect(timers()).toBe(1);
  reporter.setPressure('DiskPressure', true, 'injected');
  context.effects = [];
  reporter.onTimer();
  expect(timers()).toBe(0);
  for (let i = 0; i < 5; i++) reporter.onAnswer('patch', 500);
  expect(timers()).toBe(1);
});

test('a machine has another boot id after each boot, unlike any other machine', () => {
  const ids = [0, 1, 2].map((boots) => bootIdOf(node, boots));
  expect(new Set(ids).size).toBe(3);
  expect(bootIdOf({ ...node, name: 'hollow-2' }, 0)).not.toBe(ids[0]);
});

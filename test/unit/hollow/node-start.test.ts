import { describe, expect, it } from 'vitest';
import type { KubeletContext } from '../../../src/hollow/context.ts';
import type { KubeletRequest } from '../../../src/hollow/effects.ts';
import { CsiNode } from '../../../src/hollow/node/csi-node.ts';
import type { NodeEvents } from '../../../src/hollow/node/node-events.ts';
import type { NodeStatus } from '../../../src/hollow/node/node-object.ts';
import { Registration } from '../../../src/hollow/node/registration.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';
import { type WireProfileName, wireProfile } from '../../../src/hollow/wire-profile.ts';

/** What a part of a kubelet's start asks for: requests, and pauses in milliseconds. */
function recording(profile: WireProfileName = 'kubelet'): {
  context: KubeletContext;
  drain: () => (string | number)[];
} {
  let asked: (string | number)[] = [];
  const context = {
    node: { name: 'n', capacity: {}, labels: {}, taints: [], address: '', kubeletVersion: 'v1.36.3' },
    profile: new NodeRuntimes().of('containerd').profile,
    images: { reported: () => [] },
    wire: wireProfile(profile),
    prng: { float: () => 0 },
    now: { us: 0, wallMs: 0 },
    after: (delayMs: number) => asked.push(delayMs),
    request: (_: string, { method, path }: KubeletRequest) =>
      asked.push(`${method} ${path.replace(/.*\/(?=nodes|csinodes)/, '')}`),
  } as unknown as KubeletContext;
  const drain = (): (string | number)[] => {
    const before = asked;
    asked = [];
    return before;
  };
  return { context, drain };
}

const object = { metadata: { uid: 'u' } };

describe('a CSINode', () => {
  it('is made once the node is there, and is there once', () => {
    const { context, drain } = recording();
    let initialized = 0;
    const csiNode = new CsiNode(context, () => initialized++);
    csiNode.start();
    csiNode.onAnswer('probe', 404, undefined);
    csiNode.onAnswer('get-node', 200, object);
    csiNode.onAnswer('get', 404, undefined);
    expect(csiNode.initialized).toBe(false);
    csiNode.onAnswer('create', 201, undefined);
    expect(drain()).toEqual([
      'GET csinodes/n?resourceVersion=0',
      'GET nodes/n',
      'GET csinodes/n',
      'POST csinodes',
    ]);
    expect([csiNode.initialized, initialized]).toEqual([true, 1]);
  });

  it('waits for its node with two back-offs, one in the other', () => {
    const { context, drain } = recording();
    const csiNode = new CsiNode(context, () => {});
    const pauses = Array.from({ length: 25 }, () => {
      csiNode.onAnswer('get-node', 404, undefined);
      return drain()[0];
    });
    const tries = [10, 50, 250];
    const rounds = [30, 240, 1920, 15_360, 122_880].flatMap((pause) => [...tries, pause]);
    expect(pauses).toEqual([...rounds, ...tries, 30, 10]);
  });

  it('is not asked for before there is an API server', () => {
    const { context, drain } = recording();
    const csiNode = new CsiNode(context, () => {});
    csiNode.onAnswer('probe', 0, undefined);
    expect(drain()).toEqual([1000]);
  });

  it('takes kubemark its time', () => {
    const { context, drain } = recording('kubemark');
    const csiNode = new CsiNode(context, () => {});
    csiNode.onAnswer('probe', 404, undefined);
    expect(drain()).toEqual([context.wire.start.paceMs]);
  });
});

describe('a registration', () => {
  const register = (profile: WireProfileName = 'kubelet') => {
    const { context, drain } = recording(profile);
    const made: (NodeStatus | undefined)[] = [];
    const events = { conditions: () => {} } as unknown as NodeEvents;
    return { registration: new Registration(context, events, (status) => made.push(status)), drain, made };
  };

  it('tells of the status that the node was made with', () => {
    const { registration, drain, made } = register();
    registration.start();
    registration.onTimer('create-node');
    registration.onAnswer('create-node', 201);
    expect(drain()).toEqual([100, 'POST nodes']);
    expect(made[0]?.conditions).toHaveLength(4);
  });

  it('that finds the node there reads it, and tells of none', () => {
    const { registration, drain, made } = register();
    registration.onTimer('create-node');
    registration.onAnswer('create-node', 409);
    registration.onAnswer('get-node', 200);
    expect(drain()).toEqual(['POST nodes', 'GET nodes/n']);
    expect(made).toEqual([undefined]);
  });

  it('is tried again after pauses that double to 7 s', () => {
    const { registration, drain, made } = register();
    registration.start();
    for (let i = 0; i < 8; i++) registration.onAnswer(i === 3 ? 'get-node' : 'create-node', 500);
    expect(drain()).toEqual([100, 200, 400, 800, 1600, 3200, 6400, 7000, 7000]);
    expect(made).toEqual([]);
  });
});

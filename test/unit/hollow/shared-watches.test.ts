import { beforeEach, describe, expect, test } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { SharedWatches } from '../../../src/hollow/shared-watches.ts';
import type { ApiClient } from '../../../src/kube/client.ts';
import type { Http2Stream, StreamHandler } from '../../../src/kube/http2/stream.ts';
import type { WatchHandler, WatchSpec } from '../../../src/kube/reflector.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import { FakeClock } from '../../sim/world.ts';

type Pod = { name: string; node: string };

/** Watches that are open, and what the API server has. */
let watches: { path: string; handler: StreamHandler }[];
let pods: Pod[];
let shared: SharedWatches;

const frame = (type: string, object: object): Buffer => Buffer.from(`${JSON.stringify({ type, object })}\n`);
const podFrame = (type: string, { name, node }: Pod): Buffer =>
  frame(type, {
    kind: 'Pod',
    apiVersion: 'v1',
    metadata: { name, uid: `uid-${name}`, resourceVersion: '7' },
    spec: { nodeName: node },
  });
const bookmark = frame('BOOKMARK', {
  metadata: { resourceVersion: '9', annotations: { 'k8s.io/initial-events-end': 'true' } },
});

/** Whether an object belongs to a watch: by the node that its selector names, if it names one. */
const matches = (path: string, { node }: Pod): boolean =>
  path.includes('nodeName%21%3D') || path.includes(`nodeName%3D${node}&`);

function change(type: 'ADDED' | 'MODIFIED' | 'DELETED', pod: Pod): void {
  pods = pods.filter(({ name }) => name !== pod.name);
  if (type !== 'DELETED') pods.push(pod);
  for (const { path, handler } of watches) if (matches(path, pod)) handler.onData(podFrame(type, pod));
}

/** The server answers the watches that were asked for last. */
function answer(): void {
  for (const { path, handler } of watches.filter((watch) => !answered.has(watch))) {
    handler.onResponse(200, 'application/json');
    for (const pod of pods) if (matches(path, pod)) handler.onData(podFrame('ADDED', pod));
    handler.onData(bookmark);
  }
  for (const watch of watches) answered.add(watch);
}
const answered = new WeakSet<object>();

function open(node: string): { told: string[]; stop: () => void } {
  const told: string[] = [];
  const handler: WatchHandler = {
    // A listing may begin again before it has brought anything.
    onListing: () => {
      if (told.at(-1) !== 'listing') told.push('listing');
    },
    onSynced: () => told.push('synced'),
    onEvent: (event) =>
      told.push(`${event.type} ${(event.object() as { metadata: { name: string } }).metadata.name}`),
  };
  const spec: WatchSpec = {
    path: '/api/v1/pods',
    selector: `fieldSelector=spec.nodeName%3D${node}`,
    timeoutSecondsMin: 300,
    sendsTimeout: false,
  };
  const opened = shared.open(spec, node, handler);
  return { told, stop: () => opened.stop() };
}

/** What is put off to the end of the turn. */
const settle = (): Promise<void> => Promise.resolve();

beforeEach(() => {
  watches = [];
  pods = [
    { name: 'p1', node: 'a' },
    { name: 'p2', node: 'b' },
    { name: 'far', node: 'elsewhere' },
  ];
  const client = {
    clock: new FakeClock(),
    prng: new Prng('watches'),
    codec: jsonCodec,
    stream: (path: string, handler: StreamHandler, opened: (stream: Http2Stream) => void) => {
      const entry = { path, handler };
      watches.push(entry);
      opened({
        cancel: () => (watches = watches.filter((other) => other !== entry)),
      } as unknown as Http2Stream);
    },
  };
  shared = new SharedWatches(client as unknown as ApiClient, (node) => node === 'a' || node === 'b');
});

describe('one watch for the nodes of a shard', () => {
  test('tells each of its own objects, whenever it comes', async () => {
    const a = open('a');
    await settle();
    answer();
    change('ADDED', { name: 'p3', node: 'b' });
    const b = open('b');
    await settle();
    change('MODIFIED', { name: 'p1', node: 'a' });
    expect(a.told).toEqual(['listing', 'ADDED p1', 'synced', 'MODIFIED p1']);
    expect(b.told).toEqual(['listing', 'ADDED p2', 'ADDED p3', 'synced']);
    expect(watches).toHaveLength(1);
  });

  test('lets a node that starts again list its objects anew', async () => {
    const a = open('a');
    const b = open('b');
    await settle();
    answer();
    a.stop();
    change('ADDED', { name: 'p4', node: 'a' });
    change('DELETED', { name: 'p1', node: 'a' });
    const again = open('a');
    await settle();
    answer();
    change('MODIFIED', { name: 'p4', node: 'a' });
    expect(a.told).toEqual(['listing', 'ADDED p1', 'synced']);
    expect(again.told).toEqual(['listing', 'ADDED p4', 'synced', 'MODIFIED p4']);
    expect(b.told).toEqual(['listing', 'ADDED p2', 'synced']);
    again.stop();
    b.stop();
    expect(watches).toEqual([]);
  });
});

import * as fc from 'fast-check';
import { describe, expect, it, vi } from 'vitest';
import { jsonCodec } from '../../../src/wire/json-codec.ts';

const pod = (uid: string, extra: object = {}): object => ({
  kind: 'Pod',
  apiVersion: 'v1',
  metadata: {
    name: 'p',
    namespace: 'default',
    uid,
    resourceVersion: '42',
    generation: 3,
    ...extra,
    annotations: { note: '{"uid":"not-me","deletionTimestamp":"x","resourceVersion":"9"}' },
    ownerReferences: [{ uid: 'owner' }],
    managedFields: [{ fieldsV1: { 'f:metadata': { 'f:deletionTimestamp': {} } } }],
  },
  spec: { containers: [] },
});

const frame = (type: string, object: object): string => `${JSON.stringify({ type, object })}\n`;

describe('the JSON watch decoder', () => {
  it('gives the same events however the bytes are cut', () => {
    const text =
      frame('ADDED', pod('a')) +
      frame('MODIFIED', pod('ü-€-𝄞')) +
      frame('BOOKMARK', { metadata: { resourceVersion: '77' } }) +
      frame('DELETED', pod('b'));
    const bytes = Buffer.from(text);
    fc.assert(
      fc.property(fc.array(fc.integer({ min: 1, max: bytes.length - 1 }), { maxLength: 12 }), (cuts) => {
        const decoder = jsonCodec.watchDecoder();
        const points = [0, ...cuts.toSorted((a, b) => a - b), bytes.length];
        const events = points
          .slice(1)
          .flatMap((end, index) => decoder.push(bytes.subarray(points[index] ?? 0, end)));
        expect(events.map((event) => [event.type, event.resourceVersion])).toEqual([
          ['ADDED', '42'],
          ['MODIFIED', '42'],
          ['BOOKMARK', '77'],
          ['DELETED', '42'],
        ]);
        expect(events[1]?.object()).toEqual(pod('ü-€-𝄞'));
        expect(events.reduce((sum, event) => sum + event.sizeBytes, 0)).toBe(bytes.length);
      }),
    );
  });

  it('joins the chunks of a long line once, when its end has come', () => {
    const bytes = Buffer.from(frame('ADDED', pod('long', { labels: { long: 'x'.repeat(200_000) } })));
    const decoder = jsonCodec.watchDecoder();
    const concat = vi.spyOn(Buffer, 'concat');
    const events = [];
    for (let at = 0; at < bytes.length; at += 1000) {
      events.push(...decoder.push(bytes.subarray(at, at + 1000)));
    }
    expect(concat).toHaveBeenCalledTimes(1);
    concat.mockRestore();
    expect(events.map((event) => event.metadata().uid)).toEqual(['long']);
  });

  it('reads metadata without being misled by annotations, owners and managed fields', () => {
    const [alive, deleting] = jsonCodec
      .watchDecoder()
      .push(
        Buffer.from(
          frame('MODIFIED', pod('me')) +
            frame('MODIFIED', pod('me', { deletionTimestamp: '2026-11-21T05:05:10Z', generation: 4 })),
        ),
      );
    expect(alive?.metadata()).toEqual({ uid: 'me', generation: 3, deleting: false });
    expect(deleting?.metadata()).toEqual({ uid: 'me', generation: 4, deleting: true });
  });

  it('refuses what is not JSON, and a frame without an end', () => {
    const [event] = jsonCodec.watchDecoder().push(Buffer.from('{"type":"ADDED","object":{"metadata":\n'));
    expect(() => event?.object()).toThrow(/not JSON on the wire/);
    const decoder = jsonCodec.watchDecoder();
    const chunk = Buffer.alloc(1024 * 1024, 'x');
    expect(() => {
      for (let i = 0; i < 20; i++) decoder.push(chunk);
    }).toThrow(/more than 16777216 bytes/);
  });
});

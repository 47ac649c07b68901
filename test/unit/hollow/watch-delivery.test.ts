import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { type DeliveryTap, WatchDelivery } from '../../../src/hollow/watch-delivery.ts';
import { deliveryAnnotation, readWrite, writeText } from '../../../src/metrics/delivery.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { WatchEventType } from '../../../src/wire/codec.ts';

const clock = { us: 0, nowUs: () => clock.us };
const intervalUs = 10_000_000;
const sentUs = (sequence: number): number => sequence * intervalUs;

/** How often events were read beyond their version. */
let reads = 0;

function eventOf(
  sequence: number,
  name = 'probe',
  type: WatchEventType = 'MODIFIED',
): Parameters<DeliveryTap['onEvent']>[0] {
  const write = { sequence, sentUs: sentUs(sequence), nextUs: sentUs(sequence + 1) };
  return {
    type,
    resourceVersion: `${name}-${sequence}`,
    metadata: () => ({ uid: `uid-${name}`, generation: 0, deleting: false }),
    object: () => {
      reads++;
      const annotations = { [deliveryAnnotation]: writeText(write) };
      return { metadata: { namespace: 'default', name, annotations } };
    },
  };
}

function shard(): {
  delivery: WatchDelivery;
  tap: (watcher?: 'kubelet' | 'proxy', node?: string) => DeliveryTap;
} {
  const delivery = new WatchDelivery(clock, 'default/probe');
  return {
    delivery,
    tap: (watcher = 'kubelet', node = 'a') => {
      const opened = delivery.tap(watcher, node);
      opened.onSynced();
      return opened;
    },
  };
}

const countOf = (base64: string): number => Histogram.fromBase64(base64).count;

describe('the annotation', () => {
  it('is read as it was written', () => {
    const write = { sequence: 12, sentUs: 81_234_567.25, nextUs: 91_234_567.25 };
    expect(readWrite(writeText(write))).toEqual(write);
  });

  it.each([undefined, '', 'x', '1 2', '0 5 6', '1 6 5', '1.5 5 6', '1 5 6 7', '-1 5 6'])(
    '%s is none',
    (text) => {
      expect(readWrite(text)).toBeUndefined();
    },
  );
});

describe('the nodes of a shard', () => {
  it('time each write on each watch, and count who had it in time', () => {
    const { delivery, tap } = shard();
    const kubelets = [tap(), tap()];
    const proxy = tap('proxy', 'b');
    clock.us = sentUs(1) + 1000;
    kubelets[0]?.onEvent(eventOf(1));
    clock.us = sentUs(1) + 3000;
    proxy.onEvent(eventOf(1));
    // Too late: the next one is due.
    clock.us = sentUs(2) + 500;
    kubelets[1]?.onEvent(eventOf(1));
    const told = delivery.drain();
    expect(told.writes).toEqual([
      { sequence: 1, kubelets: 1, proxies: 1, slowestUs: 3000, slowestNode: 'b' },
    ]);
    expect(Histogram.fromBase64(told.kubelets).max / (intervalUs + 500)).toBeCloseTo(1, 2);
    expect([countOf(told.kubelets), countOf(told.proxies)]).toEqual([2, 1]);
    expect(delivery.drain()).toEqual({ kubelets: '', proxies: '', clampedCount: 0, writes: [] });
  });

  it('count what lies beyond an hour', () => {
    const { delivery, tap } = shard();
    clock.us = sentUs(1) + 4e9;
    for (const one of [tap(), tap('proxy')]) one.onEvent(eventOf(1));
    expect(delivery.drain().clampedCount).toBe(2);
    expect(delivery.drain().clampedCount).toBe(0);
  });

  it('read each version of a Service once, whichever it is', () => {
    const { tap } = shard();
    const taps = Array.from({ length: 100 }, () => tap());
    reads = 0;
    for (const one of taps) one.onEvent(eventOf(1, 'other'));
    for (const one of taps) one.onEvent(eventOf(1));
    expect(reads).toBe(2);
    // From now on it is known by its uid.
    for (const one of taps) one.onEvent(eventOf(2, 'other'));
    expect(reads).toBe(2);
  });

  it('read nothing of the thousands of Services that a first listing may show', () => {
    const { delivery } = shard();
    const opened = delivery.tap('kubelet', 'a');
    reads = 0;
    for (let i = 0; i < 10; i++) opened.onEvent(eventOf(i, 'other', 'ADDED'));
    opened.onSynced();
    expect(reads).toBe(0);
  });

  it('know it again when it was deleted and made anew', () => {
    const { delivery, tap } = shard();
    const one = tap();
    clock.us = sentUs(1) + 100;
    one.onEvent(eventOf(1));
    one.onEvent(eventOf(1, 'probe', 'DELETED'));
    clock.us = sentUs(2) + 100;
    one.onEvent({
      ...eventOf(2),
      metadata: () => ({ uid: 'uid-another', generation: 0, deleting: false }),
    });
    expect(delivery.drain().writes.map(({ sequence }) => sequence)).toEqual([1, 2]);
  });

  it('leave out what was written before a watch, other Services, deletions and what is told twice', () => {
    const { delivery, tap } = shard();
    tap('proxy').onEvent(eventOf(3));
    delivery.drain();
    const late = delivery.tap('kubelet', 'a');
    late.onEvent(eventOf(4, 'probe', 'ADDED'));
    late.onSynced();
    const known = tap();
    known.onEvent(eventOf(5, 'other'));
    known.onEvent(eventOf(5, 'probe', 'DELETED'));
    expect(delivery.drain().writes).toEqual([]);
    clock.us = sentUs(5) + 10;
    known.onEvent(eventOf(5));
    known.onEvent(eventOf(5));
    known.onEvent(eventOf(4));
    late.onEvent(eventOf(5));
    expect(delivery.drain().writes).toEqual([
      { sequence: 5, kubelets: 2, proxies: 0, slowestUs: 10, slowestNode: 'a' },
    ]);
  });

  it('take the newest write for those that a watch missed, as it may after an interruption', () => {
    const { delivery, tap } = shard();
    const [steady, cutOff] = [tap(), tap()];
    cutOff.onEvent(eventOf(1));
    for (const sequence of [1, 2, 3]) {
      clock.us = sentUs(sequence) + 1000;
      steady.onEvent(eventOf(sequence));
    }
    delivery.drain();
    clock.us = sentUs(3) + 2000;
    cutOff.onEvent(eventOf(3));
    const told = delivery.drain();
    // The second one came too late for its own count, and is as late as it is.
    expect(told.writes).toEqual([
      { sequence: 3, kubelets: 1, proxies: 0, slowestUs: 2000, slowestNode: 'a' },
    ]);
    expect(countOf(told.kubelets)).toBe(2);
    expect(Histogram.fromBase64(told.kubelets).max / (intervalUs + 2000)).toBeCloseTo(1, 2);
  });

  it('give one sample for each write and watch, in whatever order watches skip', () => {
    const plan = fc.array(
      fc.record({ watch: fc.integer({ min: 0, max: 4 }), skips: fc.integer({ min: 0, max: 3 }) }),
      { maxLength: 60 },
    );
    fc.assert(
      fc.property(plan, (steps) => {
        const { delivery, tap } = shard();
        const reference = tap('proxy');
        const last = Array.from({ length: 5 }, () => 0);
        const taps = last.map(() => tap());
        let newest = 0;
        for (const { watch, skips } of steps) {
          const sequence = (last[watch] ?? 0) + 1 + skips;
          for (; newest < sequence; ) {
            newest++;
            clock.us = sentUs(newest) + 100;
            reference.onEvent(eventOf(newest));
          }
          last[watch] = sequence;
          taps[watch]?.onEvent(eventOf(sequence));
        }
        const told = delivery.drain();
        expect(countOf(told.kubelets)).toBe(last.reduce((sum, sequence) => sum + sequence, 0));
        expect(countOf(told.proxies)).toBe(newest);
      }),
    );
  });
});

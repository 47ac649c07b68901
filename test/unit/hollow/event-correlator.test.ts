import { describe, expect, it } from 'vitest';
import { LruMap } from '../../../src/base/lru.ts';
import { Prng } from '../../../src/base/prng.ts';
import {
  type CorrelatedEvent,
  EventCorrelator,
  type EventObject,
} from '../../../src/hollow/event-correlator.ts';

const pod: EventObject = { kind: 'Pod', namespace: 'default', name: 'p', uid: 'uid-1' };

/** A correlator with a clock, and events that differ in what a test is about. */
type Recorder = {
  at: (ms: number) => void;
  event: (
    reason: string,
    message: string,
    more?: Partial<EventObject>,
    type?: 'Normal' | 'Warning',
  ) => CorrelatedEvent | undefined;
  correlator: EventCorrelator;
};

function recorder(): Recorder {
  const correlator = new EventCorrelator(new Prng('events'));
  let nowMs = 0;
  let made = 0;
  return {
    correlator,
    at: (ms) => {
      nowMs = ms;
    },
    event: (reason, message, more = {}, type = 'Normal') =>
      correlator.correlate(
        { object: { ...pod, ...more }, type, reason, message, at: { wallMs: nowMs, nanoseconds: made++ } },
        nowMs,
        () => ({ wallMs: nowMs, nanoseconds: made++ }),
      ),
  };
}

describe('EventCorrelator', () => {
  it('counts what is repeated, under the first name and time', () => {
    const { at, event } = recorder();
    expect(event('Pulled', 'm')).toMatchObject({
      count: 1,
      first: { wallMs: 0, nanoseconds: 0 },
      at: { wallMs: 0 },
    });
    at(5000);
    expect(event('Pulled', 'm')).toMatchObject({
      count: 2,
      first: { wallMs: 0, nanoseconds: 0 },
      at: { wallMs: 5000 },
    });
  });

  it.each<[what: string, second: Parameters<Recorder['event']>]>([
    ['message', ['Pulled', 'other']],
    ['reason', ['Created', 'm']],
    ['type', ['Pulled', 'm', {}, 'Warning']],
    ['container', ['Pulled', 'm', { fieldPath: 'spec.containers{b}' }]],
    ['object', ['Pulled', 'm', { uid: 'uid-2' }]],
  ])('makes another event for another %s', (_, second) => {
    const { event } = recorder();
    event('Pulled', 'm');
    expect(event(...second)).toMatchObject({
      first: { nanoseconds: 1 },
      count: 1,
      combined: false,
    });
  });

  it('combines from the tenth message for one reason on, whichever container it is about', () => {
    const { event } = recorder();
    for (let i = 0; i < 9; i++) {
      expect(event('Unhealthy', `m${i}`, { fieldPath: `spec.containers{${i}}` })?.combined).toBe(false);
    }
    const tenth = event('Unhealthy', 'm9');
    expect(tenth).toMatchObject({
      combined: true,
      count: 1,
      first: { nanoseconds: 10 },
      message: '(combined from similar events): m9',
    });
    expect(event('Unhealthy', 'm10')).toMatchObject({
      combined: true,
      count: 2,
      first: { nanoseconds: 10 },
      message: '(combined from similar events): m10',
    });
    expect(event('BackOff', 'another reason')?.combined).toBe(false);
  });

  it('does not combine repetitions of one message', () => {
    const { event } = recorder();
    for (let i = 1; i <= 20; i++) expect(event('BackOff', 'm')).toMatchObject({ combined: false, count: i });
  });

  it.each([
    [600_000, true],
    [600_001, false],
  ])('after a pause of %d ms a similar event is combined: %s', (pauseMs, combined) => {
    const { at, event } = recorder();
    for (let i = 0; i < 9; i++) event('Unhealthy', `m${i}`);
    at(pauseMs);
    expect(event('Unhealthy', 'm9')?.combined).toBe(combined);
  });

  it('lets 25 out at once for an object and type, then one in five minutes; what it keeps back it counts', () => {
    const { at, event } = recorder();
    const sent = Array.from({ length: 40 }, () => event('BackOff', 'm', {}, 'Warning'));
    expect(sent.filter((each) => each !== undefined)).toHaveLength(25);
    expect(event('Pulled', 'm')).toMatchObject({ count: 1 });
    expect(event('BackOff', 'm', { uid: 'uid-2' }, 'Warning')).toMatchObject({ count: 1 });
    at(299_999);
    expect(event('BackOff', 'm', {}, 'Warning')).toBeUndefined();
    at(300_001);
    expect(event('BackOff', 'm', {}, 'Warning')).toMatchObject({ count: 42 });
    expect(event('BackOff', 'm', {}, 'Warning')).toBeUndefined();
  });

  it('forgets an object that is gone, and no other', () => {
    const { event, correlator } = recorder();
    event('Pulled', 'm');
    event('Pulled', 'm', { uid: 'uid-2' });
    correlator.forget('uid-1');
    expect(event('Pulled', 'm')).toMatchObject({ count: 1 });
    expect(event('Pulled', 'm', { uid: 'uid-2' })).toMatchObject({ count: 2 });
  });

  it('counts anew what 4,096 others have pushed out', () => {
    const { event } = recorder();
    event('Pulled', 'm');
    for (let i = 0; i < 4095; i++) event('Pulled', 'm', { uid: `other-${i}` });
    expect(event('Pulled', 'm')).toMatchObject({ count: 2 });
    for (let i = 0; i < 4096; i++) event('Pulled', 'm', { uid: `further-${i}` });
    expect(event('Pulled', 'm')).toMatchObject({ count: 1 });
  });
});

describe('LruMap', () => {
  it('pushes out what was longest not used', () => {
    const map = new LruMap<number>(2);
    map.set('a', 1);
    map.set('b', 2);
    expect(map.get('a')).toBe(1);
    map.set('c', 3);
    expect([map.get('a'), map.get('b'), map.get('c'), map.size]).toEqual([1, undefined, 3, 2]);
  });
});

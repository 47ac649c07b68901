import { describe, expect, it } from 'vitest';
import { Prng } from '../../../src/base/prng.ts';
import { KubeletContext } from '../../../src/hollow/context.ts';
import type { Effect } from '../../../src/hollow/effects.ts';
import { EventRecorder } from '../../../src/hollow/event-recorder.ts';
import { NodeImages } from '../../../src/hollow/runtime/image-store.ts';
import { NodeRuntimes } from '../../../src/hollow/runtime/node-runtimes.ts';

const pod = { kind: 'Pod', namespace: 'default', name: 'p', uid: 'u' } as const;

/** A recorder whose effects a test takes one after the other. */
class Bench {
  private readonly context: KubeletContext;
  readonly recorder: EventRecorder;

  constructor() {
    const node = {
      name: 'n',
      capacity: {},
      labels: {},
      taints: [],
      address: '100.64.0.1',
      kubeletVersion: 'v1.36.3',
    };
    const runtime = new NodeRuntimes().of('containerd');
    const prng = new Prng('bench');
    this.context = new KubeletContext(node, runtime, new NodeImages(runtime, prng), prng);
    this.context.now = { us: 5_000_000, wallMs: 1_790_000_000_000 };
    this.recorder = new EventRecorder(this.context);
  }

  record(message = 'm'): void {
    this.recorder.record(pod, 'Warning', 'BackOff', message);
  }

  taken(): Effect[] {
    return this.context.effects.splice(0);
  }

  /** `POST`, `PATCH`, or `after <ms>`. */
  words(): string[] {
    return this.taken().map((effect) =>
      effect.type === 'request'
        ? effect.request.method
        : effect.type === 'after'
          ? `after ${Math.round(effect.delayMs)}`
          : effect.type,
    );
  }
}

describe('EventRecorder', () => {
  it('sends one at a time, in order, and PATCHes what is repeated', () => {
    const bench = new Bench();
    for (let i = 0; i < 3; i++) bench.record();
    expect(bench.words()).toEqual(['POST']);
    bench.recorder.onAnswer(201);
    const [patch] = bench.taken();
    expect(patch).toMatchObject({
      request: { method: 'PATCH', body: { count: 2, lastTimestamp: '2026-09-21T14:13:20Z', message: 'm' } },
    });
    bench.recorder.onAnswer(200);
    expect(bench.words()).toEqual(['PATCH']);
    bench.recorder.onAnswer(200);
    expect(bench.words()).toEqual([]);
  });

  it('makes an event that has expired anew, with its name and count', () => {
    const bench = new Bench();
    bench.record();
    const [first] = bench.taken();
    bench.recorder.onAnswer(201);
    bench.record();
    bench.taken();
    bench.recorder.onAnswer(404);
    const name = (first as { request: { body: { metadata: { name: string } } } }).request.body.metadata.name;
    expect(bench.taken()).toMatchObject([
      { request: { method: 'POST', body: { metadata: { name }, count: 2, reportingComponent: 'kubelet' } } },
    ]);
  });

  it('tries 12 times to reach a server that does not answer, the first pause shorter by chance', () => {
    const bench = new Bench();
    bench.record();
    bench.record('next');
    const words: string[] = [];
    for (let i = 0; i < 12; i++) {
      words.push(...bench.words());
      bench.recorder.onAnswer(0);
      if (i < 11) {
        words.push(...bench.words());
        bench.recorder.onRetry();
      }
    }
    expect(words.filter((word) => word === 'POST')).toHaveLength(12);
    const pauses = words.filter((word) => word.startsWith('after')).map((word) => Number(word.slice(6)));
    expect(pauses.slice(1)).toEqual(Array.from({ length: 10 }, () => 10_000));
    expect(pauses[0]).toBeLessThan(10_000);
    // Given up: the next one has its turn.
    expect(bench.taken()).toMatchObject([{ request: { body: { message: 'next' } } }]);
  });

  it.each([400, 403, 409, 422, 429, 500, 503])('takes an answer %d for final', (status) => {
    const bench = new Bench();
    bench.record();
    bench.record('next');
    bench.taken();
    bench.recorder.onAnswer(status);
    expect(bench.taken()).toMatchObject([{ request: { body: { message: 'next' } } }]);
  });

  it('has no reporter for what it combines, as client-go', () => {
    const bench = new Bench();
    for (let i = 0; i < 10; i++) {
      bench.record(`m${i}`);
      bench.recorder.onAnswer(201);
    }
    expect(bench.taken().at(-1)).toMatchObject({
      request: {
        method: 'POST',
        body: {
          message: '(combined from similar events): m9',
          source: { component: 'kubelet', host: 'n' },
          reportingComponent: '',
          reportingInstance: '',
        },
      },
    });
  });

  it('drops what exceeds its queue of 1,000', () => {
    const bench = new Bench();
    for (let i = 0; i < 1010; i++) bench.recorder.record({ ...pod, uid: `u${i}` }, 'Normal', 'Pulled', 'm');
    expect(bench.recorder.dropped).toBe(9);
  });

  it('sends the events of an object that is gone before it forgets it', () => {
    const bench = new Bench();
    bench.record();
    bench.record();
    bench.recorder.forget('u');
    bench.record();
    const methods = bench.words();
    for (let i = 0; i < 2; i++) {
      bench.recorder.onAnswer(201);
      methods.push(...bench.words());
    }
    expect(methods).toEqual(['POST', 'PATCH', 'POST']);
  });
});

import { beforeEach, expect, it } from 'vitest';
import type { KubeletContext } from '../../../src/hollow/context.ts';
import type { KubeletRequest } from '../../../src/hollow/effects.ts';
import { Claims } from '../../../src/hollow/pods/claims.ts';
import { type PodSpec, readPod } from '../../../src/hollow/pods/pod-record.ts';

let asked: string[];
let timers: number;
let claims: Claims;

const specs = new Map(
  ['one', 'two'].map((uid) => {
    const pod = {
      metadata: { namespace: 'ns', name: uid, uid },
      spec: {
        containers: [{ name: 'c', volumeMounts: [{ name: 'data' }] }],
        volumes: [{ name: 'data', persistentVolumeClaim: { claimName: `claim-${uid}` } }],
      },
    };
    return [uid, readPod(pod).spec];
  }),
);
const specOf = (uid: string): PodSpec => specs.get(uid) as PodSpec;
const bound = { metadata: { uid: 'u' }, spec: { volumeName: 'pv' }, status: { phase: 'Bound' } };

beforeEach(() => {
  asked = [];
  timers = 0;
  const context = {
    draw: () => 50,
    after: () => timers++,
    request: (_: string, { path }: KubeletRequest) => asked.push(path.split('/').at(-1) ?? ''),
  };
  claims = new Claims(context as unknown as KubeletContext, (uid) => specs.get(uid));
});

it('asks one thing at a time for all pods of the node', () => {
  claims.look(specOf('one'));
  claims.look(specOf('two'));
  expect(timers).toBe(1);
  claims.onTimer();
  expect(asked).toEqual(['claim-one']);
  claims.onAnswer('claim', 'one', 200, bound);
  claims.onAnswer('volume', 'one', 200, undefined);
  expect(asked).toEqual(['claim-one', 'pv', 'claim-two']);
  expect([claims.ready(specOf('one')), claims.ready(specOf('two'))]).toEqual([true, false]);
  claims.onAnswer('claim', 'two', 0, undefined);
  expect(claims.takeFault(specOf('two'))).toBe(
    'unmounted volumes=[data], unattached volumes=[], failed to process volumes=[data]: error processing PVC ns/claim-two: failed to fetch PVC from API server: no answer',
  );
  expect(claims.takeFault(specOf('two'))).toBeUndefined();
  expect(timers).toBe(1);
});

it('looks once more for a sync that begins while answers are still to come', () => {
  claims.look(specOf('one'));
  claims.onTimer();
  // The answer takes longer than the sync, and than the pause before the next one.
  claims.look(specOf('one'));
  claims.onAnswer('claim', 'one', 404, undefined);
  claims.takeFault(specOf('one'));
  expect(timers).toBe(2);
  claims.onTimer();
  expect(asked).toEqual(['claim-one', 'claim-one']);
});

it('goes on with the next pod when one has gone meanwhile', () => {
  claims.look(specOf('one'));
  claims.look(specOf('two'));
  claims.onTimer();
  claims.release('one');
  claims.onAnswer('claim', 'one', 200, bound);
  expect(asked).toEqual(['claim-one', 'claim-two']);
});

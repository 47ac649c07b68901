import { expect, it } from 'vitest';
import { byPlace } from '../../../src/cli/open-cluster.ts';

const place = { kubeconfig: '/k', context: 'a', server: 'https://127.0.0.1:6443', clusterId: '1' };
const leftover = (changes: object): Parameters<typeof byPlace>[0][number] => ({
  ...place,
  runId: 'r',
  forget: () => {},
  ...changes,
});

it.each([
  ['the same cluster by another way', { server: 'https://other.example', context: 'b' }, true],
  ['another cluster behind the same URL, as of a tunnel', { clusterId: '2' }, false],
  ['a cluster that did not tell its id, by the same words', { clusterId: undefined }, true],
  ['one that did not, of another context', { clusterId: undefined, context: 'b' }, false],
  ['one that did not, of another server', { clusterId: undefined, server: 'https://other.example' }, false],
])('a run that was killed on %s', (_, changes, here) => {
  const parts = byPlace([leftover(changes)], place);
  expect([parts.here.length, parts.elsewhere.length]).toEqual(here ? [1, 0] : [0, 1]);
});

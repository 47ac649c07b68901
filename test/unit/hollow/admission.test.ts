import { expect, test } from 'vitest';
import { isBestEffort } from '../../../src/hollow/pods/admission.ts';
import { readPod } from '../../../src/hollow/pods/pod-record.ts';

const container = (resources: object): object => ({ name: 'c', image: 'i', resources });

test.each([
  ['nothing', { containers: [container({})] }, true],
  ['zero', { containers: [container({ requests: { cpu: '0', memory: '0' } })] }, true],
  [
    'a limit on what does not count',
    { containers: [container({ limits: { 'nvidia.com/gpu': '1' } })] },
    true,
  ],
  ['disk', { containers: [container({ requests: { 'ephemeral-storage': '1Gi' } })] }, true],
  ['CPU', { containers: [container({ requests: { cpu: '1m' } })] }, false],
  ['a limit on memory', { containers: [container({ limits: { memory: '1Mi' } })] }, false],
  [
    'CPU of an init container',
    { initContainers: [container({ requests: { cpu: '1m' } })], containers: [container({})] },
    false,
  ],
])('of the class BestEffort is who asks for no CPU and no memory: %s', (_, spec, expected) => {
  expect(isBestEffort(readPod({ spec }).spec)).toBe(expected);
});

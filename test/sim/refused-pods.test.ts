import { afterEach, expect, it, vi } from 'vitest';
import { EventRecorder } from '../../src/hollow/event-recorder.ts';
import { World, noFaults } from './world.ts';

afterEach(() => {
  vi.restoreAllMocks();
});

it('the events of a pod that was refused are forgotten once it is gone', () => {
  const forget = vi.spyOn(EventRecorder.prototype, 'forget');
  const world = new World('refused', noFaults, 'refused', {
    capacity: { cpu: '1', memory: '4Gi', pods: '110' },
  });
  world.start();
  world.advance(12_000);
  const resources = { requests: { cpu: '2' } };
  const uid = world.createPod('big', 'default', { containers: [{ name: 'c', image: 'busybox', resources }] });
  world.advance(5_000);
  expect(world.pods.get(uid)?.status['reason']).toBe('OutOfcpu');
  expect(forget).not.toHaveBeenCalled();
  world.deletePod(uid);
  world.advance(5_000);
  expect(world.pods.has(uid)).toBe(false);
  expect(forget).toHaveBeenCalledWith(uid);
});

import { describe, expect, it } from 'vitest';
import { readPod } from '../../../src/hollow/pods/pod-record.ts';
import { shouldRestart } from '../../../src/hollow/pods/sync-plan.ts';

const rule = (operator: string, ...values: number[]): object => ({
  action: 'Restart',
  exitCodes: { operator, values },
});

/** For which of these exit codes a container is started again. */
function restarts(pod: string, own: object, kind: 'containers' | 'initContainers' = 'containers'): number[] {
  const { spec } = readPod({
    spec: { restartPolicy: pod, [kind]: [{ name: 'c', image: 'i', ...own }] },
  });
  const [container] = spec.containers;
  if (container === undefined) throw new Error('no container');
  return [0, 1, 42].filter((code) => shouldRestart(spec, container, code));
}

describe('a container is started again', () => {
  it.each([
    ['Always', {}, [0, 1, 42]],
    ['OnFailure', {}, [1, 42]],
    ['Never', {}, []],
    ['Never', { restartPolicy: 'Always' }, [0, 1, 42]],
    ['Always', { restartPolicy: 'Never' }, []],
    ['Always', { restartPolicy: 'OnFailure' }, [1, 42]],
    ['Never', { restartPolicy: 'Never', restartPolicyRules: [rule('In', 42)] }, [42]],
    ['Never', { restartPolicy: 'Never', restartPolicyRules: [rule('NotIn', 0, 42)] }, [1]],
    ['Never', { restartPolicy: 'Never', restartPolicyRules: [rule('In', 7), rule('In', 0)] }, [0]],
    // Rules say when it is started again, never when not.
    ['Never', { restartPolicy: 'OnFailure', restartPolicyRules: [rule('In', 42)] }, [1, 42]],
  ])('%s, %j: after %j', (pod, own, codes) => {
    expect(restarts(pod, own)).toEqual(codes);
  });

  it.each([
    ['Always', {}, [1, 42]],
    ['Never', {}, []],
    ['Always', { restartPolicy: 'Never' }, []],
    ['Never', { restartPolicy: 'Never', restartPolicyRules: [rule('In', 0, 42)] }, [42]],
  ])('an init container never after success: %s, %j: after %j', (pod, own, codes) => {
    expect(restarts(pod, own, 'initContainers')).toEqual(codes);
  });
});

import { describe, expect, it } from 'vitest';
import { classOf } from '../../../src/fidelity/classes.ts';
import type { Row } from '../../../src/fidelity/rows.ts';

function ruleOf(phase: string, verb: string, what: string, status: number, query = '') {
  const [resource = '', ...apiGroup] = what.split('.');
  const row: Row = {
    phase,
    user: 'system:node:<node>',
    verb,
    resource,
    apiGroup: apiGroup.join('.'),
    selector: '',
    query,
    status,
    requests: 1,
    upBytes: 0,
    downBytes: 0,
    types: [],
  };
  return classOf(row);
}

describe('what is not compared exactly', () => {
  it.each([
    ['deployments', 'get', 'pods', 403, ''],
    ['burst', 'create', 'serviceaccounts/token', 403, ''],
    ['join', 'get', 'nodes', 404, ''],
    ['join', 'get', 'nodes', 404, 'timeout=10s'],
    ['join', 'get', 'leases.coordination.k8s.io', 404, 'timeout=10s'],
    ['return', 'patch', 'events', 200, ''],
  ] as const)('%s %s %s %i has a reason', (phase, verb, what, status, query) => {
    const { class: rowClass, why } = ruleOf(phase, verb, what, status, query);
    expect(rowClass).toBe('racy');
    expect(why).not.toBe('');
  });

  it.each([
    // Refused for another reason than a binding that is too new.
    ['join', 'create', 'nodes', 403],
    ['idle', 'get', 'pods', 403],
    ['burst', 'patch', 'pods/status', 403],
    ['burst', 'create', 'events', 403],
    // Not there, and not asked for until it is.
    ['join', 'get', 'csinodes.storage.k8s.io', 404],
    ['join', 'get', 'configmaps', 404],
    ['return', 'get', 'nodes', 404],
    ['return', 'create', 'nodes', 409],
  ] as const)('but %s %s %s %i is', (phase, verb, what, status) => {
    expect(ruleOf(phase, verb, what, status)).toMatchObject({ class: 'exact', why: '' });
  });

  it('may write a status of the phase before while it is idle', () => {
    expect(ruleOf('idle', 'patch', 'pods/status', 200)).toMatchObject({
      class: 'racy',
      slack: 2,
      mayBeAbsent: true,
    });
    expect(ruleOf('idle', 'create', 'events', 201).class).toBe('exact');
  });

  it('says of pods that go together that their cgroup is gone, or does not', () => {
    expect(ruleOf('delete', 'patch', 'pods/status', 200)).toMatchObject({ class: 'racy', seen: [2, 3] });
    expect(ruleOf('burst', 'patch', 'pods/status', 200)).toMatchObject({ class: 'racy', seen: null });
  });

  it('may have other lengths only where changes merge', () => {
    expect(ruleOf('burst', 'patch', 'pods/status', 200).merges).toBe(0.25);
    expect(ruleOf('return', 'patch', 'nodes/status', 200).merges).toBe(0.75);
    expect(ruleOf('burst', 'get', 'pods', 403).merges).toBe(0);
    expect(ruleOf('return', 'patch', 'events', 200).merges).toBe(0);
    expect(ruleOf('idle', 'update', 'leases.coordination.k8s.io', 200).merges).toBe(0);
  });
});

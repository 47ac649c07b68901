import { describe, expect, it } from 'vitest';
import { type AuditEvent, joinAudit, readAuditLog } from '../../../src/fidelity/audit.ts';
import type { RecordedRequest } from '../../../src/fidelity/recorder/recording.ts';
import { countRows, rowKey, rowName } from '../../../src/fidelity/rows.ts';

const nodeNames = ['node-1', 'node-2'];

function audit(changes: Partial<AuditEvent>): AuditEvent {
  return {
    auditId: 'a',
    verb: 'get',
    uri: '/api/v1/nodes/node-1',
    user: 'system:node:node-1',
    apiGroup: '',
    resource: 'nodes',
    subresource: '',
    namespace: '',
    name: '',
    status: 200,
    receivedUs: 0,
    ...changes,
  };
}

function wire(changes: Partial<RecordedRequest>): RecordedRequest {
  return {
    connection: 1,
    method: 'GET',
    path: '/api/v1/nodes/node-1',
    query: '',
    user: 'system:node:node-1',
    userAgent: '',
    requestType: '',
    accept: '',
    responseType: 'application/json',
    upBytes: 0,
    downBytes: 100,
    status: 200,
    auditId: 'a',
    startUs: 0,
    endUs: 1,
    ...changes,
  };
}

/** What a row counts for one PATCH of a node's status with these conditions. */
function statusBytes(phase: string, ...conditions: object[]): number {
  const body = JSON.stringify(
    conditions.length === 0
      ? {}
      : {
          status: {
            '$setElementOrder/conditions': [{ type: 'DiskPressure' }, { type: 'Ready' }],
            conditions,
          },
        },
  );
  const joined = {
    audit: audit({ verb: 'patch', subresource: 'status', receivedUs: 5 }),
    wire: wire({ body, upBytes: body.length }),
  };
  const phases = [{ name: phase, startUs: 0, endUs: 10 }];
  return countRows([joined], { phases, nodeNames })[0]?.upBytes ?? 0;
}

const nameOf = (changes: Partial<AuditEvent>): string =>
  rowName(rowKey({ audit: audit(changes), wire: wire({}) }, new Set(nodeNames)));

describe('a row', () => {
  it.each([
    [{}, 'system:node:<node> get nodes 200'],
    [{ user: 'system:kube-proxy' }, 'system:kube-proxy get nodes 200'],
    [
      { verb: 'patch', resource: 'pods', subresource: 'status', uri: '/api/v1/namespaces/a/pods/b/status' },
      'system:node:<node> patch pods/status 200',
    ],
    [
      { verb: 'watch', uri: '/api/v1/nodes?fieldSelector=metadata.name%3Dnode-2&timeout=5m1s&watch=true' },
      'system:node:<node> watch nodes metadata.name=<node> ?timeout=<n>&watch=true 200',
    ],
    [
      { verb: 'watch', uri: '/api/v1/nodes?watch=true&timeoutSeconds=417&resourceVersion=4711' },
      'system:node:<node> watch nodes ?resourceVersion=<rv>&timeoutSeconds=<n>&watch=true 200',
    ],
    // What a time limit is on a request that is no watch, it is by decision.
    [
      { uri: '/api/v1/nodes/node-1?timeout=10s&resourceVersion=0' },
      'system:node:<node> get nodes ?resourceVersion=0&timeout=10s 200',
    ],
    [
      { verb: 'update', resource: 'leases', apiGroup: 'coordination.k8s.io', status: 409, uri: '/x' },
      'system:node:<node> update leases.coordination.k8s.io 409',
    ],
    [{ resource: '', uri: '/version' }, 'system:node:<node> get /version 200'],
    [
      { verb: 'watch', uri: '/api/v1/pods?fieldSelector=spec.nodeName!=node-10' },
      'system:node:<node> watch pods spec.nodeName!=node-10 200',
    ],
  ] as const)('%# is named without what differs each time', (changes, name) => {
    const given = changes as Partial<AuditEvent>;
    const resource = given.uri?.startsWith('/api/v1/pods?') === true ? { resource: 'pods' } : {};
    expect(nameOf({ ...given, ...resource })).toBe(name);
  });

  it('is counted in the phase in which the request came in', () => {
    const at = (auditId: string, receivedUs: number, downBytes: number) => ({
      audit: audit({ auditId, receivedUs }),
      wire: wire({ auditId, downBytes }),
    });
    const phases = [
      { name: 'first', startUs: 10, endUs: 20 },
      { name: 'second', startUs: 20, endUs: 30 },
    ];
    const rows = countRows([at('a', 9, 1), at('b', 10, 2), at('c', 19, 4), at('d', 20, 8), at('e', 30, 16)], {
      phases,
      nodeNames,
    });
    expect(rows.map(({ phase, requests, downBytes }) => ({ phase, requests, downBytes }))).toEqual([
      { phase: 'first', requests: 2, downBytes: 6 },
      { phase: 'second', requests: 1, downBytes: 8 },
    ]);
    expect(rows[0]?.types).toEqual(['none > application/json']);
  });
});

const line = (auditID: string, stage: string, verb = 'get'): string =>
  JSON.stringify({
    auditID,
    stage,
    verb,
    requestURI: '/api/v1/nodes/node-1',
    user: { username: 'system:node:node-1' },
    objectRef: { resource: 'nodes', name: 'node-1' },
    responseStatus: { code: 200 },
    requestReceivedTimestamp: '2026-11-21T05:03:20.495198Z',
  });

describe('an audit log', () => {
  it('tells of a watch once, which has a line when it starts and one when it ends', () => {
    const events = readAuditLog(
      `${line('a', 'ResponseStarted', 'watch')}\n${line('a', 'ResponseComplete', 'watch')}\n`,
    );
    expect(events).toHaveLength(1);
    expect(events[0]?.receivedUs).toBe(Date.UTC(2026, 10, 21, 5, 3, 20) * 1000 + 495_198);
  });

  it('is refused when a line is cut', () => {
    expect(() => readAuditLog('{"auditID":')).toThrow('no JSON');
  });

  it('is joined with what went over the wire, and what is in one only is told', () => {
    const events = readAuditLog([line('a', 'ResponseComplete'), line('b', 'ResponseComplete')].join('\n'));
    const both = joinAudit(events, [wire({ auditId: 'a' }), wire({ auditId: 'b' })]);
    expect(both.faults).toEqual([]);
    expect(both.joined.map((one) => one.wire.auditId)).toEqual(['a', 'b']);
    expect(joinAudit(events, [wire({ auditId: 'a' })]).faults).toEqual([
      'not recorded: system:node:node-1 get /api/v1/nodes/node-1',
    ]);
    expect(joinAudit(events.slice(1), [wire({ auditId: 'a' }), wire({ auditId: 'b' })]).faults).toEqual([
      'not in the audit log: system:node:node-1 GET /api/v1/nodes/node-1',
    ]);
    // The client left before the answer, and with it before the header.
    expect(joinAudit(events, [wire({ auditId: 'a' }), wire({ auditId: '' })]).faults).toEqual([]);
    // Others are nobody's business.
    expect(joinAudit([], [wire({ user: 'alice', auditId: 'c' })]).faults).toEqual([]);
  });
});

describe('the bytes of a node’s first statuses', () => {
  const ready = { type: 'Ready', status: 'True' };
  const beat = (type: string): object => ({ type, lastHeartbeatTime: '2026-11-21T15:37:17Z' });

  it('are the same whether a second has begun since the status before or not', () => {
    const without = statusBytes('join', ready);
    expect(statusBytes('join', beat('DiskPressure'), { ...ready, ...beat('Ready') })).toBe(without);
    expect(statusBytes('join', beat('DiskPressure'), beat('Ready'))).toBe(statusBytes('join'));
    expect(without).toBeGreaterThan(statusBytes('join'));
    expect(statusBytes('return', { ...ready, reason: 'KubeletReady' })).toBeGreaterThan(without);
  });

  it('are those that were sent in all other phases', () => {
    expect(statusBytes('idle', beat('Ready'))).toBeGreaterThan(statusBytes('idle', { type: 'Ready' }));
  });
});

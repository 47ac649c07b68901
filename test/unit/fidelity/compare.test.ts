import * as fc from 'fast-check';
import { describe, expect, it } from 'vitest';
import { compareObjects, fieldsOf } from '../../../src/fidelity/compare-objects.ts';
import { type ComparedRow, type RunRows, compareRows } from '../../../src/fidelity/compare-rows.ts';
import type { Row } from '../../../src/fidelity/rows.ts';
import { compareTimes, startTimes } from '../../../src/fidelity/timing.ts';
import type { WorkPlan } from '../../../src/fidelity/work/plan.ts';
import type { Snapshot } from '../../../src/fidelity/work/work.ts';

const plan: WorkPlan = {
  nodes: 2,
  podsPerNode: 5,
  singles: 3,
  burst: 20,
  idleMs: 0,
  settleMs: 0,
  containersEnd: true,
};

const minuteUs = 60_000_000;

function row(changes: Partial<Row>): Row {
  return {
    phase: 'trickle',
    user: 'system:node:<node>',
    verb: 'create',
    resource: 'events',
    apiGroup: '',
    selector: '',
    query: '',
    status: 201,
    requests: 9,
    upBytes: 900,
    downBytes: 1800,
    types: ['application/json > application/json'],
    ...changes,
  };
}

const run = (...rows: Partial<Row>[]): RunRows => ({
  rows: rows.map(row),
  phases: [
    { name: 'trickle', startUs: 0, endUs: minuteUs },
    { name: 'leave', startUs: minuteUs, endUs: 5 * minuteUs },
  ],
});

const only = (reference: RunRows[], hollow: RunRows[]): ComparedRow => {
  const [first, ...others] = compareRows(reference, hollow, plan);
  expect(others).toEqual([]);
  return first as ComparedRow;
};

const faults = (reference: RunRows[], hollow: RunRows[]): string[] => only(reference, hollow).faults;

const racy = { phase: 'burst', verb: 'patch', resource: 'pods/status', status: 200 };
const lease = { verb: 'update', resource: 'leases', apiGroup: 'coordination.k8s.io', status: 200 };

describe('rows of two sides', () => {
  it('that are exact must be equal each time, and are counted by pod', () => {
    const three = run({ requests: 9 });
    expect(only([three, three], [three, three])).toMatchObject({
      class: 'exact',
      per: 'pod',
      ratio: 1,
      faults: [],
      reference: { runs: [3, 3], median: 3 },
      bytes: { up: { reference: 100, hollow: 100 } },
    });
    expect(faults([three, three], [three, run({ requests: 10, upBytes: 1000, downBytes: 2000 })])).toEqual([
      'requests',
    ]);
  });

  it('that are racy must lie within 10 % or the reference’s own spread', () => {
    const of = (requests: number): RunRows => run({ ...racy, requests, upBytes: 0, downBytes: 0 });
    expect(faults([of(600)], [of(660)])).toEqual([]);
    expect(faults([of(600)], [of(661)])).toEqual(['requests']);
    expect(faults([of(600)], [of(539)])).toEqual(['requests']);
    expect(faults([of(600), of(800), of(610)], [of(800)])).toEqual([]);
    expect(faults([of(600), of(800), of(610)], [of(801)])).toEqual(['requests']);
    // What the reference has been seen to vary by, half a request a pod.
    expect(faults([of(20)], [of(30)])).toEqual([]);
    expect(faults([of(20)], [of(31)])).toEqual(['requests']);
  });

  it('that a side may never send are a matter of chance', () => {
    const of = (status: number, requests: number): RunRows =>
      run({ phase: 'burst', verb: 'get', resource: 'pods', status, requests });
    // Up to half of the twenty pods.
    expect(faults([of(403, 0)], [of(403, 10)])).toEqual([]);
    expect(faults([of(403, 10)], [of(403, 0)])).toEqual([]);
    expect(faults([of(403, 0)], [of(403, 11)])).toEqual(['requests']);
    expect(faults([of(409, 0)], [of(409, 10)])).toContain('requests');
  });

  it('whose values are recorded must be among them, on whichever side of the reference', () => {
    const of = (...runs: number[]): RunRows[] =>
      runs.map((requests) =>
        run({
          phase: 'return',
          verb: 'patch',
          resource: 'events',
          status: 200,
          requests: requests * plan.nodes,
          upBytes: 0,
          downBytes: 0,
        }),
      );
    expect(faults(of(3), of(9))).toEqual([]);
    expect(faults(of(9), of(3))).toEqual([]);
    expect(faults(of(9), of(2))).toEqual(['requests']);
    expect(faults(of(9), of(15))).toEqual(['requests']);
    // What nobody has seen is as racy: by medians.
    expect(faults(of(3, 3, 9), of(6, 6, 14))).toEqual([]);
    expect(faults(of(3, 3, 9), of(14, 14, 6))).toEqual(['requests']);
    expect(faults(of(0), of(3))).toEqual(['requests']);
    expect(faults(of(14, 16, 14), of(16))).toEqual([]);
    expect(faults(of(14, 16, 14), of(9))).toEqual(['requests']);
  });

  it('that are exact by rule but not on the reference itself are taken as racy', () => {
    expect(faults([run({ requests: 9 }), run({ requests: 12 })], [run({ requests: 11 })])).not.toContain(
      'requests',
    );
  });

  it('that come by time are counted by minute, without the time in which the nodes were away', () => {
    const compared = only([run({ ...lease, requests: 12 })], [run({ ...lease, requests: 12 })]);
    expect(compared).toMatchObject({ phase: 'all', class: 'periodic', per: 'node-minute' });
    expect(compared.reference.median).toBe(6);
  });

  it('that come after drawn times may differ as counts of such do', () => {
    const of = (requests: number): RunRows =>
      run({ verb: 'watch', resource: 'pods', query: 'resourceVersion=<rv>', status: 200, requests });
    expect(faults([of(16)], [of(23)])).toEqual([]);
    expect(faults([of(16)], [of(25)])).toEqual(['requests']);
  });

  it('that only one side has do not pass', () => {
    expect(faults([run({})], [run()])).toEqual(['requests']);
    expect(faults([run()], [run({})])).toEqual(['requests']);
    expect(only([run()], [run({})]).ratio).toBeNull();
  });

  it('must be of the same content types, and then of the same length', () => {
    expect(faults([run({})], [run({ types: ['application/json > none'], upBytes: 5000 })])).toEqual([
      'types',
    ]);
    expect(faults([run({})], [run({ upBytes: 5000 })])).toEqual(['bytes']);
    expect(faults([run({})], [run({ upBytes: 980 })])).toEqual([]);
    // Only where changes may merge may they differ by more than a tenth.
    const bytes = (of: Partial<Row>, upBytes: number): RunRows => run({ ...of, requests: 1, upBytes });
    expect(faults([bytes(racy, 1000)], [bytes(racy, 1250)])).toEqual([]);
    expect(faults([bytes(racy, 1000)], [bytes(racy, 1251)])).toEqual(['bytes']);
    // Three long ones say what four short ones do, as a run of kubemark's nodes beside hollow ones did.
    const sent = (requests: number, upBytes: number): RunRows => run({ ...racy, requests, upBytes });
    expect(faults([sent(40, 18_080)], [sent(30, 18_180)])).toEqual([]);
    expect(faults([sent(40, 18_080)], [sent(30, 24_000)])).toEqual(['bytes']);
    const refused = { ...racy, verb: 'get', resource: 'pods', status: 403 };
    expect(faults([bytes(refused, 1000)], [bytes(refused, 1100)])).toEqual([]);
    expect(faults([bytes(refused, 1000)], [bytes(refused, 1101)])).toEqual(['bytes']);
    // What a watch delivers depends on how long it lasts.
    const watch = { verb: 'watch', resource: 'nodes', status: 200 };
    expect(faults([run(watch)], [run({ ...watch, downBytes: 90_000 })])).toEqual([]);
  });

  it('agree with themselves, whatever they are', () => {
    const rows = fc.array(
      fc.record({
        phase: fc.constantFrom('join', 'burst', 'trickle'),
        verb: fc.constantFrom('get', 'watch', 'patch'),
        resource: fc.constantFrom('pods', 'pods/status', 'leases'),
        status: fc.constantFrom(200, 404),
        requests: fc.integer({ min: 1, max: 500 }),
        upBytes: fc.nat(),
        downBytes: fc.nat(),
      }),
    );
    fc.assert(
      fc.property(fc.array(rows, { minLength: 1, maxLength: 4 }), (runs) => {
        const side = runs.map((one) => run(...one));
        expect(compareRows(side, side, plan).flatMap((compared) => compared.faults)).toEqual([]);
      }),
    );
  });
});

const pod = (name: string, status: unknown): Snapshot['pods'][number] => ({
  metadata: { name, labels: { 'hollowmark.dev/work': 'burst' } },
  status: status as object,
});

const snapshot = (...statuses: unknown[]): Snapshot[] => [
  {
    moment: 'burst',
    nodes: [],
    pods: statuses.map((status, i) => pod(`burst`, { ...(status as object), i })),
  },
];

describe('objects of two sides', () => {
  const same = { i: 0 };

  it('differ by fields that are missing, too many, or of another value', () => {
    const differences = compareObjects(
      [snapshot({ ...same, phase: 'Running', qosClass: 'Burstable' })],
      [snapshot({ ...same, phase: 'Pending', reason: 'x' })],
    );
    expect(differences.map(({ path, reference, hollow }) => [path, reference, hollow])).toEqual([
      ['status.phase', ['Running'], ['Pending']],
      ['status.qosClass', ['Burstable'], ['(absent)']],
      ['status.reason', ['(absent)'], ['x']],
    ]);
    expect(differences[0]).toMatchObject({ objects: ['Pod burst after burst'] });
  });

  it('may have other images, but say the same of each', () => {
    const nodes = (...images: object[]): Snapshot[] => [
      { moment: 'join', nodes: [{ metadata: { name: 'node-1' }, status: { images } as object }], pods: [] },
    ];
    const reference = [nodes({ names: ['a'], sizeBytes: 1 }, { names: ['b', 'c'], sizeBytes: 2 })];
    expect(compareObjects(reference, [nodes({ sizeBytes: 5, names: ['d'] })])).toEqual([]);
    expect(compareObjects(reference, [nodes({ names: ['a'] })])).toEqual([
      {
        path: 'status.images[0]',
        objects: ['Node after join'],
        reference: ['names,sizeBytes'],
        hollow: ['names'],
      },
    ]);
    expect(compareObjects(reference, [nodes()]).map(({ path }) => path)).toEqual([
      'status.images',
      'status.images[0]',
    ]);
  });

  it('may be of another size, but keep as much of it from pods', () => {
    const nodes = (memory: string, allocatable: string, disk = '9'): Snapshot[] => [
      {
        moment: 'join',
        nodes: [
          {
            metadata: { name: 'node-1' },
            status: {
              capacity: { cpu: '2', memory, 'ephemeral-storage': '10' },
              allocatable: { cpu: '2', memory: allocatable, 'ephemeral-storage': disk },
            } as object,
          },
        ],
        pods: [],
      },
    ];
    const reference = [nodes('24684096Ki', '24581696Ki')];
    expect(compareObjects(reference, [nodes('32Gi', '32668Mi', '10')])).toEqual([]);
    expect(compareObjects(reference, [nodes('32Gi', '32Gi')])).toMatchObject([
      { path: 'status.allocatable.memory', reference: ['all but 100Mi'], hollow: ['all'] },
    ]);
  });

  it('may be as any of the reference’s are', () => {
    const reference = [snapshot({ phase: 'Running' }), snapshot({ phase: 'Pending' })];
    expect(compareObjects(reference, [snapshot({ phase: 'Pending' })])).toEqual([]);
  });

  it('are the same where only machine, moment or names differ', () => {
    const names = new Set(['node-1']);
    const one = {
      metadata: {
        uid: 'a',
        managedFields: [
          { manager: 'kubelet', operation: 'Update', subresource: 'status', time: '2026-01-01T00:00:00Z' },
        ],
      },
      spec: { nodeName: 'node-1', volumes: [{ name: 'kube-api-access-abcde' }] },
      status: { podIP: '10.1.2.3', conditions: [{ type: 'Ready', status: 'True' }] },
    };
    const text = JSON.stringify(one)
      .replace('10.1.2.3', '10.9.9.9')
      .replaceAll('abcde', 'fghij')
      .replace('"a"', '"b"');
    const fields = fieldsOf(one, names);
    expect(fieldsOf(JSON.parse(text), names)).toEqual(fields);
    expect(Object.fromEntries(fields)).toEqual({
      'metadata.uid': '<any>',
      'metadata.managedFields[kubelet Update status].manager': '<any>',
      'metadata.managedFields[kubelet Update status].operation': 'Update',
      'metadata.managedFields[kubelet Update status].subresource': 'status',
      'metadata.managedFields[kubelet Update status].time': '<any>',
      'spec.nodeName': '<node>',
      'spec.volumes[kube-api-access-<id>].name': 'kube-api-access-<id>',
      'status.podIP': '<ip>',
      'status.conditions[Ready].type': 'Ready',
      'status.conditions[Ready].status': 'True',
    });
  });
});

describe('starts of two sides', () => {
  it('are timed from the binding to the first PATCH that says Running', () => {
    const audit = (changes: object) => ({
      auditId: '',
      verb: 'create',
      uri: '',
      user: '',
      apiGroup: '',
      resource: 'pods',
      subresource: 'binding',
      namespace: 'a',
      name: 'p',
      status: 201,
      receivedUs: 1_000_000,
      ...changes,
    });
    const patch = (receivedUs: number, body: object) => ({
      audit: audit({ verb: 'patch', subresource: 'status', receivedUs }),
      wire: { body: JSON.stringify(body) } as never,
    });
    const joined = [
      patch(1_100_000, { status: { conditions: [] } }),
      patch(1_550_000, { status: { phase: 'Running' } }),
      patch(1_900_000, { status: { phase: 'Running' } }),
    ];
    const times = startTimes([audit({})], joined, { trickle: ['a/p', 'a/never'], burst: [] });
    expect(times).toEqual({ trickle: [550], burst: [] });
  });

  const times = (...runs: number[][]) => runs.map((trickle) => ({ trickle, burst: [] }));
  const single = (reference: number[][], hollow: number[][]) =>
    compareTimes(times(...reference), times(...hollow))[0];

  it('agree when their medians differ by at most 15 %, or no more than the reference’s own', () => {
    expect(single([[100, 500, 900]], [[575]])?.agrees).toBe(true);
    expect(single([[500]], [[576]])?.agrees).toBe(false);
    expect(single([[500]], [[424]])?.agrees).toBe(false);
    expect(single([[500], [600], [500]], [[590]])?.agrees).toBe(true);
    expect(single([[]], [[500]])?.agrees).toBe(false);
  });

  it('are judged when there are enough of them', () => {
    const twenty = Array.from({ length: 20 }, () => 500);
    expect(single([twenty], [twenty])?.judged).toBe(true);
    expect(single([twenty], [twenty.slice(1)])?.judged).toBe(false);
  });
});

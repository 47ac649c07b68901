import * as fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { CollectionView, type SharedCollection } from '../../../../src/hollow/proxy/collection-view.ts';
import {
  type ServiceRecord,
  type SliceRecord,
  readEndpointSlice,
  readService,
} from '../../../../src/hollow/proxy/proxied-objects.ts';
import { rulesOf } from '../../../../src/hollow/proxy/rules.ts';
import { ObjectPool, type Shared, SharedTables } from '../../../../src/hollow/proxy/shared-table.ts';
import { type Endpoint, event, service, slice } from './objects.ts';

const ofServices = (): SharedCollection<ServiceRecord> => ({
  pool: new ObjectPool(readService),
  tables: new SharedTables(),
});
const ofSlices = (): SharedCollection<SliceRecord> => ({
  pool: new ObjectPool(readEndpointSlice),
  tables: new SharedTables(),
});

/** One node's view of both collections, and its rules. */
class Node {
  readonly services = new CollectionView(ofServices(), () => {});
  readonly slices = new CollectionView(ofSlices(), () => {});

  get rules(): Record<string, unknown> {
    return Object.fromEntries(rulesOf({ services: this.services.table, slices: this.slices.table }));
  }
}

function nodeWith(...endpoints: Endpoint[]): Node {
  const node = new Node();
  node.services.onEvent(event('ADDED', service('web', 1)));
  node.slices.onEvent(event('ADDED', slice('web', 2, endpoints)));
  return node;
}

describe('rules', () => {
  const rule = (...endpoints: string[]): object => ({
    'ns/web:http/TCP': { clusterIp: '10.96.0.1', port: 80, endpoints },
  });

  test('a port of a Service leads to its ready endpoints, in order', () => {
    expect(nodeWith({ address: '10.0.0.9' }, { address: '10.0.0.10' }).rules).toEqual(
      rule('10.0.0.10:8080', '10.0.0.9:8080'),
    );
  });

  test('endpoints that are not ready get nothing', () => {
    const node = nodeWith(
      { address: '10.0.0.1', ready: true },
      { address: '10.0.0.2', ready: false, serving: false },
      { address: '10.0.0.3', ready: false, serving: true, terminating: true },
    );
    expect(node.rules).toEqual(rule('10.0.0.1:8080'));
  });

  test('without a ready one, those that serve while they end', () => {
    const node = nodeWith(
      { address: '10.0.0.2', ready: false, serving: false, terminating: true },
      { address: '10.0.0.3', ready: false, serving: true, terminating: true },
      { address: '10.0.0.4', ready: false, serving: true },
    );
    expect(node.rules).toEqual(rule('10.0.0.3:8080'));
  });

  test('endpoints of several slices, each once; the pod that runs hides the one that ends', () => {
    const node = nodeWith({ address: '10.0.0.1' }, { address: '10.0.0.2' });
    const other = [
      { address: '10.0.0.2', ready: false, serving: true, terminating: true },
      { address: '10.0.0.3' },
    ];
    node.slices.onEvent(event('ADDED', slice('web', 3, other, { suffix: 'b' })));
    expect(node.rules).toEqual(rule('10.0.0.1:8080', '10.0.0.2:8080', '10.0.0.3:8080'));
    node.slices.onEvent(event('DELETED', slice('web', 3, other, { suffix: 'b' }), 9));
    expect(node.rules).toEqual(rule('10.0.0.1:8080', '10.0.0.2:8080'));
  });

  test('an update takes the place of what was there', () => {
    const node = nodeWith({ address: '10.0.0.1' });
    node.slices.onEvent(event('MODIFIED', slice('web', 4, [{ address: '10.0.0.7' }])));
    expect(node.rules).toEqual(rule('10.0.0.7:8080'));
    node.services.onEvent(event('MODIFIED', service('web', 5, { clusterIP: '10.96.0.2' })));
    expect(node.rules).toMatchObject({ 'ns/web:http/TCP': { clusterIp: '10.96.0.2' } });
    node.services.onEvent(event('DELETED', service('web', 5), 6));
    expect(node.rules).toEqual({});
  });

  test('ports go by name and protocol; slices of IPv6, of no Service and without ports do not count', () => {
    const node = nodeWith();
    const ports = [
      { name: 'http', protocol: 'UDP', port: 1 },
      { name: 'other', protocol: 'TCP', port: 2 },
      { name: 'http', protocol: 'TCP', port: null },
      { name: 'http', protocol: 'TCP', port: 4 },
    ];
    const add = (suffix: string, options: object, name = 'web'): void =>
      node.slices.onEvent(event('ADDED', slice(name, 7, [{ address: '10.0.0.5' }], { suffix, ...options })));
    add('b', { ports });
    add('c', { addressType: 'IPv6' });
    add('d', {}, '');
    expect(node.rules).toEqual(rule('10.0.0.5:4'));
  });

  test('Services without a cluster IP and ExternalNames have no rules; one that becomes such loses them', () => {
    const node = nodeWith();
    node.services.onEvent(event('ADDED', service('headless', 2, { clusterIP: 'None' })));
    node.services.onEvent(event('ADDED', service('outside', 3, { type: 'ExternalName', clusterIP: '' })));
    expect(Object.keys(node.rules)).toEqual(['ns/web:http/TCP']);
    node.services.onEvent(event('MODIFIED', service('web', 4, { type: 'ExternalName', clusterIP: '' })));
    expect(node.rules).toEqual({});
  });
});

describe('what proxies of a shard share', () => {
  test('an object of one version is decoded once, whoever sees it', () => {
    const shared = ofServices();
    const views = Array.from({ length: 50 }, () => new CollectionView(shared, () => {}));
    for (const version of [1, 2, 3]) {
      for (const view of views) view.onEvent(event('MODIFIED', service('web', version)));
    }
    expect(shared.pool.decodedCount).toBe(3);
    expect(new Set(views.map(({ table }) => table)).size).toBe(1);
  });

  test('views that have seen the same have one table, in whatever order they saw it', () => {
    const names = fc.uniqueArray(fc.integer({ min: 0, max: 400 }).map(String), {
      minLength: 1,
      maxLength: 40,
    });
    const orders = names.chain((all) =>
      fc.tuple(fc.constant(all), fc.shuffledSubarray(all, { minLength: all.length }), fc.subarray(all)),
    );
    fc.assert(
      fc.property(orders, ([first, second, gone]) => {
        const shared = ofServices();
        const one = new CollectionView(shared, () => {});
        const other = new CollectionView(shared, () => {});
        for (const name of first) one.onEvent(event('ADDED', service(name, 1)));
        other.onListing();
        for (const name of second) other.onEvent(event('ADDED', service(name, 1)));
        other.onSynced();
        expect(other.table).toBe(one.table);
        for (const name of gone) one.onEvent(event('DELETED', service(name, 1), 2));
        for (const name of gone.toReversed()) other.onEvent(event('DELETED', service(name, 1), 2));
        expect(other.table).toBe(one.table);
        expect(one.table.size).toBe(first.length - gone.length);
      }),
    );
  });

  test('a view is what its events say, and tells every change once', () => {
    const step = fc.oneof(
      fc.record({
        do: fc.constant('set' as const),
        name: fc.nat(12),
        version: fc.integer({ min: 1, max: 3 }),
      }),
      fc.record({ do: fc.constant('delete' as const), name: fc.nat(12) }),
      fc.record({ do: fc.constant('relist' as const), keep: fc.array(fc.nat(12)) }),
    );
    fc.assert(
      fc.property(fc.array(step, { maxLength: 60 }), (steps) => {
        const told = new Map<string, string>();
        const onChange = (before?: Shared<ServiceRecord>, after?: Shared<ServiceRecord>): void => {
          const uid = after?.uid ?? before?.uid ?? '';
          expect(told.get(uid)).toBe(before?.version);
          expect(after?.version).not.toBe(before?.version);
          if (after === undefined) told.delete(uid);
          else told.set(uid, after.version);
        };
        const view = new CollectionView(ofServices(), onChange);
        const model = new Map<string, string>();
        for (const each of steps) {
          if (each.do === 'set') {
            view.onEvent(event('MODIFIED', service(String(each.name), each.version)));
            model.set(`svc-${each.name}`, String(each.version));
          } else if (each.do === 'delete') {
            view.onEvent(event('DELETED', service(String(each.name), 9)));
            model.delete(`svc-${each.name}`);
          } else {
            view.onListing();
            model.clear();
            for (const name of each.keep) {
              view.onEvent(event('ADDED', service(String(name), 2)));
              model.set(`svc-${name}`, '2');
            }
            view.onSynced();
          }
          const held = [...view.table.objects()].map(({ uid, version }) => [uid, version] as const);
          expect(new Map(held)).toEqual(model);
          expect(view.table.size).toBe(model.size);
          expect(told).toEqual(model);
        }
      }),
    );
  });

  test('a table does not change when another is made of it', () => {
    const shared = ofServices();
    const view = new CollectionView(shared, () => {});
    view.onEvent(event('ADDED', service('web', 1)));
    const before = view.table;
    view.onEvent(event('MODIFIED', service('web', 2)));
    expect(before.get('svc-web')?.version).toBe('1');
    expect(view.table.get('svc-web')?.version).toBe('2');
  });
});

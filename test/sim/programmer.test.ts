import { beforeEach, describe, expect, test } from 'vitest';
import { DelayQueue } from '../../src/base/delay-queue.ts';
import { CollectionView } from '../../src/hollow/proxy/collection-view.ts';
import { Programmer, minSyncPeriodMs, syncCost } from '../../src/hollow/proxy/programmer.ts';
import { readEndpointSlice, readService } from '../../src/hollow/proxy/proxied-objects.ts';
import { ProgrammingLatency, windowMs } from '../../src/hollow/proxy/programming-latency.ts';
import { rulesOf } from '../../src/hollow/proxy/rules.ts';
import { ObjectPool, SharedTables } from '../../src/hollow/proxy/shared-table.ts';
import { Histogram } from '../../src/metrics/histogram.ts';
import { type Endpoint, event, service, slice } from '../unit/hollow/proxy/objects.ts';
import { FakeClock } from './world.ts';

let clock: FakeClock;
let programmer: Programmer;
let services: CollectionView<NonNullable<ReturnType<typeof readService>>>;
let slices: CollectionView<NonNullable<ReturnType<typeof readEndpointSlice>>>;
let latenciesMs: number[];
let version: number;

beforeEach(() => {
  clock = new FakeClock();
  latenciesMs = [];
  version = 1;
  programmer = new Programmer({
    clock,
    delays: new DelayQueue(clock, (error) => {
      throw error;
    }),
    seen: () => ({ services: services.table, slices: slices.table }),
    onProgrammed: (latencyUs) => latenciesMs.push(latencyUs / 1000),
  });
  services = new CollectionView({ pool: new ObjectPool(readService), tables: new SharedTables() }, (a, b) =>
    programmer.onService(a, b),
  );
  slices = new CollectionView(
    { pool: new ObjectPool(readEndpointSlice), tables: new SharedTables() },
    (a, b) => programmer.onSlice(a, b),
  );
});

function setService(name: string, changes: object = {}): void {
  services.onEvent(event('MODIFIED', service(name, ++version, changes)));
}

function setSlice(name: string, endpoints: Endpoint[], triggerWallMs?: number): void {
  const options = triggerWallMs === undefined ? {} : { triggerWallMs };
  slices.onEvent(event('MODIFIED', slice(name, ++version, endpoints, options)));
}

function deleteSlice(name: string): void {
  slices.onEvent(event('DELETED', slice(name, version, []), ++version));
}

const endpoints = (): string[] | undefined =>
  programmer.programmed === undefined
    ? undefined
    : rulesOf(programmer.programmed).get('ns/web:http/TCP')?.endpoints;

/** A proxy that has listed one Service and programmed it. */
function begin(): void {
  setService('web');
  programmer.begin();
  clock.advance(syncCost.firstMs(1));
}

const partialMs = (changed: number): number => Math.ceil(syncCost.partialMs(1, changed));

describe('syncs', () => {
  test('none before services and slices are listed; then at once, and it takes its time', () => {
    setService('web');
    setSlice('web', [{ address: '10.0.0.1' }]);
    clock.advance(60_000);
    expect(programmer.programmed).toBeUndefined();
    programmer.begin();
    clock.advance(syncCost.firstMs(1) - 1);
    expect(programmer.programmed).toBeUndefined();
    clock.advance(1);
    expect(endpoints()).toEqual(['10.0.0.1:8080']);
    clock.advance(60_000);
    expect(programmer.syncCount).toBe(1);
  });

  test('a change is programmed at once, the next one a second after the end of that', () => {
    begin();
    setSlice('web', [{ address: '10.0.0.1' }]);
    clock.advance(partialMs(1));
    expect(endpoints()).toEqual(['10.0.0.1:8080']);
    setSlice('web', [{ address: '10.0.0.2' }]);
    clock.advance(minSyncPeriodMs);
    expect(endpoints()).toEqual(['10.0.0.1:8080']);
    clock.advance(partialMs(1));
    expect(endpoints()).toEqual(['10.0.0.2:8080']);
  });

  test('a sync programs what was there when it began; what comes later waits for the next', () => {
    begin();
    setSlice('web', [{ address: '10.0.0.1' }]);
    clock.advance(10);
    setSlice('web', [{ address: '10.0.0.2' }]);
    setSlice('web', [{ address: '10.0.0.3' }]);
    clock.advance(partialMs(1) - 10);
    expect(endpoints()).toEqual(['10.0.0.1:8080']);
    clock.advance(minSyncPeriodMs + partialMs(1));
    expect(endpoints()).toEqual(['10.0.0.3:8080']);
    expect(programmer.syncCount).toBe(3);
  });

  test('a Service without a cluster IP, as the one whose way to every node is timed, is nothing to program', () => {
    begin();
    const external = {
      type: 'ExternalName',
      externalName: 'x.invalid',
      clusterIP: undefined,
      ports: undefined,
    };
    for (let i = 0; i < 5; i++) {
      setService('timed', external);
      clock.advance(10_000);
    }
    services.onEvent(event('DELETED', service('timed', version, external), ++version));
    clock.advance(10_000);
    expect(programmer.syncCount).toBe(1);
    expect([...rulesOf(programmer.programmed as NonNullable<typeof programmer.programmed>).keys()]).toEqual([
      'ns/web:http/TCP',
    ]);
    expect(latenciesMs).toEqual([]);
  });

  test('a hundred changes in a second are few syncs', () => {
    begin();
    for (let i = 0; i < 100; i++) {
      setSlice('web', [{ address: `10.0.0.${i}` }]);
      clock.advance(10);
    }
    clock.advance(5_000);
    expect(endpoints()).toEqual(['10.0.0.99:8080']);
    expect(programmer.syncCount).toBe(3);
  });

  test('a Service whose rules stay as they are needs no sync', () => {
    begin();
    setService('web');
    clock.advance(5_000);
    expect(programmer.syncCount).toBe(1);
    setService('web', { clusterIP: '10.96.0.2' });
    clock.advance(5_000);
    expect(programmer.syncCount).toBe(2);
  });

  test('what was changed and changed back while a sync ran costs the next one nothing', () => {
    begin();
    setSlice('web', []);
    setService('web', { clusterIP: '10.96.0.2' });
    setService('web');
    clock.advance(partialMs(1) + minSyncPeriodMs);
    expect(programmer.syncCount).toBe(2);
    clock.advance(partialMs(0));
    expect(programmer.syncCount).toBe(3);
  });

  test('a listing that shows nothing new needs none either', () => {
    begin();
    const known = slice('web', ++version, [{ address: '10.0.0.1' }]);
    slices.onEvent(event('ADDED', known));
    clock.advance(5_000);
    slices.onListing();
    slices.onEvent(event('ADDED', known));
    slices.onSynced();
    clock.advance(5_000);
    expect(programmer.syncCount).toBe(2);
  });

  test('after stop nothing is programmed any more', () => {
    begin();
    setSlice('web', [{ address: '10.0.0.1' }], clock.wallMs());
    programmer.stop();
    clock.advance(5_000);
    expect(endpoints()).toEqual([]);
    expect(latenciesMs).toEqual([]);
  });
});

describe('network programming latency', () => {
  test('from the trigger to the end of the sync, a sample for each trigger', () => {
    begin();
    const startMs = clock.wallMs();
    clock.advance(400);
    setSlice('web', [{ address: '10.0.0.1' }], startMs);
    clock.advance(200);
    setSlice('web', [{ address: '10.0.0.2' }], startMs + 500);
    setSlice('other', [{ address: '10.0.0.3' }], startMs + 600);
    clock.advance(5_000);
    expect(latenciesMs).toHaveLength(3);
    const firstMs = 400 + partialMs(1);
    expect(latenciesMs[0]).toBeCloseTo(firstMs, 0);
    const secondMs = firstMs + minSyncPeriodMs + partialMs(2);
    expect(latenciesMs[1]).toBeCloseTo(secondMs - 500, 0);
    expect(latenciesMs[2]).toBeCloseTo(secondMs - 600, 0);
  });

  test('changes without a time, from before the proxy, and those of slices that went are no samples', () => {
    const beforeMs = clock.wallMs() - 1;
    begin();
    setSlice('web', [{ address: '10.0.0.1' }]);
    setSlice('web', [{ address: '10.0.0.2' }], beforeMs);
    clock.advance(5_000);
    expect(programmer.syncCount).toBeGreaterThan(1);
    setSlice('other', [{ address: '10.0.0.4' }]);
    clock.advance(10);
    setSlice('web', [{ address: '10.0.0.3' }], clock.wallMs());
    deleteSlice('web');
    clock.advance(5_000);
    expect(latenciesMs).toEqual([]);
  });

  test('is gathered over all proxies, and as the p99 of each over five minutes', () => {
    const gathered = new ProgrammingLatency(clock);
    for (let i = 1; i <= 100; i++) gathered.record('a', i * 10_000);
    gathered.record('b', 7_000_000);
    const first = gathered.drain(false);
    expect(Histogram.fromBase64(first.changes).count).toBe(101);
    expect(first.proxyP99s).toBe('');
    clock.advance(windowMs);
    const second = gathered.drain(false);
    expect(second.changes).toBe('');
    const p99s = Histogram.fromBase64(second.proxyP99s);
    expect(p99s.count).toBe(2);
    expect(p99s.quantile(0.5)).toBeGreaterThanOrEqual(985_000);
    expect(p99s.quantile(0.5)).toBeLessThanOrEqual(1_000_000);
    expect(p99s.max / 7_000_000).toBeCloseTo(1, 2);
    gathered.record('b', 1_000);
    expect(Histogram.fromBase64(gathered.drain(true).proxyP99s).count).toBe(1);
    const nothing = { changes: '', proxyP99s: '', clampedCount: 0, negativeCount: 0 };
    expect(gathered.drain(true)).toEqual(nothing);
    gathered.record('b', -1_000);
    gathered.record('b', 4e9);
    expect(gathered.drain(true)).toMatchObject({ clampedCount: 1, negativeCount: 1 });
    expect(gathered.drain(true)).toEqual(nothing);
  });
});

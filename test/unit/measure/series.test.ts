import { readFileSync } from 'node:fs';
import { describe, expect, it } from 'vitest';
import type { ApiClient } from '../../../src/kube/client.ts';
import { ApiAvailability } from '../../../src/measure/api-availability.ts';
import { Changes } from '../../../src/measure/changes.ts';
import { componentNames, specOf } from '../../../src/measure/components/components.ts';
import type { Instrument } from '../../../src/measure/instrument.ts';
import { NetworkProgramming } from '../../../src/measure/network-programming.ts';
import { NodeConnect } from '../../../src/measure/node-connect.ts';
import { WatchDelivery } from '../../../src/measure/watch-delivery.ts';
import { Workloads } from '../../../src/measure/workloads.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import { FakeClock } from './fake-clock.ts';
import { event } from './fixtures.ts';

/** What a scenario may set a threshold on. */
const judged: readonly string[] = (
  JSON.parse(readFileSync('scenarios/scenario.schema.json', 'utf8')) as {
    definitions: { threshold: { properties: { sli: { enum: string[] } } } };
  }
).definitions.threshold.properties.sli.enum;

const client = undefined as unknown as ApiClient;
const clock = new FakeClock();

function encoded(us: number): string {
  const histogram = new Histogram();
  histogram.record(us);
  return histogram.toBase64();
}

/** Jobs, StatefulSets and claims, one of each, that are done. */
function workloads(): Workloads {
  const kinds = ['jobs', 'statefulsets', 'persistentvolumeclaims'] as const;
  const all = new Workloads({
    client,
    runId: 'r',
    clock,
    changes: new Changes(clock),
    kinds,
    delayNowUs: () => 0,
  });
  const own = { ownUs: 0, failing: false };
  const created = { namespace: 'ns', name: 'one', phase: 'work', intendedUs: clock.us - 1000, ...own };
  for (const kind of kinds) {
    all.onCreated({ ...created, kind });
    all.watches.get(kind)?.onEvent(
      event('ADDED', {
        metadata: { namespace: 'ns', name: 'one', generation: 1 },
        spec: { replicas: 1 },
        status: {
          phase: 'Bound',
          conditions: [{ type: 'Complete', status: 'True' }],
          observedGeneration: 1,
          readyReplicas: 1,
        },
      }),
    );
  }
  return all;
}

function instruments(): Instrument[] {
  const programming = new NetworkProgramming();
  programming.shard({
    networkProgramming: {
      changes: encoded(1000),
      proxyP99s: encoded(1000),
      clampedCount: 0,
      negativeCount: 0,
    },
  });
  const connect = new NodeConnect({ node: () => undefined });
  connect.shard({ nodeConnects: { nodes: ['a'], times: Float64Array.of(1000, 2000, 0) } });
  const service = { namespace: 'default', name: 'probe', labels: {} };
  const delivery = new WatchDelivery({
    clock,
    client,
    service,
    nodesReady: () => 1,
    proxies: true,
    delayNowUs: () => 0,
  });
  const availability = new ApiAvailability(
    clock,
    () => client,
    () => 0,
  );
  return [programming, connect, delivery, availability, workloads()];
}

describe('the series of instruments', () => {
  it('are, with those of pods, calls and components, all that a threshold may be set on', () => {
    const ofInstruments = instruments().flatMap((one) => one.series?.() ?? []);
    const ids = new Set([
      'pod-startup',
      'pod-startup-precise',
      'api-call',
      ...componentNames.flatMap((name) => specOf(name).histograms.map(({ id }) => id)),
      ...ofInstruments.map(({ id }) => id),
    ]);
    expect(judged.filter((id) => !ids.has(id))).toEqual([]);
    expect(ofInstruments.filter(({ id }) => !judged.includes(id))).toEqual([]);
  });

  it('have the labels of the SLIs', () => {
    for (const one of instruments()) {
      const series = (one.series?.() ?? []).map(({ id, labels }) => ({ id, labels }));
      const slis = (one.tell([]).slis ?? []).filter(({ id }) => judged.includes(id));
      for (const { id, labels } of slis) expect(series).toContainEqual({ id, labels });
    }
  });
});

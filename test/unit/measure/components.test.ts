import { describe, expect, it } from 'vitest';
import { ComponentReadings } from '../../../src/measure/components/component-readings.ts';
import type { Figure, Sli } from '../../../src/result/result.ts';
import { callSeries, histogramText, metricsPage } from './metrics-text.ts';

const minuteUs = 60_000_000;
const postPods = { verb: 'POST', resource: 'pods', scope: 'resource' };
const listPods = { verb: 'LIST', resource: 'pods', scope: 'cluster' };

type Told = { slis: Sli[]; figures: Figure[] };

/** What a component tells of these pages, read once a minute. */
function told(component: string, pages: readonly string[], thresholds: Threshold[] = []): Told {
  const readings = new ComponentReadings(component, thresholds, 60);
  for (const [minute, page] of pages.entries()) readings.read(page, minute * minuteUs, minute * 60_000);
  return readings.tell();
}

type Threshold = ConstructorParameters<typeof ComponentReadings>[1][number];

const figure = ({ figures }: Told, id: string, labels: Record<string, string> = {}): number | undefined =>
  figures.find((one) => one.id === id && JSON.stringify(one.labels) === JSON.stringify(labels))?.value;

const sli = ({ slis }: Told, id: string, labels: Record<string, string> = {}): Sli | undefined =>
  slis.find(
    (one) => one.id === id && Object.entries(labels).every(([key, value]) => one.labels[key] === value),
  );

describe('API calls as the API server tells them', () => {
  it('are judged by the official objective of their kind', () => {
    const { slis } = told('kube-apiserver', [
      metricsPage(100, callSeries(postPods, [10, 10, 10, 10, 10])),
      metricsPage(
        100,
        callSeries(postPods, [110, 110, 110, 110, 210]),
        callSeries(listPods, [0, 0, 0, 100, 100]),
        callSeries({ verb: 'DELETECOLLECTION', resource: 'pods', scope: 'namespace' }, [1, 1, 1, 1, 1]),
        callSeries(
          { verb: 'GET', resource: 'things', group: 'example.com', scope: 'resource' },
          [1, 1, 1, 1, 1],
        ),
        callSeries(
          { verb: 'POST', resource: 'tokenreviews', group: 'authentication.k8s.io', scope: 'resource' },
          [1, 1, 1, 1, 1],
        ),
        callSeries({ verb: 'GET', resource: '', subresource: '/healthz', scope: '' }, [9, 9, 9, 9, 9]),
      ),
    ]);
    expect(
      slis.map(({ labels, count, slo }) => [labels['verb'], labels['resource'], count, slo?.threshold]),
    ).toEqual([
      ['POST', 'pods', 200, 1_000_000],
      ['LIST', 'pods', 100, 30_000_000],
      ['DELETECOLLECTION', 'pods', 1, undefined],
      ['GET', 'things.example.com', 1, undefined],
      ['POST', 'tokenreviews', 1, undefined],
    ]);
    expect(slis[0]?.resolution).toContain('nothing below 50 ms');
    expect(slis[1]?.slo?.verdict).toBe('pass');
  });

  it('are added up where they differ in version or group of built-in resources only', () => {
    const { slis } = told('kube-apiserver', [
      metricsPage(1),
      metricsPage(
        1,
        callSeries({ verb: 'POST', resource: 'events', scope: 'resource' }, [1, 1, 1, 1, 1]),
        callSeries(
          { verb: 'POST', resource: 'events', group: 'events.k8s.io', scope: 'resource' },
          [2, 2, 2, 2, 2],
        ),
      ),
    ]);
    expect(slis.map(({ count }) => count)).toEqual([3]);
  });

  it('are the increases of each step, of which a restart loses none that it could have kept', () => {
    const readings = new ComponentReadings('kube-apiserver', [], 60);
    const pages = [
      metricsPage(100, callSeries(postPods, [5, 5, 5, 5, 5])),
      metricsPage(100, callSeries(postPods, [15, 15, 15, 15, 15])),
      // Another process, which has counted more already than the one before.
      metricsPage(200, callSeries(postPods, [20, 20, 20, 20, 20])),
      // And one that does not say when it began.
      callSeries(postPods, [3, 3, 3, 3, 4]),
      callSeries(postPods, [3, 3, 3, 3, 4]),
    ];
    const came = pages.map((page, minute) =>
      readings
        .read(`${page}\n`, minute * minuteUs, minute * 60_000)
        .flatMap(({ buckets }) => buckets.map(({ count }) => count)),
    );
    expect(came).toEqual([[], [10], [20], [3, 1], []]);
    expect(readings.restarts).toBe(1);
    expect(readings.tell().slis.map(({ count }) => count)).toEqual([34]);
  });

  it('begin at nothing after a restart or with another replica, also where its first answer does not have them', () => {
    const without = (seconds: number): string =>
      metricsPage(
        seconds,
        callSeries(listPods, [1, 1, 1, 1, 1]),
        'apiserver_terminated_watchers_total{resource="nodes"} 1',
      );
    const page = (seconds: number, count: number): string =>
      metricsPage(
        seconds,
        callSeries(postPods, [count, count, count, count, count]),
        `apiserver_terminated_watchers_total{resource="pods"} ${count}`,
      );
    // A new process after a minute, and one that is older after another.
    for (const startedAt of [100, 30]) {
      const run = told('kube-apiserver', [page(50, 5), page(50, 5), without(startedAt), page(startedAt, 8)]);
      expect(sli(run, 'api-call-server', postPods)?.count, `since ${startedAt}`).toBe(8);
      expect(figure(run, 'terminated-watchers', { resource: 'pods' }), `since ${startedAt}`).toBe(8);
    }
  });

  it('do not begin with all that another replica has counted', () => {
    const { slis } = told('kube-apiserver', [
      metricsPage(100, callSeries(postPods, [5, 5, 5, 5, 5])),
      metricsPage(100, callSeries(postPods, [15, 15, 15, 15, 15])),
      metricsPage(30, callSeries(postPods, [900, 900, 900, 900, 900])),
      metricsPage(30, callSeries(postPods, [901, 901, 901, 901, 901])),
    ]);
    expect(slis.map(({ count }) => count)).toEqual([11]);
  });

  it('are not there where nobody called, and before the second reading', () => {
    const same = metricsPage(1, callSeries(postPods, [5, 5, 5, 5, 5]));
    expect(told('kube-apiserver', [same, same]).slis).toEqual([]);
    expect(told('kube-apiserver', [same])).toEqual({ slis: [], figures: [] });
  });
});

describe('kube-scheduler', () => {
  const page = (scheduled: number, unschedulable: number, pending: number): string =>
    metricsPage(
      7,
      `scheduler_schedule_attempts_total{profile="default-scheduler",result="scheduled"} ${scheduled}`,
      `scheduler_schedule_attempts_total{profile="default-scheduler",result="unschedulable"} ${unschedulable}`,
      `scheduler_pending_pods{queue="active"} ${pending}`,
      'scheduler_pending_pods{queue="gated"} 0',
      `scheduler_queue_incoming_pods_total{event="PodAdd",queue="active"} ${scheduled}`,
      ...['1', '2'].map((attempts) =>
        histogramText(
          'scheduler_pod_scheduling_sli_duration_seconds',
          { attempts },
          ['0.01', '0.02', '+Inf'],
          [scheduled / 2, scheduled / 2, scheduled / 2],
        ),
      ),
      histogramText(
        'scheduler_framework_extension_point_duration_seconds',
        { extension_point: 'Filter', profile: 'default-scheduler', status: 'Success' },
        ['0.0001', '0.0002', '+Inf'],
        [0, scheduled, scheduled],
      ),
    );
  const run = told('kube-scheduler', [page(20, 0, 4), page(620, 3, 90), page(680, 3, 0)]);

  it('has throughput, attempts and queues', () => {
    expect(figure(run, 'scheduling-throughput')).toBe(5.5);
    expect(figure(run, 'scheduling-throughput-busiest')).toBe(10);
    expect(figure(run, 'scheduling-attempts', { result: 'scheduled' })).toBe(660);
    expect(figure(run, 'scheduling-attempts', { result: 'unschedulable' })).toBe(3);
    expect(figure(run, 'scheduling-queue-pending', { queue: 'active' })).toBe(90);
    expect(figure(run, 'scheduling-queue-pending', { queue: 'gated' })).toBe(0);
    expect(figure(run, 'scheduling-queue-incoming', { queue: 'active', event: 'PodAdd' })).toBe(660);
  });

  it('has latencies: whole, of all numbers of attempts, and by extension point', () => {
    expect(sli(run, 'scheduling')).toMatchObject({ count: 660, unit: 'us' });
    expect(sli(run, 'scheduling')?.p99).toBeLessThanOrEqual(10_000);
    expect(sli(run, 'scheduling')?.slo).toBeUndefined();
    const filter = sli(run, 'scheduling-extension-point', { extension_point: 'Filter' });
    expect(filter?.count).toBe(660);
    expect(filter?.p50).toBeGreaterThan(145);
    expect(filter?.p50).toBeLessThan(155);
  });

  it("is judged where a scenario says so, in windows' steps, too", () => {
    const thresholds = [{ sli: 'scheduling', labels: {}, quantile: 0.99, thresholdMs: 5 }];
    const readings = new ComponentReadings('kube-scheduler', thresholds, 60);
    expect(readings.read(page(20, 0, 0), 0, 0)).toEqual([]);
    expect(readings.read(page(120, 0, 0), minuteUs, 60_000)).toEqual([
      {
        id: 'scheduling',
        labels: {},
        objective: { quantile: 0.99, threshold: 5000 },
        buckets: [{ low: 0, high: 10_000, count: 100 }],
      },
    ]);
  });

  it.each([
    [5, 'inconclusive'],
    [10, 'pass'],
    [0, 'fail'],
  ])('are held against %d ms as far as their buckets tell: %s', (thresholdMs, verdict) => {
    const thresholds = [{ sli: 'scheduling', labels: {}, quantile: 0.99, thresholdMs }];
    const { slis } = told('kube-scheduler', [page(20, 0, 0), page(120, 0, 0)], thresholds);
    expect(slis.find(({ id }) => id === 'scheduling')?.slo?.verdict).toBe(verdict);
  });
});

describe('etcd', () => {
  const page = (commits: number, bytes: number, fsyncs = 0): string =>
    metricsPage(
      7,
      histogramText(
        'etcd_disk_wal_fsync_duration_seconds',
        {},
        ['0.001', '+Inf'],
        [fsyncs, fsyncs],
      ).replaceAll('{,', '{'),
      histogramText(
        'etcd_disk_backend_commit_duration_seconds',
        {},
        ['0.001', '0.002', '+Inf'],
        [0, commits, commits],
      ).replaceAll('{,', '{'),
      `etcd_mvcc_db_total_size_in_bytes ${bytes}`,
      'etcd_mvcc_db_total_size_in_use_in_bytes 1.5e+07',
    );
  const run = told('etcd', [page(10, 2e7), page(110, 4.2e7), page(110, 3e7)]);

  it('has commits, and no fsync where there was none', () => {
    expect(sli(run, 'etcd-backend-commit')?.count).toBe(100);
    expect(sli(run, 'etcd-wal-fsync')).toBeUndefined();
  });

  it('has fsyncs where etcd waits for its disk', () => {
    const waiting = told('etcd', [page(10, 2e7, 40), page(110, 4.2e7, 240)]);
    expect(sli(waiting, 'etcd-wal-fsync')?.count).toBe(200);
  });

  it('has the size of its database, in use and in all', () => {
    expect(figure(run, 'etcd-database-size', { part: 'total' })).toBe(4.2e7);
    expect(figure(run, 'etcd-database-size', { part: 'in-use' })).toBe(1.5e7);
  });
});

describe('kube-apiserver', () => {
  const admission = 'apiserver_admission_controller_admission_duration_seconds';
  const page = (n: number, ...more: string[]): string =>
    metricsPage(
      7,
      `${admission}_sum{name="LimitRanger",operation="CREATE",rejected="false",type="admit"} ${n * 0.0002}`,
      `${admission}_count{name="LimitRanger",operation="CREATE",rejected="false",type="admit"} ${n}`,
      `${admission}_sum{name="LimitRanger",operation="UPDATE",rejected="false",type="admit"} 0`,
      `${admission}_count{name="LimitRanger",operation="UPDATE",rejected="false",type="admit"} ${n}`,
      histogramText(
        'apiserver_admission_step_admission_duration_seconds',
        { operation: 'CREATE', rejected: 'false', type: 'admit' },
        ['0.005', '+Inf'],
        [n, n],
      ),
      histogramText(
        'apiserver_admission_webhook_admission_duration_seconds',
        { name: 'hook.example.com', operation: 'CREATE', rejected: 'true', type: 'validating' },
        ['0.005', '0.025', '+Inf'],
        [0, n, n],
      ),
      ...['pods', 'nodes'].map((resource) =>
        histogramText(
          'etcd_request_duration_seconds',
          { operation: 'get', group: '', resource },
          ['0.005', '+Inf'],
          [n, n],
        ),
      ),
      histogramText(
        'apiserver_flowcontrol_request_wait_duration_seconds',
        { execute: 'true', flow_schema: 'global-default', priority_level: 'global-default' },
        // As the server counts: who does not wait has waited for some microseconds.
        ['0', '0.005', '0.02', '+Inf'],
        [0, n, n + n / 100, n + n / 100],
      ),
      `apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="cluster",subresource="",verb="WATCH",version="v1"} ${n}`,
      'apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="resource",subresource="",verb="WATCH",version="v1"} 5',
      'apiserver_longrunning_requests{component="apiserver",group="",resource="pods",scope="resource",subresource="exec",verb="CONNECT",version="v1"} 9',
      'watch_cache_capacity{group="apps",resource="deployments"} 100',
      'watch_cache_capacity_increase_total{group="apps",resource="deployments"} 3',
      `apiserver_watch_cache_events_received_total{group="",resource="pods"} ${n}`,
      'apiserver_watch_cache_initializations_total{resource="things.example.com"} 1',
      ...more,
    );
  const rejected = (n: number): string =>
    `apiserver_flowcontrol_rejected_requests_total{flow_schema="x",priority_level="global-default",reason="queue-full"} ${n}`;
  const run = told('kube-apiserver', [page(100), page(300, rejected(7)), page(200, rejected(11))]);

  it('tells admission: steps, webhooks, and the mean of each controller', () => {
    // It went down from 300 to 200: the process has begun anew, whatever it says.
    expect(sli(run, 'admission', { operation: 'CREATE', type: 'admit' })?.count).toBe(200 + 200);
    const hook = sli(run, 'admission-webhook', { webhook: 'hook.example.com', type: 'validating' });
    expect(hook?.p50).toBeGreaterThan(5_000);
    expect(figure(run, 'admission-controller', { controller: 'LimitRanger', type: 'admit' })).toBe(100);
  });

  it('tells requests to etcd by operation, whatever they are about', () => {
    expect(sli(run, 'etcd-request', { operation: 'get' })?.count).toBe(800);
  });

  it('tells priority and fairness: waits, and rejections as a result', () => {
    const wait = sli(run, 'priority-level-wait', { priority_level: 'global-default' });
    expect(wait?.count).toBe(404);
    expect(wait?.p90).toBeLessThan(5_000);
    expect(wait?.max).toBeGreaterThan(19_000);
    expect(wait?.definition).toContain('one that did not wait counts as under 5 ms');
    expect(wait?.resolution).toContain('nothing below 5 ms');
    expect(figure(run, 'priority-level-rejected')).toBe(11);
    const labels = { priority_level: 'global-default', reason: 'queue-full' };
    expect(figure(run, 'priority-level-rejected', labels)).toBe(11);
  });

  it('says that nothing was rejected and no watch ended when that is so', () => {
    const quiet = told('kube-apiserver', [page(100), page(100)]);
    expect(figure(quiet, 'priority-level-rejected')).toBe(0);
    expect(figure(quiet, 'terminated-watchers')).toBe(0);
    expect(quiet.figures.filter(({ id }) => id === 'priority-level-rejected')).toHaveLength(1);
  });

  it('tells watchers and watch caches by resource', () => {
    expect(figure(run, 'watchers', { resource: 'pods' })).toBe(305);
    expect(figure(run, 'watch-cache-capacity', { resource: 'deployments' })).toBe(100);
    expect(figure(run, 'watch-cache-events', { resource: 'pods' })).toBe(400);
    // It was there before the run.
    expect(figure(run, 'watch-cache-initializations', { resource: 'things.example.com' })).toBeUndefined();
  });
});

describe('the process of a component', () => {
  const page = (cpu: number, rss: number): string =>
    metricsPage(
      7,
      `process_cpu_seconds_total ${cpu}`,
      `process_resident_memory_bytes ${rss}`,
      'go_goroutines 1200',
      'go_gc_duration_seconds{quantile="1"} 0.004',
      `go_gc_duration_seconds_sum ${cpu / 1000}`,
      `go_gc_duration_seconds_count ${cpu * 10}`,
    );
  const run = told('kube-controller-manager', [page(10, 1e8), page(100, 3e8), page(130, 2e8)]);
  const labels = { component: 'kube-controller-manager' };

  it('tells CPU, memory and garbage collection', () => {
    expect(figure(run, 'component-cpu', labels)).toBe(1);
    expect(figure(run, 'component-cpu-busiest', labels)).toBe(1.5);
    expect(figure(run, 'component-memory', labels)).toBe(3e8);
    expect(figure(run, 'component-goroutines', labels)).toBe(1200);
    expect(figure(run, 'component-gc', labels)).toBe(1200);
    expect(figure(run, 'component-gc-pause', labels)).toBe(120_000);
    // No such family in this answer.
    expect(figure(run, 'component-heap', labels)).toBeUndefined();
  });

  it('says that nothing was collected, where that is so, and nothing of a process that does not tell', () => {
    const quiet = told('kube-controller-manager', [page(10, 1e8), page(10, 1e8)]);
    expect(figure(quiet, 'component-gc', labels)).toBe(0);
    expect(figure(quiet, 'component-gc-pause', labels)).toBe(0);
    const silent = told('kube-controller-manager', [metricsPage(7), metricsPage(7)]);
    expect(silent.figures.filter(({ id }) => id.startsWith('component-gc'))).toEqual([]);
  });

  it('takes no burst between two readings that are close together for the busiest step', () => {
    const readings = new ComponentReadings('kube-controller-manager', [], 60);
    for (const [second, cpu] of [
      [0, 10],
      [60, 70],
      [65, 90],
      [95, 150],
    ] as const) {
      readings.read(page(cpu, 1e8), second * 1e6, second * 1000);
    }
    const { figures, slis } = readings.tell();
    expect(figure({ figures, slis }, 'component-cpu-busiest', labels)).toBe(2);
    const busiest = figures.find(({ id }) => id === 'component-cpu-busiest');
    expect(busiest?.resolution).toBe('one reading every 60 s; not between two that are less than 30 s apart');
  });

  it('says of everything what it is, where it comes from and how fine it is', () => {
    for (const { definition, source, resolution } of [...run.figures, ...run.slis]) {
      expect(definition).toMatch(/^[A-Z].*\.$/);
      expect(source).toContain('of kube-controller-manager, read every 60 s');
      expect(resolution).not.toBe('');
    }
  });
});

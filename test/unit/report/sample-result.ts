import { Prng } from '../../../src/base/prng.ts';
import { Histogram } from '../../../src/metrics/histogram.ts';
import type { RunResult, RunVerdict, Sli, TimelinePoint } from '../../../src/result/result.ts';
import { resultSchemaId } from '../../../src/result/result.ts';
import { type SliDescription, toSli } from '../../../src/result/summarise.ts';
import { sampleGrids, sampleInventory } from './sample-inventory.ts';

/** What the sample run looked like; every figure follows from these and the seed. */
export type SampleOptions = {
  seed?: string;
  verdict?: RunVerdict;
  nodes?: number;
  pods?: number;
  /** How many kinds of API call there are beyond the usual ones. */
  extraApiRows?: number;
  /** Put into every place where a name from a cluster or a scenario can stand. */
  hostileName?: string;
};

/** A name that breaks out of HTML text, attributes, scripts, JSON and XML where it is not escaped. */
export const hostileName =
  '</script><img src=x onerror="document.title=\'owned\'">\'"`${1}<!-- ]]> &amp; \u0000\u001b\u2028\uFFFE\uD800';

/** {@link hostileName} as a page or an XML document may show it: what neither allows is replaced. */
export const hostileNameShown = hostileName
  .replaceAll('\0', '\uFFFD')
  .replaceAll('\u001b', '\uFFFD')
  .replaceAll('\uFFFE', '\uFFFD')
  .replaceAll('\uD800', '\uFFFD');

type Phase = { phase: string; meanUs: number };

const startupPhases: Phase[] = [
  { phase: 'sent to accepted', meanUs: 9_000 },
  { phase: 'accepted to scheduled', meanUs: 42_000 },
  { phase: 'scheduled to seen by node', meanUs: 12_000 },
  { phase: 'seen by node to sandbox ready', meanUs: 410_000 },
  { phase: 'sandbox ready to images pulled', meanUs: 1 },
  { phase: 'images pulled to containers started', meanUs: 220_000 },
  { phase: 'containers started to status sent', meanUs: 10_000 },
  { phase: 'status sent to acknowledged', meanUs: 19_000 },
  { phase: 'acknowledged to seen by watcher', meanUs: 4_000 },
];

const apiCalls: [
  verb: string,
  resource: string,
  subresource: string,
  scope: string,
  meanUs: number,
  count: number,
][] = [
  ['POST', 'pods', 'binding', 'resource', 4_200, 1000],
  ['POST', 'deployments', '', 'resource', 6_100, 10],
  ['POST', 'events', '', 'resource', 3_100, 6000],
  ['PATCH', 'pods', 'status', 'resource', 5_700, 3000],
  ['PUT', 'leases', '', 'resource', 2_300, 2400],
  ['PATCH', 'nodes', 'status', 'resource', 7_900, 220],
  ['POST', 'serviceaccounts', 'token', 'resource', 3_500, 1000],
  ['DELETE', 'pods', '', 'resource', 5_200, 1000],
  ['GET', 'pods', '', 'resource', 1_900, 3000],
  ['GET', 'configmaps', '', 'resource', 1_700, 900],
  ['GET', 'nodes', '', 'resource', 2_000, 1200],
  ['LIST', 'pods', '', 'namespace', 11_000, 260],
  ['LIST', 'pods', '', 'cluster', 48_000, 104],
  ['LIST', 'services', '', 'cluster', 4_800, 200],
  ['LIST', 'customthings.example.com', '', 'cluster', 2_500, 0],
];

/** Log-normal with a heavy tail, as latencies are. */
function sample(prng: Prng, meanUs: number): number {
  const normal = Math.sqrt(-2 * Math.log(1 - prng.float())) * Math.cos(2 * Math.PI * prng.float());
  const tail = prng.float() < 0.01 ? 4 : 1;
  return Math.max(1, Math.round(meanUs * 0.9 * Math.exp(0.32 * normal) * tail));
}

function startupSlis(prng: Prng, podCount: number, slow: boolean): Sli[] {
  const official = new Histogram();
  const precise = new Histogram();
  const lowerBound = new Histogram();
  const byPhase = startupPhases.map(() => new Histogram());
  for (let i = 0; i < podCount; i++) {
    const parts = startupPhases.map(({ meanUs }) => sample(prng, slow ? meanUs * 6 : meanUs));
    const total = parts.reduce((sum, part) => sum + part, 0);
    for (const [index, part] of parts.entries()) byPhase[index]?.record(part);
    precise.record(total);
    lowerBound.record(total * 0.98);
    official.record(total + prng.below(1_000_000));
  }
  const slo = { quantile: 0.99, threshold: 5_000_000 };
  const description = (id: string, text: string, source: string): SliDescription => ({
    id,
    labels: {},
    unit: 'us',
    definition: text,
    source,
    resolution: '1 µs',
  });
  return [
    toSli(official, {
      ...description(
        'pod-startup',
        'From creationTimestamp until a watcher has seen all containers started; stateless, schedulable pods, without image pulls and init containers.',
        'creationTimestamp (whole seconds) to watcher clock',
      ),
      slo,
    }),
    toSli(precise, {
      ...description(
        'pod-startup-precise',
        'From the intended send of the create request until a watcher has seen all containers started.',
        'client clock',
      ),
      lowerBound,
      slo,
    }),
    ...startupPhases.map(({ phase }, index) =>
      toSli(byPhase[index] ?? new Histogram(), {
        ...description('pod-startup-phase', `One phase of pod startup: ${phase}.`, 'client clock'),
        labels: { phase },
      }),
    ),
  ];
}

/** Judged SLIs with eight windows, of which a failed run has two bad ones, and with the bound that loop delays leave. */
function withWindows(sli: Sli, verdict: RunVerdict): Sli {
  if (sli.slo === undefined || sli.count === 0) return sli;
  const bad = verdict === 'fail' ? 2 : 0;
  const points = Array.from({ length: 8 }, (_, index) => ({
    atMs: 7500 * (index + 1),
    count: index === 0 ? 12 : Math.floor(sli.count / 8),
    value: Math.round(sli.p99 * (0.9 + index / 80)),
    verdict: index === 0 ? ('undecided' as const) : index <= bad ? ('bad' as const) : ('good' as const),
  }));
  const bound = (us: number): number => Math.max(0, us - 12_000);
  const { p50, p90, p99, p999, max } = sli;
  return {
    ...sli,
    lowerBound: { p50: bound(p50), p90: bound(p90), p99: bound(p99), p999: bound(p999), max: bound(max) },
    windows: { good: 7 - bad, bad, undecided: 1, points },
  };
}

function apiSlis(prng: Prng, options: SampleOptions): Sli[] {
  const rows = [...apiCalls];
  for (let i = 0; i < (options.extraApiRows ?? 0); i++) {
    rows.push(['GET', `things${i}.example.com`, '', 'namespace', 1_000 + prng.below(20_000), 120]);
  }
  if (options.hostileName !== undefined)
    rows.push(['GET', options.hostileName, '', 'namespace', 9_000_000, 500]);
  return rows.flatMap(([verb, resource, subresource, scope, meanUs, count]) => {
    const client = new Histogram();
    const server = new Histogram();
    for (let i = 0; i < count; i++) {
      const latencyUs = sample(prng, meanUs);
      client.record(latencyUs);
      server.record(Math.max(50_000, Math.ceil((latencyUs * 0.8) / 50_000) * 50_000));
    }
    const labels = { verb, resource, subresource, scope };
    const threshold = scope === 'resource' ? 1_000_000 : 30_000_000;
    const definition =
      'From the send of the request until the last byte of the answer; streaming requests are left out.';
    return [
      toSli(client, {
        id: 'api-call',
        labels,
        unit: 'us',
        definition,
        source: 'client clock',
        resolution: '1 µs',
        slo: { quantile: 0.99, threshold },
      }),
      toSli(server, {
        id: 'api-call-server',
        labels,
        unit: 'us',
        definition: 'apiserver_request_sli_duration_seconds: without webhooks and queueing.',
        source: 'server buckets',
        resolution: 'nothing below 50 ms',
      }),
    ];
  });
}

const secondsInRun = 60;

function timeline(prng: Prng, nodes: number, pods: number): TimelinePoint[] {
  const points: TimelinePoint[] = [];
  for (let second = 0; second < secondsInRun; second++) {
    const phase = second < 10 ? 'nodes' : second < 40 ? 'create' : second < 52 ? 'steady' : 'delete';
    const created = Math.min(pods, Math.max(0, Math.round(((second - 10) / 25) * pods)));
    const started = Math.min(pods, Math.max(0, Math.round(((second - 11) / 26) * pods)));
    const busy = phase === 'create' || phase === 'delete' ? 1 : 0.25;
    points.push({
      atMs: second * 1000 + prng.below(20),
      phase,
      nodesReady: Math.min(nodes, Math.round((second / 8) * nodes)),
      podsCreated: created,
      podsStarted: started,
      podsDeleted: second < 52 ? 0 : Math.round(((second - 51) / 8) * pods),
      requestsPerSecond: phase === 'nodes' ? 0 : 38 * busy + prng.between(0, 2),
      requestedPerSecond: phase === 'nodes' ? 0 : 40 * busy,
      podStartupP99Us: started > 0 && started < pods ? sample(prng, 900_000) : null,
      apiCallP99Us: sample(prng, 14_000 + 20_000 * busy),
      cpuCores: {
        fleet: 0.2 + 0.4 * busy * prng.between(0.8, 1.2),
        harness: 0.1 * prng.between(0.8, 1.2),
        'kube-apiserver': 0.25 + 0.6 * busy * prng.between(0.8, 1.2),
        etcd: 0.06 + 0.1 * busy,
        'kube-controller-manager': 0.05 + 0.12 * busy,
        'kube-scheduler': 0.02 + 0.09 * busy,
      },
      rssBytes: {
        fleet: 120e6 + second * 4e5,
        harness: 96e6,
        'kube-apiserver': 420e6 + second * 3e6,
        etcd: 90e6 + second * 1e6,
        'kube-controller-manager': 110e6,
        'kube-scheduler': 70e6,
      },
    });
  }
  return points;
}

const summaries: Record<RunVerdict, string> = {
  pass: 'All SLOs were met: 99 % of 1,000 pods started within 1.42 s, and the slowest kind of API call took 112 ms at p99.',
  fail: 'Pod startup missed its SLO: the p99 was 7.9 s, the threshold is 5 s.',
  invalid:
    'The run says nothing about the cluster: the observer was blocked for 48 ms at p99, more than the 10 ms allowed.',
  inconclusive: 'Too few pods were started to judge their p99: 40 of the 100 that it takes.',
  interrupted: 'The run was stopped after 31 s, in phase create.',
};

function validity(verdict: RunVerdict): RunResult['validity'] {
  const invalid = verdict === 'invalid';
  return {
    verdict: invalid ? 'invalid' : 'valid',
    checks: [
      {
        id: 'loop-delay-observer',
        verdict: invalid ? 'fail' : 'pass',
        value: invalid ? 48_200 : 2_130,
        limit: 10_000,
        unit: 'us',
        message: invalid
          ? 'The observer was blocked for 48 ms at p99: run fewer nodes, or on a machine with more cores.'
          : 'The observer was never blocked for long.',
      },
      {
        id: 'achieved-rate',
        verdict: 'pass',
        value: 0.993,
        limit: 0.98,
        unit: 'ratio',
        message: '99.3 % of the requested rate was reached.',
      },
      {
        id: 'harness-cpu',
        verdict: 'pass',
        value: 0.27,
        limit: 0.4,
        unit: 'ratio',
        message: 'The harness used 27 % of the machine.',
      },
      {
        id: 'gc-pause-observer',
        verdict: 'pass',
        value: 3_400,
        limit: 10_000,
        unit: 'us',
        message: 'GC pauses were short.',
      },
      {
        id: 'cpu-steal',
        verdict: 'skipped',
        value: 0,
        limit: 5,
        unit: 'percent',
        message: 'This kernel does not report steal.',
      },
    ],
  };
}

function slowestPods(name: string | undefined): RunResult['slowestPods'] {
  return Array.from({ length: 10 }, (_, index) => {
    const stretch = 4 - index * 0.2;
    const phasesUs = Object.fromEntries(
      startupPhases.map(({ phase, meanUs }, at) => [
        phase,
        Math.round(meanUs * stretch * (at === 3 ? 1 : 1.7)),
      ]),
    );
    return {
      namespace: name ?? 'density-1',
      name:
        index === 0 && name !== undefined
          ? name
          : `density-deployment-3-7c9d8b6f4d-${(index * 7919).toString(36)}x`,
      node: name ?? `hollow-node-${index * 7}`,
      totalUs: Object.values(phasesUs).reduce((sum, us) => sum + us, 0),
      phasesUs,
    };
  });
}

/** The argv lists are as long as real ones, because the page has to hold them. */
function flags(name: string | undefined): Record<string, string[]> {
  return {
    etcd: ['--data-dir=/tmp/hollowmark/etcd', '--unsafe-no-fsync', '--quota-backend-bytes=8589934592'],
    'kube-apiserver': [
      '--etcd-servers=http://127.0.0.1:34101',
      '--authorization-mode=Node,RBAC',
      '--enable-admission-plugins=NodeRestriction',
      '--max-requests-inflight=3000',
      '--max-mutating-requests-inflight=1000',
    ],
    'kube-controller-manager': [
      '--kube-api-qps=1000',
      '--kube-api-burst=1500',
      ...(name === undefined ? [] : [`--x=${name}`]),
    ],
    'kube-scheduler': ['--kube-api-qps=2000', '--kube-api-burst=2000'],
  };
}

/** A realistic result: one minute of a density run, with real histograms. The same options give the same one. */
export function sampleResult(options: SampleOptions = {}): RunResult {
  const verdict = options.verdict ?? 'pass';
  const prng = new Prng(options.seed ?? 'sample');
  const nodes = options.nodes ?? 100;
  const pods = options.pods ?? (verdict === 'inconclusive' ? 40 : 1000);
  const name = options.hostileName;
  const startup = startupSlis(prng, pods, verdict === 'fail').map((sli) => withWindows(sli, verdict));
  return {
    schema: resultSchemaId,
    run: {
      id: '2026-03-04-quickstart-7f3a',
      scenario: name ?? 'quickstart',
      seed: options.seed ?? 'sample',
      startedAt: '2026-03-04T05:06:07.000Z',
      finishedAt: '2026-03-04T05:07:09.400Z',
      parameters: {
        nodes: { count: nodes },
        phases: [{ name: name ?? 'create', rate: 40 }],
        podsPerNode: 10,
      },
      invocation: {
        kubernetesVersion: 'v1.36.3',
        flags: 'scale',
        profile: 'kubelet',
        identity: 'certificate',
      },
      phases: [
        { name: 'nodes', type: 'nodes', startedAtMs: 0, finishedAtMs: 10_000, outcome: 'completed' },
        {
          name: name ?? 'create',
          type: 'create',
          startedAtMs: 10_000,
          finishedAtMs: 40_000,
          outcome: 'completed',
          requests: {
            planned: pods,
            sent: pods,
            done: pods,
            failed: 0,
            retries: 3,
            achievedRatio: 1,
            requestedPerSecond: 40,
            achievedPerSecond: 39.9,
            latenessP99Us: 900,
          },
        },
        { name: 'steady', type: 'steady', startedAtMs: 40_000, finishedAtMs: 52_000, outcome: 'completed' },
        verdict === 'interrupted'
          ? {
              name: 'delete',
              type: 'delete',
              startedAtMs: 52_000,
              finishedAtMs: 55_000,
              outcome: 'interrupted',
              message: 'Stopped by SIGINT.',
            }
          : {
              name: 'delete',
              type: 'delete',
              startedAtMs: 52_000,
              finishedAtMs: 60_000,
              outcome: 'completed',
            },
      ],
    },
    tool: { name: 'hollowmark', version: '0.1.0', node: 'v20.20.2' },
    machine: {
      os: 'linux',
      kernel: '6.1.0-40-amd64',
      arch: 'x64',
      cpuModel: name ?? 'AMD EPYC 7B13',
      cpuCount: 2,
      memoryBytes: 25_769_803_776,
    },
    cluster: { version: 'v1.36.3', source: 'cache', profile: 'scale', flags: flags(name) },
    wire: { profile: 'kubelet', identity: 'certificate', codec: 'json' },
    nodes: { requested: nodes, ready: nodes, notReadyEvents: 0 },
    pods: { created: pods, started: pods, deleted: verdict === 'interrupted' ? 210 : pods, failed: 0 },
    slis: [...startup, ...apiSlis(prng, options)],
    figures: [
      {
        id: 'etcd-database-size',
        labels: {},
        unit: 'bytes',
        definition: 'Size of the database file at the end of the run.',
        source: 'etcd_mvcc_db_total_size_in_bytes',
        resolution: '1 byte',
        value: 48_234_496,
      },
      {
        id: 'api-availability',
        labels: name === undefined ? {} : { probe: name },
        unit: 'ratio',
        definition: 'Share of the probes of the API server that were answered in time.',
        source: 'one probe a second',
        resolution: '1 s',
        value: 0.9983,
      },
      {
        id: 'api-unavailable-longest',
        labels: {},
        unit: 'us',
        definition: 'Longest time in which no probe of the API server was answered.',
        source: 'one probe a second',
        resolution: '1 s',
        value: 1_000_000,
      },
    ],
    calls: [
      {
        source: 'load',
        verb: 'POST',
        resource: name ?? 'pods',
        subresource: '',
        scope: 'resource',
        statuses: { '201': pods, '429': 3, none: 1 },
      },
      {
        source: 'nodes',
        verb: 'PATCH',
        resource: 'pods',
        subresource: 'status',
        scope: 'resource',
        statuses: { '200': 3 * pods, '409': 7 },
      },
    ],
    windows: {
      lengthMs: 15_000,
      stepMs: 7_500,
      good: verdict === 'fail' ? 5 : 7,
      bad: verdict === 'fail' ? 2 : 0,
      undecided: 1,
    },
    validity: validity(verdict),
    resources: {
      harness: [
        { name: 'harness', cpuSeconds: 6.1, rssBytesMax: 104e6 },
        { name: 'fleet', cpuSeconds: 24.3, rssBytesMax: 151e6 },
      ],
      controlPlane: [
        { name: 'kube-apiserver', cpuSeconds: 41.8, rssBytesMax: 612e6 },
        { name: 'etcd', cpuSeconds: 8.2, rssBytesMax: 152e6 },
        { name: 'kube-controller-manager', cpuSeconds: 7.4, rssBytesMax: 118e6 },
        { name: 'kube-scheduler', cpuSeconds: 4.9, rssBytesMax: 74e6 },
      ],
    },
    timeline: timeline(prng, nodes, pods),
    slowestPods: slowestPods(name),
    latencyGrids: sampleGrids(prng, (meanUs) => sample(prng, meanUs), pods),
    inventory: sampleInventory(prng, { nodes, pods, deleted: verdict === 'interrupted' ? 210 : pods }, name),
    notes: [
      'The run was shorter than an SLO window (5 min): it is judged over its whole length.',
      'etcd ran with --unsafe-no-fsync: figures on disk writes mean nothing.',
      ...(name === undefined ? [] : [name]),
    ],
    failures:
      verdict === 'fail' || name !== undefined
        ? [
            {
              atMs: 31_250,
              where: name ?? 'load/create',
              message: name ?? 'POST pods in density-1: 429 Too Many Requests, given up after 5 tries.',
            },
          ]
        : [],
    verdict,
    summary: name ?? summaries[verdict],
  };
}

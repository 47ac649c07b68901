import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-info.ts';
import { type Names, type Schema, fieldTable, resolve } from './schema-reference.ts';

/** What the schema leaves unsaid, by object and field. */
const meanings: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  '': {
    schema: 'Which contract this is.',
    run: 'Which run this was.',
    tool: 'What made it.',
    machine: 'Where it ran.',
    cluster: 'The control plane.',
    wire: 'What the hollow nodes spoke.',
    nodes: 'How many nodes there were.',
    pods: 'What became of the pods of the run, counted by the observer.',
    slis: 'What was measured, as distributions.',
    figures: 'What was measured, as numbers.',
    calls: 'What became of API calls.',
    windows: 'The run as SLOs are defined: window by window.',
    validity: 'Whether it can be trusted.',
    resources: 'What it cost.',
    timeline: 'How it went.',
    slowestPods: 'The pods that took longest.',
    latencyGrids: 'Latency over time.',
    inventory: 'Nodes and workloads, one by one.',
    notes: 'What one must know to read the figures.',
    failures: 'What went wrong, where and when.',
    verdict: 'See above.',
  },
  run: {
    id: 'Also the name of its folder.',
    seed: 'What all random decisions were derived from.',
    phases: 'In order.',
  },
  wire: {
    profile: 'Whose requests the nodes send: `kubelet`.',
    identity: 'How they prove who they are: `certificate`.',
    codec: 'How the nodes write objects and ask for them: `protobuf` or `json`.',
  },
  nodes: {
    requested: 'Nodes that the scenario asked for.',
    ready: 'Nodes that were Ready at the end.',
    notReadyEvents: 'How often a node ceased to be Ready.',
  },
  pods: {
    created: 'Pods seen.',
    started: 'Pods of which all containers were seen started.',
    deleted: 'Pods seen to be gone.',
    failed: 'Pods whose phase became Failed, those that a scenario makes so as to fail included.',
  },
  validity: { verdict: 'Invalid when one check failed.' },
  resources: { harness: 'Conductor and fleet.', controlPlane: 'One for each component.' },
  sli: {
    id: 'Which indicator; see above.',
    labels: 'What tells it from others of the same id.',
    definition: 'One sentence: from when to when, what is left out.',
    source: 'Where the samples come from.',
    count: 'Samples.',
    slo: 'What it was judged by.',
  },
  validityCheck: {
    id: 'Such as `loop-delay-observer`.',
    message: 'For a person: what was measured, and what to change.',
  },
  processResources: {
    name: 'Such as `fleet` or `kube-apiserver`.',
    rssBytesMax: 'The largest resident set.',
  },
  timelinePoint: {
    requestsPerSecond: 'Requests that the load generator sent in this second…',
    requestedPerSecond: '…and those that were due.',
    podStartupP99Us: 'Of the pods that started since the last point; null when none did.',
    apiCallP99Us:
      'Of all API calls of clients since the last point, of hollow nodes in about the last 5 s; null when there was none.',
    cpuCores: 'Cores in use, by process.',
    rssBytes: 'Resident set, by process.',
  },
  figure: { id: 'Such as `etcd-database-size`.', labels: 'What tells it from others of the same id.' },
  window: { count: 'Samples in it.' },
  phaseRequests: {
    planned: 'Requests of the plan.',
    sent: 'Those of which a first attempt left.',
    failed: 'Given up.',
  },
  podTally: {
    total: 'Pods seen.',
    started: 'Pods of which all containers were seen started.',
    failed: 'Pods whose phase became Failed.',
    deleted: 'Pods seen to be gone.',
    startupMaxUs: 'The longest of them.',
  },
  latencyGrid: { labels: 'What tells it from others of the same id.' },
  phase: { outcome: '`completed`, or why not.', message: 'Why not.' },
};

/** An object of the schema with its unsaid meanings. */
function explained(object: Schema, name: string): Schema {
  const own = meanings[name] ?? {};
  const properties = Object.entries(object.properties ?? {}).map(([field, node]): [string, Schema] => {
    const description = node.description ?? own[field];
    return [field, description === undefined ? node : { ...node, description }];
  });
  return { ...object, properties: Object.fromEntries(properties) };
}

const names: Names = {
  unit: '[unit](#units)',
  sli: '[SLIs](#slis)',
  validityCheck: '[validity checks](#validity-checks)',
  processResources: '[processes](#processes)',
  timelinePoint: '[timeline points](#timeline-points)',
  phase: '[phases](#phases)',
  invocation: '[invocation](#invocation)',
  slowPod: '[slow pods](#slow-pods)',
  figure: '[figures](#figures)',
  callOutcomes: '[outcomes of calls](#outcomes-of-calls)',
  quantiles: '[quantiles](#quantiles)',
  sliWindows: '[windows of an SLI](#windows-of-an-sli)',
  window: '[windows](#window)',
  phaseRequests: '[requests of a phase](#requests-of-a-phase)',
  latencyGrid: '[latency grids](#latency-grids)',
  nodeRecord: '[node records](#node-records)',
  workloadRecord: '[workload records](#workload-records)',
  podTally: '[pod tally](#pod-tally)',
  podColumns: '[columns of pods](#columns-of-pods)',
};

const sections: readonly [title: string, definition: string, intro: string][] = [
  [
    'SLIs',
    'sli',
    `One service level indicator each: a distribution, with the labels that tell it from others of the same id. The
definition and the source of its samples stand in it, so that a figure is never read without them.

| id | what it measures |
|---|---|
| \`pod-startup\` | the official SLI: creationTimestamp (whole seconds) to all containers started, seen by a watcher; less image pulls |
| \`pod-startup-precise\` | the same from the intended send of the create request, in microseconds |
| \`pod-startup-phase\` | one phase of the whole way, image pulls included, of each group of pods; labels \`phase\`, \`kind\`, \`class\` |
| \`pod-startup-span\` | several phases of it as one, as other tools measure them; labels \`span\`, \`kind\`, \`class\` |
| \`pod-status-write\` | a node's write of the status in which all containers have started |
| \`api-call\` | one kind of API call as its client saw it; labels \`verb\`, \`resource\`, \`subresource\`, \`scope\`, \`source\` |
| \`api-call-raw\` | the calls of the load from their actual send, where \`api-call\` counts from the intended one |
| \`send-lateness\` | from the intended to the actual send of the load's requests |
| \`network-programming\` | from a change of a Service's endpoints until a hollow kube-proxy has it in its rules: every change on every proxy |
| \`network-programming-proxy\` | the p99 of one proxy over five minutes of it, which is the official SLI; the SLO in work is on its p99 |
| \`watch-delivery\` | from a write's send until its event on the watch of a hollow node; label \`watcher\`; \`watch-delivery-write\` until its answer |
| \`watch-delivery-slowest\` | of each such write, until the last watch of all nodes has it |
| \`node-connect\` | from the start of a hollow kubelet until its Node is registered, or Ready; labels \`phase\`, \`start\` |
| \`api-probe\` | a probe of the API server's readiness, once a second |
| \`job-completion\`, \`job-overhead\` | from a Job's create request to its completion; less what its pods take; label \`phase\` |
| \`statefulset-ready\`, \`claim-bound\` | from the create request until all replicas are ready, or the claim is bound; label \`phase\` |
| \`watch-latency\` | from the answer to a write until its event on a quiet watch |
| \`harness-loop-delay\`, \`harness-gc-pause\` | how late the harness itself was, and how long its garbage collections were; label \`threads\` |
| \`harness-watch-lag\` | how much later the observer's connection brings an event than a quiet one |
| \`api-call-server\` | one kind of API call as the API server measured it; nothing below 50 ms is resolved there |
| \`scheduling\` | from the scheduling queue to the binding, over all attempts, as kube-scheduler measured it |
| \`scheduling-attempt\` | one attempt of it; label \`result\` |
| \`scheduling-extension-point\` | all plugins of one extension point for one pod; label \`extension_point\` |
| \`admission\` | all admission plugins of one step for one request; labels \`operation\`, \`type\` |
| \`admission-webhook\` | one webhook for one request; labels \`webhook\`, \`type\` |
| \`etcd-request\` | one request of the API server to etcd; label \`operation\` |
| \`etcd-wal-fsync\`, \`etcd-backend-commit\` | etcd's writes to disk |
| \`priority-level-wait\`, \`priority-level-execution\` | queueing and execution of requests by priority and fairness; label \`priority_level\` |

Those from \`api-call-server\` on come from the components' own metrics: [measuring](measuring.md) says how.
\`slo\` is there where the SLI is judged. A histogram in \`histogram\` opens in any HDR viewer.`,
  ],
  ['Quantiles', 'quantiles', 'In the unit of the SLI.'],
  ['Windows of an SLI', 'sliWindows', 'The official SLOs speak of windows of five minutes, one a minute.'],
  ['Window', 'window', 'One of them.'],
  [
    'Figures',
    'figure',
    `What is one number: a size, a share, a rate, a count. [measuring.md](measuring.md) says how they come about.

| id | what it is |
|---|---|
| \`api-availability\` | share of probes of the API server's readiness, one a second, that had success |
| \`api-unavailable-longest\` | the longest time from a probe without success to the next with |
| \`api-probes-skipped\` | probes that count as not asked, as the harness itself was late |
| \`burst-startup\` | from asking for all pods of a phase at once to the start of the last; labels \`phase\`, \`pods\` |
| \`watch-delivery-writes\`, \`watch-delivery-missing\` | writes that every Ready node had to have, and events that had not come 10 s later |
| \`watch-delivery-slowest-node\` | the slowest of the writes that every Ready node had, and the node that had it last; label \`node\` |
| \`machine-cpu\`, \`machine-load\` | how busy the harness's machine was: share of its CPU time, and its largest load average |

From the components' own metrics:

| id | what it is |
|---|---|
| \`component-cpu\`, \`component-cpu-busiest\` | cores that a process uses, over the run and at most; label \`component\`, as of the next four |
| \`component-memory\`, \`component-heap\` | its resident memory, and its heap |
| \`component-goroutines\` | its goroutines |
| \`component-gc\`, \`component-gc-pause\` | its garbage collections, and for how long they stopped it |
| \`scheduling-throughput\`, \`scheduling-throughput-busiest\` | pods scheduled a second, over the run and at most |
| \`scheduling-attempts\` | attempts to schedule a pod; label \`result\` |
| \`scheduling-queue-incoming\`, \`scheduling-queue-pending\` | pods that came into a queue of the scheduler and that were in it; label \`queue\` |
| \`admission-controller\` | mean time that one admission controller takes of a request; labels \`controller\`, \`type\` |
| \`admission-webhook-rejections\` | requests that a webhook rejected |
| \`etcd-database-size\` | etcd's database; label \`part\`: \`total\` or \`in-use\` |
| \`etcd-proposals-pending\`, \`etcd-request-errors\` | writes that wait in etcd, and requests to it that failed |
| \`storage-size\` | etcd's database as the API server knows it |
| \`priority-level-rejected\` | requests that priority and fairness rejected: of all, and by \`priority_level\` and \`reason\` |
| \`priority-level-dispatched\`, \`priority-level-queued\` | requests of a priority level that were let through, and that waited |
| \`watchers\`, \`terminated-watchers\` | watches that are open, and that were closed for being slow; label \`resource\` |
| \`watch-cache-capacity\`, \`watch-cache-initializations\` | room in a watch cache, and how often it was filled; label \`resource\` |
| \`watch-cache-events\`, \`watch-cache-events-dispatched\` | events that came into a watch cache and left it; label \`resource\` |

Counts of what did not happen are not there, but for rejections and terminated watchers, whose total is 0 then.`,
  ],
  [
    'Outcomes of calls',
    'callOutcomes',
    'One for each kind of call of each source. Refusals and repetitions are results, not faults of a run.',
  ],
  [
    'Validity checks',
    'validityCheck',
    'Whether the figures can be trusted; one that fails makes the run invalid.',
  ],
  ['Invocation', 'invocation', 'How the run was called; `hollowmark run --again` takes it from here.'],
  ['Processes', 'processResources', 'CPU and memory of one process over the run.'],
  ['Timeline points', 'timelinePoint', "The run's course, about one point a second."],
  ['Phases', 'phase', 'The phases of the scenario as they ran.'],
  ['Requests of a phase', 'phaseRequests', 'What a phase asked for and what left, and what came of it.'],
  ['Slow pods', 'slowPod', 'The pods that took longest to start, with their path.'],
  [
    'Latency grids',
    'latencyGrid',
    'The samples of an SLI over time, as a heat map shows them: `pod-startup-precise` for each group of pods, `api-call` for the clients of the harness and for the hollow nodes.',
  ],
  ['Node records', 'nodeRecord', 'One for each node, by name; each on one line of the file.'],
  [
    'Workload records',
    'workloadRecord',
    'What the pods of the run belonged to; each on one line of the file.',
  ],
  ['Pod tally', 'podTally', 'Pods of a node or of a workload, over the whole run.'],
  ['Columns of pods', 'podColumns', 'Pods one by one, as lists of one length.'],
];

/** docs/result.md. */
export function renderResultReference(): string {
  const root = JSON.parse(readFileSync(join(packageRoot, 'src/result/result.schema.json'), 'utf8')) as Schema;
  const define = (name: string): Schema => resolve(root, { $ref: `#/$defs/${name}` });
  const objects = Object.entries(root.properties ?? {}).filter(([, node]) => node.properties !== undefined);
  const inner = objects.map(
    ([name, node]) => `### ${name}\n\n${fieldTable(root, explained(node, name), names, 'required')}\n`,
  );
  const rest = sections.map(
    ([title, name, intro]) =>
      `## ${title}\n\n${intro}\n\n${fieldTable(root, explained(define(name), name), names, 'required')}\n`,
  );
  const units = (define('unit').enum ?? []).map((unit) => `\`${unit}\``).join(', ');

  return `# The result

${root.description ?? ''} It
lies as \`result.json\` in the folder of a run, and \`npx hollowmark report result.json\` makes every report from it anew, without a cluster. This page is written from
\`src/result/result.schema.json\` by \`npm run docs\`.

\`verdict\` is one of

- \`pass\`: every SLO that could be judged was met, pod startup among them.
- \`fail\`: an SLO was missed, or a phase did not complete.
- \`invalid\`: the harness was the bottleneck; the figures say nothing about the cluster.
- \`inconclusive\`: too few samples.
- \`interrupted\`: somebody stopped the run.

Times of day are RFC 3339 in UTC. \`atMs\` and its like count milliseconds from the run's start, by which is meant
\`measuringStartedAt\`: until then a cluster was brought up, which is no part of what is measured.

## The whole

${fieldTable(root, explained(root, ''), names, 'required')}

${inner.join('\n')}
${rest.join('\n')}
## Units

The closed list: ${units}. ${define('unit').description?.split('. ')[1] ?? ''}
`;
}

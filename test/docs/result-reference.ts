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
    slis: 'What was measured.',
    validity: 'Whether it can be trusted.',
    resources: 'What it cost.',
    timeline: 'How it went.',
    slowestPods: 'The pods that took longest.',
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
    failed: 'Pods whose phase became Failed.',
  },
  validity: { verdict: 'Invalid when one check failed.' },
  resources: { harness: 'Conductor and fleet.', controlPlane: 'One for each component.' },
  sli: {
    id: 'Which indicator; see above.',
    labels: 'What tells it from others of the same id.',
    definition: 'One sentence: from when to when, what is left out.',
    source: 'Where the samples come from and how fine they are.',
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
    apiCallP99Us: 'Of all API calls of clients since the last point; null when there was none.',
    cpuCores: 'Cores in use, by process.',
    rssBytes: 'Resident set, by process.',
  },
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
};

const sections: readonly [title: string, definition: string, intro: string][] = [
  [
    'SLIs',
    'sli',
    `One service level indicator each: a distribution, with the labels that tell it from others of the same id. The
definition and the source of its samples stand in it, so that a figure is never read without them.

| id | what it measures |
|---|---|
| \`pod-startup\` | the official SLI: creationTimestamp (whole seconds) to all containers started, seen by a watcher |
| \`pod-startup-precise\` | the same from the intended send of the create request, in microseconds |
| \`pod-startup-phase\` | one phase of it; label \`phase\` |
| \`pod-status-write\` | a node's write of the status in which all containers have started |
| \`api-call\` | one kind of API call as its client saw it; labels \`verb\`, \`resource\`, \`subresource\`, \`scope\`, \`source\` |
| \`network-programming\` | from a change of a Service's endpoints until a hollow kube-proxy has it in its rules: every change on every proxy |
| \`network-programming-proxy\` | the p99 of one proxy over five minutes of it, which is the official SLI; the SLO in work is on its p99 |
| \`api-call-server\` | one kind of API call as the API server measured it; nothing below 50 ms is resolved there |

\`slo\` is there where the SLI is judged. A histogram in \`histogram\` opens in any HDR viewer.`,
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
  ['Slow pods', 'slowPod', 'The pods that took longest to start, with their path.'],
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

Times of day are RFC 3339 in UTC; \`atMs\` counts milliseconds from the run's start.

## The whole

${fieldTable(root, explained(root, ''), names, 'required')}

${inner.join('\n')}
${rest.join('\n')}
## Units

The closed list: ${units}. ${define('unit').description?.split('. ')[1] ?? ''}
`;
}

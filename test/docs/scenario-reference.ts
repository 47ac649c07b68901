import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-info.ts';
import { type Names, type Schema, escape, fieldTable, resolve } from './schema-reference.ts';

/** Definitions that have a section of their own, and the simple ones that are words for a value. */
const names: Names = {
  nodes: '[nodes](#nodes)',
  taint: '[taints](#taints)',
  nodeGroup: '[groups](#groups)',
  runtime: '[runtime](#values)',
  images: '[images](#images)',
  imageSettings: '[image settings](#images)',
  namespaces: '[namespaces](#namespaces)',
  controlPlane: '[control plane](#control-plane)',
  phase: '[phases](#phases)',
  pacing: '[pacing](#pacing)',
  threshold: '[thresholds](#thresholds)',
  windows: '[windows](#windows)',
  dnsLabel: '[name](#values)',
  componentFlags: 'values by flag',
  nodeAnswers: '[answers](#answers)',
  podFailure: '[failures](#failures-of-pods)',
  jobFailure: '[failures](#failures-of-jobs)',
  share: '[share](#values)',
  phaseName: '[name](#values)',
  duration: '[duration](#values)',
  quantity: '[quantity](#values)',
  resources: '[quantities](#values) by resource',
  qualifiedName: '[key](#values)',
  labelValue: '[label value](#values)',
  image: '[image](#values)',
};

const values: readonly [title: string, definition: string][] = [
  ['name', 'dnsLabel'],
  ['duration', 'duration'],
  ['quantity', 'quantity'],
  ['share', 'share'],
  ['quantities by resource', 'resources'],
  ['key', 'qualifiedName'],
  ['label value', 'labelValue'],
  ['image', 'image'],
  ['runtime', 'runtime'],
];

const paragraph = (text: string | undefined): string => (text === undefined ? '' : `${text}\n\n`);

/** docs/scenarios.md. */
export function renderScenarioReference(): string {
  const root = JSON.parse(
    readFileSync(join(packageRoot, 'scenarios/scenario.schema.json'), 'utf8'),
  ) as Schema;
  const define = (name: string): Schema => resolve(root, { $ref: `#/definitions/${name}` });
  const section = (title: string, name: string): string =>
    `## ${title}\n\n${paragraph(define(name).description)}${fieldTable(root, define(name), names, 'default')}\n`;
  const variants = (name: string): string =>
    (define(name).oneOf ?? [])
      .map((branch) => resolve(root, branch))
      .map(
        (branch) =>
          `### ${branch.title ?? ''}\n\n${branch.description ?? ''}\n\n${fieldTable(root, branch, names, 'default')}\n`,
      )
      .join('\n');
  const valueRows = values.map(([title, name]) => {
    // Messages of the schema's own begin with what is wrong: `must be a duration such as 30s`.
    const message = (define(name).errorMessage ?? '').replace(/^(?:must be|is not) /, '');
    return `| ${title} | ${escape(message)} |`;
  });
  const capacity = define('nodes').properties?.['capacity'] ?? {};

  return `# Scenarios

${root.description ?? ''}

A scenario is a YAML file. \`npx hollowmark validate FILE\` checks it without running anything: it names the file, the
line and the path of whatever is wrong, and says whether the nodes would hold the pods. Editors check it too when it
starts with

    # yaml-language-server: $schema=./scenario.schema.json

Any value can be changed for one run with \`--set path=value\`; phases are named by their name or their index:
\`--set phases.fill.podsPerNode=20\`, \`--set phases[0].podsPerNode=20\`. This page is written from
\`scenarios/scenario.schema.json\` by \`npm run docs\`.

${fieldTable(root, root, names, 'default')}

${section('Nodes', 'nodes')}
### capacity

${capacity.description ?? ''}

${fieldTable(root, capacity, names, 'default')}

${section('Groups', 'nodeGroup')}
${section('Taints', 'taint')}
## Images

${define('images').description ?? ''} [Runtimes](runtimes.md) says how pulls go.

${fieldTable(root, define('imageSettings'), names, 'default')}

${section('Namespaces', 'namespaces')}
${section('Control plane', 'controlPlane')}
## Phases

Phases run one after the other, once every node is Ready. One that does not complete ends the run.

${variants('phase')}
${section('Answers', 'nodeAnswers')}
## Failures of pods

${define('podFailure').description ?? ''}

${variants('podFailure')}
${section('Failures of Jobs', 'jobFailure')}
## Pacing

${define('pacing').description ?? ''}

${variants('pacing')}
## Thresholds

${root.properties?.['thresholds']?.description ?? ''}

${fieldTable(root, define('threshold'), names, 'default')}

${section('Windows', 'windows')}
## Values

| value | it |
|---|---|
${valueRows.join('\n')}
`;
}

import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import yargs, { type Argv } from 'yargs';
import { systemClock } from '../base/clock.ts';
import { tool } from '../base/package-info.ts';
import { renderPngs } from '../report/png/render-png.ts';
import { costGoal, measureCost, meetsCostGoal, renderCost } from './cost/measure-cost.ts';
import { gateEvidence, missedLimits, renderGateEvidence } from './gate/gate-evidence.ts';
import { gateRuns } from './gate/gate-runs.ts';
import { type MemoryFlags, measureMemory, renderMemory } from './memory.ts';
import { contenders, jsonContender } from './peers/contenders.ts';
import { peerChart, peerRows, renderRows } from './peers/figures.ts';
import { type Headline, measureHeadline, renderHeadline } from './peers/headline.ts';
import { type PeerSample, measureSlopes } from './peers/slopes.ts';
import { wireProfileNames } from '../hollow/wire-profile.ts';
import { measureLeases, renderLeases } from './lease.ts';
import { measureWire, renderWire } from './wire.ts';

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  node: process.version,
};

/** What the ratios in a table refer to. */
const reference = 'KWOK';

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Writes `<name>.json` and `<name>.md` into a folder, and the latter to stdout. */
function save(out: string, name: string, data: object, text: string): void {
  mkdirSync(out, { recursive: true });
  const json = JSON.stringify({ tool, machine, ...data }, undefined, 2);
  writeFileSync(join(out, `${name}.json`), `${json}\n`);
  writeFileSync(join(out, `${name}.md`), text);
  process.stdout.write(text);
}

const onMachine = `${machine.cpu}, ${machine.cores} cores with the control plane on them, Node ${machine.node}.`;

type PeerFlags = {
  contenders: string[];
  from: number;
  to: number;
  runs: number;
  'more-pods': number;
  idle: number;
  rate: number;
  out: string;
};

/**
 * What a node and a pod cost, as the slope between two sizes of fleet, so that what the process costs without any node
 * drops out. Several runs, interleaved; medians. Each contender has the same kind of control plane, one after the other.
 */
async function benchPeers(name: string, flags: PeerFlags): Promise<void> {
  const samples: PeerSample[] = [];
  for (let run = 1; run <= flags.runs; run++) {
    for (const contender of flags.contenders) {
      const share = contenders[contender]?.nodesShare ?? 1;
      for (const size of [flags.from, flags.to]) {
        const nodes = Math.max(1, Math.round(size * share));
        say(`run ${run} of ${flags.runs}: ${contender}, ${nodes} nodes`);
        const sample = await measureSlopes({
          contender,
          nodes,
          idleMs: flags.idle * 1000,
          morePodsPerNode: size === flags.to ? flags['more-pods'] : 0,
          burst: size === flags.to,
          podsPerSecond: Math.max(1, flags.rate * (share === 1 ? 1 : 0.2)),
          clock: systemClock,
          say,
        });
        samples.push(sample);
      }
    }
  }
  const rows = peerRows(samples);
  const text = [
    onMachine,
    `Slopes from ${flags.from} to ${flags.to} nodes (kubemark: a hundredth of that), ${flags.runs === 1 ? 'one run each' : `medians of ${flags.runs} runs`}; in parentheses multiples of ${reference}.`,
    '',
    renderRows(rows, reference),
  ].join('\n');
  save(flags.out, name, { flags, samples, rows }, text);
  const { files, warning } = await renderPngs([peerChart(rows, reference)]);
  for (const file of files) writeFileSync(join(flags.out, file.name), file.bytes);
  if (warning !== undefined) say(warning);
}

type HeadlineFlags = {
  contenders: string[];
  nodes: number;
  'pods-per-node': number;
  starting: number;
  out: string;
};

async function benchHeadline(flags: HeadlineFlags): Promise<void> {
  const results: Headline[] = [];
  for (const contender of flags.contenders) {
    const { nodes } = flags;
    say(`${contender}: ${nodes} nodes`);
    results.push(
      await measureHeadline({
        contender,
        nodes,
        podsPerNode: flags['pods-per-node'],
        podsPerDeployment: Math.max(1, Math.min(100, Math.floor(flags.starting / 3))),
        startingMax: flags.starting,
        clock: systemClock,
        say,
      }),
    );
    // After each, as the next one takes half an hour.
    save(flags.out, 'headline', { flags, results }, `${onMachine}\n\n${renderHeadline(results)}`);
  }
}

async function benchMemory(flags: MemoryFlags & { out: string }): Promise<void> {
  const figures = await measureMemory(flags, say);
  save(flags.out, 'memory', { flags, figures }, renderMemory(flags, figures));
}

type GateFlags = {
  runs: number;
  delayed: number;
  'delay-ms': number;
  nodes: number;
  minutes: number;
  trials: number;
  out: string;
};

/** Real runs, kept beside what was measured, and a gate called on them some hundred times. */
async function benchGate(flags: GateFlags): Promise<void> {
  const { runs, delayed, nodes, minutes, trials, out } = flags;
  const delayMs = flags['delay-ms'];
  if (delayMs < 1) throw new RangeError('--delay-ms: at least 1, or there is nothing to see');
  const dir = join(out, 'gate-runs');
  const found = await gateRuns({ dir, plain: runs, delayed, delayMs, nodes, minutes, say });
  if (!found.complete) say(`not all runs are there yet: the same command goes on from those in ${dir}`);
  const evidence = gateEvidence(found, { trials, delayMs, seed: 'gate' });
  save(out, 'gate', { flags, evidence }, `${onMachine}\n\n${renderGateEvidence(evidence)}`);
  if (missedLimits(evidence).length > 0) process.exitCode = 1;
}

function contenderFlags<T>(command: Argv<T>, defaults: string[]) {
  return command.option('contenders', {
    type: 'string',
    array: true,
    choices: Object.keys(contenders),
    default: defaults,
    describe: 'Who takes part',
  });
}

function peerFlags<T>(command: Argv<T>, defaults: string[]) {
  return contenderFlags(command, defaults)
    .option('from', { type: 'number', default: 200, describe: 'Nodes of the small fleet' })
    .option('to', { type: 'number', default: 1000, describe: 'Nodes of the large fleet' })
    .option('runs', { type: 'number', default: 3, describe: 'Runs of each' })
    .option('more-pods', {
      type: 'number',
      default: 22,
      describe: 'Pods a node of the large fleet, beyond one of each of 8 namespaces',
    })
    .option('idle', { type: 'number', default: 60, describe: 'Seconds over which idle nodes are watched' })
    .option('rate', { type: 'number', default: 60, describe: 'Pods a second that are asked for' });
}

const peers = Object.keys(contenders).filter((name) => name !== jsonContender);
const hollowmarks = peers.filter((name) => name.startsWith('Hollowmark'));

await yargs(process.argv.slice(2))
  .scriptName('npm run bench --')
  .option('out', { type: 'string', default: 'reports/bench', describe: 'Folder for what was measured' })
  .command(
    '$0',
    'What hollow nodes and pods cost the harness, as a slope between two fleets',
    (command) => peerFlags(command, hollowmarks.slice(0, 1)),
    (flags) => benchPeers('bench', flags),
  )
  .command(
    'peers',
    'The same of all wire profiles, of KWOK and of kubemark, side by side',
    (command) => peerFlags(command, peers),
    (flags) => benchPeers('peers', flags),
  )
  .command(
    'headline',
    'How long 2,000 nodes take to be filled with 60,000 pods, beside KWOK',
    (command) =>
      contenderFlags(command, [...hollowmarks.slice(0, 2), reference])
        .option('nodes', { type: 'number', default: 2000, describe: 'Nodes' })
        .option('pods-per-node', { type: 'number', default: 30, describe: 'Pods a node' })
        .option('starting', {
          type: 'number',
          default: 300,
          describe: 'Pods that are asked for and have not started, at most',
        }),
    (flags) => benchHeadline(flags),
  )
  .command(
    'lease',
    'What the renewal of a lease costs',
    (command) =>
      command
        .option('nodes', { type: 'number', default: 200, describe: 'Nodes that renew' })
        .option('rates', {
          type: 'number',
          array: true,
          default: [20, 200, 400],
          describe: 'Renewals a second of all nodes together',
        })
        .option('seconds', { type: 'number', default: 30, describe: 'How long each rate is measured' }),
    async ({ nodes, rates, seconds, out }) => {
      const figures = await measureLeases({
        nodes,
        rates,
        windowMs: seconds * 1000,
        clock: systemClock,
        say,
      });
      save(out, 'lease', { nodes, figures }, `${onMachine}\n\n${renderLeases(figures)}`);
    },
  )
  .command(
    'wire',
    'What it costs to read and write objects as JSON and as protobuf',
    (command) =>
      command
        .option('pods', { type: 'number', default: 10_000, describe: 'Pods read and written in a round' })
        .option('rounds', { type: 'number', default: 9, describe: 'Rounds, of which the median counts' }),
    ({ pods, rounds, out }) => {
      const result = measureWire(pods, rounds, say);
      save(out, 'wire', result, renderWire(result));
    },
  )
  .command(
    'measure',
    `What measuring costs the harness in a real run, from CPU profiles; at most ${costGoal * 100} % is the goal`,
    (command) =>
      command
        .option('nodes', { type: 'number', default: 1000, describe: 'Nodes' })
        .option('pods-per-node', { type: 'number', default: 10, describe: 'Pods a node' })
        .option('steady', { type: 'number', default: 30, describe: 'Seconds in which nothing is asked for' }),
    async ({ nodes, 'pods-per-node': podsPerNode, steady, out }) => {
      const cost = await measureCost({ nodes, podsPerNode, steadySeconds: steady, say });
      save(out, 'measure', { cost }, `${onMachine}\n\n${renderCost(cost)}`);
      if (!meetsCostGoal(cost)) process.exitCode = 1;
    },
  )
  .command(
    'gate',
    'How often the gate raises false alarms, and what it sees, on real short runs; goes on where it was stopped',
    (command) =>
      command
        .option('runs', { type: 'number', default: 32, describe: 'Runs of the same thing' })
        .option('delayed', { type: 'number', default: 10, describe: 'Runs with a slower etcd' })
        .option('delay-ms', {
          type: 'number',
          default: 20,
          describe: 'How long a proxy before etcd holds all bytes, each way',
        })
        .option('nodes', { type: 'number', default: 30, describe: 'Nodes' })
        .option('minutes', { type: 'number', default: 60, describe: 'No run is begun later than that' })
        .option('trials', { type: 'number', default: 1000, describe: 'Calls of the gate for each figure' }),
    (flags) => benchGate(flags),
  )
  .command(
    'memory',
    'What hollow nodes and running pods take of the heap, without a control plane',
    (command) =>
      command
        .option('nodes', { type: 'number', default: 300, describe: 'Nodes' })
        .option('pods-per-node', { type: 'number', default: 30, describe: 'Pods a node' })
        .option('rounds', { type: 'number', default: 3, describe: 'Rounds, of which the median counts' })
        .option('profile', {
          choices: wireProfileNames,
          default: wireProfileNames[0],
          describe: 'What nodes send',
        }),
    (flags) => benchMemory(flags),
  )
  .strict()
  .parseAsync();
process.exit();

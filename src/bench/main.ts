import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { systemClock } from '../base/clock.ts';
import { tool } from '../base/package-info.ts';
import { type Sample, measureNodes } from './measure-nodes.ts';
import { figures, renderTable } from './table.ts';
import { measureWire, renderWire } from './wire.ts';

const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  node: process.version,
};

const say = (text: string): void => void process.stderr.write(`${text}\n`);

/** Writes `<name>.json` and `<name>.md` into a folder, and the latter to stdout. */
function save(out: string, name: string, data: object, text: string): void {
  mkdirSync(out, { recursive: true });
  const json = JSON.stringify({ tool, machine, ...data }, undefined, 2);
  writeFileSync(join(out, `${name}.json`), `${json}\n`);
  writeFileSync(join(out, `${name}.md`), text);
  process.stdout.write(text);
}

type NodeOptions = {
  from: number;
  to: number;
  runs: number;
  'pods-per-node': number;
  idle: number;
  out: string;
};

/**
 * What a hollow node and a pod cost, as the slope between two sizes of fleet, so that what the process costs without any
 * node drops out. Several runs, interleaved; medians.
 */
async function benchNodes(options: NodeOptions): Promise<void> {
  const samples: Sample[] = [];
  for (let run = 1; run <= options.runs; run++) {
    for (const nodes of [options.from, options.to]) {
      say(`run ${run} of ${options.runs}: ${nodes} nodes`);
      const sample = await measureNodes({
        nodes,
        // Only the large fleet runs pods: theirs is no slope over nodes.
        podsPerNode: nodes === options.to ? options['pods-per-node'] : 0,
        idleMs: options.idle * 1000,
        stateDir: join(tmpdir(), `hollowmark-bench-${process.pid}-${run}-${nodes}`),
        clock: systemClock,
        say,
      });
      samples.push(sample);
      say(`  ${JSON.stringify(sample)}`);
    }
  }
  const table = figures(samples, options.from, options.to);
  const text = renderTable(table, { ...options, podsPerNode: options['pods-per-node'] }, machine);
  save(options.out, 'bench', { options, samples, figures: table }, text);
}

await yargs(process.argv.slice(2))
  .scriptName('npm run bench --')
  .option('out', { type: 'string', default: 'reports/bench', describe: 'Folder for what was measured' })
  .command(
    '$0',
    'What hollow nodes and pods cost the harness, as a slope between two fleets',
    (command) =>
      command
        .option('from', { type: 'number', default: 200, describe: 'Nodes of the small fleet' })
        .option('to', { type: 'number', default: 1000, describe: 'Nodes of the large fleet' })
        .option('runs', { type: 'number', default: 3, describe: 'Runs of each' })
        .option('pods-per-node', {
          type: 'number',
          default: 10,
          describe: 'Pods started and deleted on each node of the large fleet',
        })
        .option('idle', {
          type: 'number',
          default: 60,
          describe: 'Seconds over which idle nodes are watched',
        }),
    (options) => benchNodes(options),
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
  .strict()
  .parseAsync();
process.exit(0);

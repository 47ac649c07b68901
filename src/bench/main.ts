import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, tmpdir, totalmem } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { systemClock } from '../base/clock.ts';
import { tool } from '../base/package-info.ts';
import { type Sample, measureNodes } from './measure-nodes.ts';
import { type Figure, figures, renderTable } from './table.ts';

/**
 * `npm run bench`: what a hollow node and a pod cost, as the slope between two sizes of fleet, so that what the process
 * costs without any node drops out. Several runs, interleaved; medians.
 */
const options = await yargs(process.argv.slice(2))
  .usage(
    'npm run bench -- [options]\n\nWhat hollow nodes and pods cost the harness, as a slope between two fleets.',
  )
  .option('from', { type: 'number', default: 200, describe: 'Nodes of the small fleet' })
  .option('to', { type: 'number', default: 1000, describe: 'Nodes of the large fleet' })
  .option('runs', { type: 'number', default: 3, describe: 'Runs of each' })
  .option('pods-per-node', {
    type: 'number',
    default: 10,
    describe: 'Pods started and deleted on each node of the large fleet',
  })
  .option('idle', { type: 'number', default: 60, describe: 'Seconds over which idle nodes are watched' })
  .option('out', { type: 'string', default: 'reports/bench', describe: 'Folder for bench.json and bench.md' })
  .strict()
  .parseAsync();

const say = (text: string): void => void process.stderr.write(`${text}\n`);
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
const table: Figure[] = figures(samples, options.from, options.to);
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  node: process.version,
};
const text = renderTable(table, { ...options, podsPerNode: options['pods-per-node'] }, machine);
mkdirSync(options.out, { recursive: true });
writeFileSync(
  join(options.out, 'bench.json'),
  `${JSON.stringify({ tool, machine, options, samples, figures: table }, undefined, 2)}\n`,
);
writeFileSync(join(options.out, 'bench.md'), text);
process.stdout.write(text);
process.exit(0);

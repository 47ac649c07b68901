import { mkdirSync, writeFileSync } from 'node:fs';
import { availableParallelism, cpus, totalmem } from 'node:os';
import { join } from 'node:path';
import yargs from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { tool } from '../../base/package-info.ts';
import { renderPngs } from '../../report/png/render-png.ts';
import type { Contender } from './contender.ts';
import { peerChart, peerRows, renderRows } from './figures.ts';
import { HollowmarkContender } from './hollowmark.ts';
import { KwokContender } from './kwok.ts';
import { type PeerSample, measurePeer } from './measure.ts';

/**
 * `npm run bench:peers`: what a node and a pod cost with Hollowmark, with KWOK and with kubemark, on the same kind of
 * control plane on this machine, one after the other. Fleets of two sizes, so that what a process costs without any
 * node drops out; several runs, interleaved; medians.
 */
const contenders: Record<string, () => Contender> = {
  'Hollowmark kubelet': () => new HollowmarkContender(),
  KWOK: () => new KwokContender(process.env['KWOK'] ?? '', process.env['KWOK_STAGES'] ?? ''),
};

const options = await yargs(process.argv.slice(2))
  .usage('npm run bench:peers -- [options]\n\nWhat a node and a pod cost, side by side.')
  .option('contenders', {
    type: 'string',
    array: true,
    choices: Object.keys(contenders),
    default: Object.keys(contenders),
    describe: 'Who takes part',
  })
  .option('from', { type: 'number', default: 200, describe: 'Nodes of the small fleet' })
  .option('to', { type: 'number', default: 1000, describe: 'Nodes of the large fleet' })
  .option('runs', { type: 'number', default: 3, describe: 'Runs of each' })
  .option('more-pods', { type: 'number', default: 22, describe: 'Pods a node beyond 8, on the large fleet' })
  .option('idle', { type: 'number', default: 60, describe: 'Seconds over which idle nodes are watched' })
  .option('rate', { type: 'number', default: 60, describe: 'Pods a second that are asked for' })
  .option('out', { type: 'string', default: 'reports/peers', describe: 'Folder for what comes of it' })
  .strict()
  .parseAsync();

const say = (text: string): void => void process.stderr.write(`${text}\n`);
const samples: PeerSample[] = [];
for (let run = 1; run <= options.runs; run++) {
  for (const contender of options.contenders) {
    for (const nodes of [options.from, options.to]) {
      say(`run ${run} of ${options.runs}: ${contender}, ${nodes} nodes`);
      samples.push(
        await measurePeer({
          contender,
          make: contenders[contender] as () => Contender,
          nodes,
          idleMs: options.idle * 1000,
          morePodsPerNode: nodes === options.to ? options['more-pods'] : 0,
          podsPerSecond: options.rate,
          clock: systemClock,
          say,
        }),
      );
    }
  }
}
const rows = peerRows(samples);
const machine = {
  cpu: cpus()[0]?.model ?? 'unknown',
  cores: availableParallelism(),
  memoryBytes: totalmem(),
  node: process.version,
};
const reference = 'KWOK';
const text = [
  `${machine.cpu}, ${machine.cores} cores with the control plane on them, Node ${machine.node}.`,
  `Slopes from ${options.from} to ${options.to} nodes, medians of ${options.runs} runs; in parentheses multiples of ${reference}.`,
  '',
  renderRows(rows, reference),
].join('\n');
mkdirSync(options.out, { recursive: true });
writeFileSync(
  join(options.out, 'peers.json'),
  `${JSON.stringify({ tool, machine, options, samples, rows }, undefined, 2)}\n`,
);
writeFileSync(join(options.out, 'peers.md'), text);
const { files, warning } = await renderPngs([peerChart(rows, reference)]);
for (const { name, bytes } of files) writeFileSync(join(options.out, name), bytes);
if (warning !== undefined) say(warning);
process.stdout.write(text);
process.exit(0);

import { join, resolve } from 'node:path';
import { gzipSync } from 'node:zlib';
import type { Argv, CommandModule } from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { compareNodes } from '../../fidelity/compare-nodes.ts';
import type { Comparison } from '../../fidelity/comparison.ts';
import type { Role } from '../../fidelity/in-turns.ts';
import { renderMarkdown } from '../../fidelity/markdown.ts';
import { type Reference, references } from '../../fidelity/references.ts';
import type { SideRun } from '../../fidelity/run-side.ts';
import { planDensity } from '../../fidelity/trend/trend.ts';
import { nodesMax, planWork, podsPerNodeMax } from '../../fidelity/work/plan.ts';
import { claimFolder } from '../claim-folder.ts';
import { writeFileAtomically } from '../../result/atomic-file.ts';
import type { RuntimeProfile } from '../../hollow/runtime/runtime-profile.ts';
import { findRuntime } from '../../scenario/runtimes.ts';
import { durationMsMax, formatDuration, parseDurationMs } from '../../scenario/duration.ts';
import type { CommandContext } from '../context.ts';
import { exitCodes } from '../exit-codes.ts';
import { fidelityTrend } from '../fidelity-trend.ts';
import { renderComparison } from '../fidelity-table.ts';
import { type ControlPlaneFlags, binariesOptions, checkedBinaries, positiveInteger } from '../options.ts';
import { type Session, inSession } from '../session.ts';
import { parseSteps } from '../slow-steps.ts';
import { fileLink, terminalOf } from '../terminal.ts';

type FidelityFlags = ControlPlaneFlags & {
  against: Reference;
  nodes: number | undefined;
  pods: number | undefined;
  repeat: number | undefined;
  idle: string | undefined;
  short: boolean;
  trend: boolean;
  slow: string[] | undefined;
  runtime: string | undefined;
  out: string | undefined;
  quiet: boolean;
  json: boolean;
};

/** What the flags are when they are not given, in the long form and in the short one. */
const defaults = {
  long: { pods: 30, repeat: 3, idle: '5m' },
  short: { pods: 10, repeat: 1, idle: '20s' },
  /** There is one real node; of kubemark's, three show what differs between nodes. */
  nodes: { kubelet: 1, kubemark: 3, hollow: 3 },
  trend: { pods: 30, repeat: 3, slow: ['etcd=20ms'], nodes: { kubelet: 1, kubemark: 4, hollow: 4 } },
};

/** With two runs, the spread is so little known that hardly anything can be shown. */
const trendRepeatMin = 3;

/** `fidelity`: the same work with reference nodes and with hollow ones, and what differs on the wire. */
export function fidelityCommand(context: CommandContext): CommandModule<object, FidelityFlags> {
  const { long, short, trend } = defaults;
  return {
    command: 'fidelity',
    describe: 'Compare what hollow nodes send with what real or kubemark nodes send',
    builder: (yargs: Argv) =>
      binariesOptions(yargs)
        .option('against', {
          type: 'string',
          choices: references,
          demandOption: true,
          describe: 'The reference: a real node (as root), kubemark nodes, or hollow ones to test the test',
          requiresArg: true,
        })
        .option('nodes', {
          type: 'number',
          defaultDescription: '3, with --trend 4; of a kubelet 1',
          describe: 'Nodes of each side; there can only be one real node',
          requiresArg: true,
        })
        .option('pods', {
          type: 'number',
          defaultDescription: `${long.pods}, with --short ${short.pods}, with --trend ${trend.pods}`,
          describe: 'Pods of Deployments on each node; with --trend, pods of each round',
          requiresArg: true,
        })
        .option('repeat', {
          type: 'number',
          defaultDescription: `${long.repeat}, with --short ${short.repeat}, with --trend ${trend.repeat}`,
          describe: `How often each side does the work, in turns; with --trend at least ${trendRepeatMin}`,
          requiresArg: true,
        })
        .option('idle', {
          type: 'string',
          defaultDescription: `${long.idle}, with --short ${short.idle}`,
          describe: 'How long the idle phase lasts; not with --trend',
          requiresArg: true,
        })
        .option('short', {
          type: 'boolean',
          default: false,
          describe: 'A few minutes instead of an hour, as CI does it; not with --trend',
        })
        .option('trend', {
          type: 'boolean',
          default: false,
          describe: 'Compare instead how startup and API latencies move when the API server is slowed down',
        })
        .option('slow', {
          type: 'string',
          array: true,
          defaultDescription: trend.slow.join(' '),
          describe:
            'With --trend, by what: cpu=50% of one core, etcd=20ms each way; several are done one after the other',
          requiresArg: true,
        })
        .option('runtime', {
          type: 'string',
          describe:
            'Container runtime of the hollow nodes, by name or file: figures of your own real node; not with kubemark',
          requiresArg: true,
        })
        .option('out', {
          type: 'string',
          describe:
            'Folder for table and figures, without --trend recordings too (default: reports/<run id>)',
          requiresArg: true,
        })
        .option('quiet', { type: 'boolean', default: false, describe: 'No progress, only the outcome' })
        .option('json', { type: 'boolean', default: false, describe: 'JSON lines on stdout' })
        .example('$0 fidelity --against kubelet --short', 'One real node (as root), ten pods, once')
        .example(
          '$0 fidelity --against kubelet --runtime ./mine.json',
          'With figures of this machine’s runtime',
        )
        .example('$0 fidelity --against kubemark --nodes 10 --repeat 5', 'More nodes, more often')
        .example(
          '$0 fidelity --against kubemark --trend --slow cpu=20%',
          'How latencies move when the API server gets a fifth of a core',
        ),
    handler: (flags) => context.finish(fidelity(flags, context)),
  };
}

async function fidelity(flags: FidelityFlags, context: CommandContext): Promise<number> {
  const { against, quiet, json, short, trend } = flags;
  if (!trend && flags.slow !== undefined) throw new HollowmarkError('bad-input', '--slow: needs --trend');
  const usual = short ? defaults.short : defaults.long;
  const usualNodes = trend ? defaults.trend.nodes : defaults.nodes;
  const nodes = atMost(nodesMax, '--nodes', flags.nodes) ?? usualNodes[against];
  if (against === 'kubelet' && nodes > 1) {
    throw new HollowmarkError('bad-input', '--nodes: there can only be one real node on a machine', {
      hint: 'leave it out, or compare with kubemark nodes: --against kubemark',
    });
  }
  const runtime = ownRuntime(flags);
  const pods = atMost(podsPerNodeMax, '--pods', flags.pods, 'with the others a node holds its 110');
  if (trend) return ofTrends(flags, { nodes, pods, runtime }, context);
  const plan = planWork(against, {
    nodes,
    podsPerNode: pods ?? usual.pods,
    idleMs: idleMs(flags.idle ?? usual.idle),
    short,
  });
  const repeats = positiveInteger('--repeat', flags.repeat) ?? usual.repeat;
  const binaries = checkedBinaries(flags);
  const name = `fidelity-${against}`;
  return inSession(context, { name, quiet, json, onSignal: 'stopping' }, async (session) => {
    const { journal, display, interruption, runId } = session;
    const out = resolve(flags.out ?? join('reports', runId));
    claimFolder(out, journal);
    const comparison = await compareNodes({
      against,
      runtime,
      plan,
      repeats,
      binaries,
      stateDir: journal.dir,
      children: journal,
      clock: systemClock,
      reporter: display,
      signal: interruption.signal,
      onRun: (run, role, index) => saveRecording(out, run, role, index),
    });
    writeFileAtomically(join(out, 'fidelity.json'), `${JSON.stringify(comparison, undefined, 2)}\n`);
    writeFileAtomically(join(out, 'fidelity.md'), renderMarkdown(comparison));
    display.close();
    announce(flags, comparison, out, session);
    return comparison.passed ? exitCodes.pass : exitCodes.missed;
  });
}

function ofTrends(
  flags: FidelityFlags,
  { nodes, pods, runtime }: { nodes: number; pods: number | undefined; runtime: RuntimeProfile | undefined },
  context: CommandContext,
): Promise<number> {
  const { against, out, quiet, json } = flags;
  const useless = flags.short ? '--short' : flags.idle === undefined ? undefined : '--idle';
  if (useless !== undefined) {
    throw new HollowmarkError('bad-input', `${useless}: not with --trend`, {
      hint: 'fewer --nodes or --pods make it shorter',
    });
  }
  const repeats = positiveInteger('--repeat', flags.repeat) ?? defaults.trend.repeat;
  if (repeats < trendRepeatMin) {
    throw new HollowmarkError('bad-input', `--repeat: with --trend at least ${trendRepeatMin}`, {
      hint: 'what fewer runs agree or differ in is not told from chance',
    });
  }
  return fidelityTrend(
    {
      against,
      runtime,
      plan: planDensity({ nodes, podsPerNode: pods ?? defaults.trend.pods }),
      steps: parseSteps(flags.slow ?? defaults.trend.slow),
      repeats,
      binaries: checkedBinaries(flags),
      out,
      quiet,
      json,
    },
    context,
  );
}

/** @throws HollowmarkError `bad-input`. */
function ownRuntime({ against, runtime }: FidelityFlags): RuntimeProfile | undefined {
  if (runtime === undefined) return undefined;
  if (against === 'kubemark') {
    throw new HollowmarkError('bad-input', '--runtime: not with --against kubemark', {
      hint: 'its nodes have a fake runtime, whose times are known',
    });
  }
  return findRuntime(runtime);
}

/** @throws HollowmarkError `bad-input`. */
function atMost(max: number, flag: string, value: number | undefined, hint?: string): number | undefined {
  const checked = positiveInteger(flag, value);
  if (checked === undefined || checked <= max) return checked;
  throw new HollowmarkError('bad-input', `${flag}: at most ${max}`, hint === undefined ? {} : { hint });
}

/** @throws HollowmarkError `bad-input`. */
function idleMs(text: string): number {
  const durationMs = parseDurationMs(text);
  if (durationMs === undefined) {
    throw new HollowmarkError('bad-input', `--idle: "${text}" is not a duration`, {
      hint: 'such as 90s, 5m or 1h30m',
    });
  }
  if (durationMs > durationMsMax) {
    throw new HollowmarkError('bad-input', `--idle: at most ${formatDuration(durationMsMax)}`);
  }
  return durationMs;
}

/** Requests, connections and audit events of one run: JSON lines, compressed. */
function saveRecording(out: string, { recording, audit, work }: SideRun, role: Role, index: number): void {
  const lines = [
    ...work.phases.map((phase) => ({ type: 'phase', ...phase })),
    ...recording.connections.map((connection) => ({ type: 'connection', ...connection })),
    ...recording.requests.map((request) => ({ type: 'request', ...request })),
    ...audit.map((event) => ({ type: 'audit', ...event })),
    ...work.snapshots.map((snapshot) => ({ type: 'snapshot', ...snapshot })),
  ];
  const text = lines.map((line) => `${JSON.stringify(line)}\n`).join('');
  writeFileAtomically(join(out, `${role}-${index + 1}.jsonl.gz`), gzipSync(text));
}

function announce(flags: FidelityFlags, comparison: Comparison, out: string, { runId }: Session): void {
  const table = join(out, 'fidelity.md');
  if (flags.json) {
    const { passed, findings, against, version } = comparison;
    const { unexpected, known, closed } = findings;
    const line = {
      type: 'fidelity',
      id: runId,
      against,
      version,
      passed,
      unexpected,
      knownGaps: known.map(({ gap, findings: found }) => ({ id: gap.id, differences: found.length })),
      closedGaps: closed.map(({ id }) => id),
      result: join(out, 'fidelity.json'),
      table,
    };
    process.stdout.write(`${JSON.stringify(line)}\n`);
    return;
  }
  const terminal = terminalOf(process.stdout);
  const lines = renderComparison(comparison, terminal);
  process.stdout.write(`${lines.join('\n')}\ntable: ${fileLink(table, terminal)}\n`);
}

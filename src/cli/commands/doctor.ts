import type { Argv, CommandModule } from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { silentReporter } from '../../base/reporter.ts';
import { stateRoot } from '../../journal/journal.ts';
import { type Check, type Size, enoughFor } from '../../preflight/check.ts';
import { podsPerNodeUsual } from '../../preflight/costs.ts';
import { examine } from '../../preflight/preflight.ts';
import { totalPods } from '../../scenario/estimate.ts';
import { loadScenario } from '../../scenario/load-scenario.ts';
import type { CommandContext } from '../context.ts';
import { renderChecks } from '../doctor-table.ts';
import { exitCodes } from '../exit-codes.ts';
import { terminalOf } from '../terminal.ts';
import { type ControlPlaneFlags, binariesOptions, checkedBinaries, positiveInteger } from '../options.ts';

type DoctorFlags = ControlPlaneFlags & {
  nodes: number | undefined;
  pods: number | undefined;
  scenario: string | undefined;
  json: boolean;
};

/** Of the quickstart, about. */
const nodesUsual = 100;

/** `doctor`: what this machine has, how many nodes that is enough for, and what mends what is missing. */
export function doctorCommand(context: CommandContext): CommandModule<object, DoctorFlags> {
  return {
    command: 'doctor',
    describe: 'Check what this machine has, and how many nodes that is enough for',
    builder: (yargs: Argv) =>
      binariesOptions(yargs)
        .option('nodes', {
          type: 'number',
          describe: `Judge for so many hollow nodes (default: the scenario's, or ${nodesUsual})`,
          requiresArg: true,
        })
        .option('pods', {
          type: 'number',
          describe: `… and so many pods in all (default: the scenario's, or ${podsPerNodeUsual} a node)`,
          requiresArg: true,
        })
        .option('scenario', { type: 'string', describe: 'Judge for this scenario', requiresArg: true })
        .option('json', { type: 'boolean', default: false, describe: 'JSON on stdout' })
        .example('$0 doctor', 'Is this machine fit for the quickstart, and how far does it go?')
        .example('$0 doctor --nodes 5000 --pods 20000', 'Would it do for 5,000 nodes with 20,000 pods?')
        .example('$0 doctor --scenario scenarios/density.yaml', 'Would it do for the density test?'),
    handler: (flags) => context.finish(doctor(flags, context)),
  };
}

async function doctor(flags: DoctorFlags, context: CommandContext): Promise<number> {
  const size = sizeOf(flags);
  const interruption = context.interruption(() => {});
  const checks = await examine(
    size,
    { stateDir: stateRoot(), reportDir: 'reports', clock: systemClock },
    { ...checkedBinaries(flags), reporter: silentReporter, signal: interruption.signal },
  );
  process.stdout.write(`${flags.json ? json(checks, size) : table(checks, size)}\n`);
  return checks.some(({ verdict }) => verdict === 'fail') ? exitCodes.badInput : exitCodes.pass;
}

/** @throws HollowmarkError `bad-input` for a number that is none, or a scenario that does not load. */
function sizeOf(flags: DoctorFlags): Size {
  const nodes = positiveInteger('--nodes', flags.nodes);
  const pods = flags.pods === 0 ? 0 : positiveInteger('--pods', flags.pods);
  const base = { ownControlPlane: true };
  if (flags.scenario === undefined) {
    const count = nodes ?? nodesUsual;
    return { ...base, nodes: count, pods: pods ?? count * podsPerNodeUsual, proxies: true };
  }
  const { scenario } = loadScenario(flags.scenario, { ...(nodes === undefined ? {} : { nodes }), sets: [] });
  const { count, proxies } = scenario.nodes;
  return { ...base, nodes: count, pods: pods ?? totalPods(scenario), proxies };
}

function json(checks: readonly Check[], { nodes, pods }: Size): string {
  const fit = !checks.some(({ verdict }) => verdict === 'fail');
  const enough = enoughFor(checks);
  return JSON.stringify({
    type: 'doctor',
    fit,
    nodes,
    pods,
    nodesMax: enough?.nodes ?? null,
    limitedBy: enough?.limitedBy.id ?? null,
    checks,
  });
}

function table(checks: readonly Check[], size: Size): string {
  const { color, columns } = terminalOf(process.stdout);
  return renderChecks(checks, size, { color, columns: Math.min(100, columns) }).join('\n');
}

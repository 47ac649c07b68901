import type { Argv, CommandModule } from 'yargs';
import { loadScenario } from '../../scenario/load-scenario.ts';
import { renderPlan, summariseScenario } from '../../scenario/render-plan.ts';
import type { CommandContext } from '../context.ts';
import { positiveInteger } from '../options.ts';

type ValidateFlags = {
  scenario: string;
  nodes: number | undefined;
  seed: string | undefined;
  set: string[] | undefined;
  plan: boolean;
  json: boolean;
};

/** `validate`: checks a scenario without running it. */
export function validateCommand(context: CommandContext): CommandModule<object, ValidateFlags> {
  return {
    command: 'validate <scenario>',
    describe: 'Check a scenario file without running it',
    builder: (yargs: Argv) =>
      yargs
        .positional('scenario', { type: 'string', demandOption: true, describe: 'A scenario file (YAML)' })
        .option('nodes', {
          type: 'number',
          describe: 'Hollow nodes, instead of nodes.count',
          requiresArg: true,
        })
        .option('set', {
          type: 'string',
          array: true,
          nargs: 1,
          describe: 'Change one value: path=value (repeatable)',
        })
        .option('seed', { type: 'string', describe: 'Seed of all decisions', requiresArg: true })
        .option('plan', {
          type: 'boolean',
          default: false,
          describe: 'List everything that the seed decides',
        })
        .option('json', {
          type: 'boolean',
          default: false,
          describe: 'The scenario with all defaults, as JSON',
        })
        .example('$0 validate scenarios/density.yaml --nodes 5000', 'Would 5,000 nodes hold the pods?'),
    handler: (flags) => context.finish(Promise.resolve().then(() => validate(flags))),
  };
}

function validate(flags: ValidateFlags): number {
  const nodes = positiveInteger('--nodes', flags.nodes);
  const { scenario, document, warnings } = loadScenario(flags.scenario, {
    ...(nodes === undefined ? {} : { nodes }),
    ...(flags.seed === undefined ? {} : { seed: flags.seed }),
    sets: flags.set ?? [],
  });
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  if (flags.json)
    process.stdout.write(`${JSON.stringify({ valid: true, warnings, scenario: document }, undefined, 2)}\n`);
  else
    process.stdout.write(`${(flags.plan ? renderPlan(scenario) : summariseScenario(scenario)).join('\n')}\n`);
  return 0;
}

import type { Argv, CommandModule } from 'yargs';
import { loadScenario } from '../../scenario/load-scenario.ts';
import { renderPlan, summariseScenario } from '../../scenario/render-plan.ts';
import type { CommandContext } from '../context.ts';
import { type ScenarioFlags, overridesOf, scenarioOptions } from '../options.ts';

type ValidateFlags = ScenarioFlags & { scenario: string; plan: boolean; json: boolean };

/** `validate`: checks a scenario without running it. */
export function validateCommand(context: CommandContext): CommandModule<object, ValidateFlags> {
  return {
    command: 'validate <scenario>',
    describe: 'Check a scenario file without running it',
    builder: (yargs: Argv) =>
      scenarioOptions(yargs)
        .option('plan', {
          type: 'boolean',
          default: false,
          describe: 'List everything that the seed decides',
        })
        .option('json', {
          type: 'boolean',
          default: false,
          describe: 'The scenario with all defaults (with --plan, the plan as well), as JSON',
        })
        .example('$0 validate scenarios/density.yaml --nodes 5000', 'Would 5,000 nodes hold the pods?')
        .example(
          '$0 validate scenarios/quickstart.yaml --plan --seed 7',
          'What seed 7 decides',
        ) as unknown as Argv<ValidateFlags>,
    handler: (flags) => context.finish(Promise.resolve().then(() => validate(flags))),
  };
}

function validate(flags: ValidateFlags): number {
  const { scenario, document, warnings } = loadScenario(flags.scenario, overridesOf(flags));
  for (const warning of warnings) process.stderr.write(`warning: ${warning}\n`);
  const plan = flags.plan ? renderPlan(scenario) : undefined;
  const text = flags.json
    ? JSON.stringify({ valid: true, warnings, scenario: document, plan }, undefined, 2)
    : (plan ?? summariseScenario(scenario)).join('\n');
  process.stdout.write(`${text}\n`);
  return 0;
}

import { parse } from 'yaml';
import {
  type CacheStep,
  type Condition,
  type Job,
  type Recipe,
  type Step,
  always,
  failsUnless0,
  goesWell,
  meaningOf,
  recipeText,
} from './recipe.ts';

export type GithubStep = {
  name?: string;
  if?: string;
  uses?: string;
  run?: string;
  env?: Record<string, string>;
  with?: Record<string, string | number | boolean>;
};

export type GithubWorkflow = {
  name: string;
  on: {
    schedule: { cron: string }[];
    workflow_dispatch: { inputs: Record<string, { type: string; default: unknown }> };
  };
  permissions: Record<string, string>;
  concurrency: { group: string; 'cancel-in-progress': boolean };
  env: Record<string, string>;
  defaults: { run: { shell: string } };
  jobs: Record<string, { if: string; 'runs-on': string[]; 'timeout-minutes': number; steps: GithubStep[] }>;
};

export function readGithubWorkflow(): GithubWorkflow {
  return parse(recipeText('github-actions.yml')) as GithubWorkflow;
}

/** `shell: bash`, as the runner calls it. */
const shells: Record<string, readonly string[]> = {
  bash: ['bash', '--noprofile', '--norc', '-eo', 'pipefail'],
};

const onMain: Condition = ({ branch }) => branch === 'main';

/** By the text of `if`, where `success()` is meant unless another status is named. */
const conditions: Record<string, Condition> = {
  '': goesWell,
  'always()': always,
  "always() && hashFiles('reports/tonight/result.json') != ''": ({ has }) =>
    has('reports/tonight/result.json'),
  "github.ref == 'refs/heads/main'": (job) => goesWell(job) && onMain(job),
  "!inputs.accept && github.ref == 'refs/heads/main'": (job) => goesWell(job) && !job.accept && onMain(job),
  "inputs.accept && github.ref == 'refs/heads/main'": (job) => goesWell(job) && job.accept && onMain(job),
};

/** Values of `env` of a step; nobody asks on a scheduled run. */
const values: Record<string, (job: Job) => string> = {
  '${{ inputs.accept }}': ({ accept }) => (accept ? 'true' : ''),
};

function variablesFrom(env: Readonly<Record<string, string>>): (job: Job) => Record<string, string> {
  const of = Object.entries(env).map(([name, text]) => [name, meaningOf(text, values)] as const);
  return (job) => Object.fromEntries(of.map(([name, value]) => [name, value(job)]));
}

/** A value with `${{ env.NAME }}` replaced. */
export function withEnv(value: string, env: Readonly<Record<string, string>>): string {
  return value.replaceAll(/\$\{\{ env\.(\w+) \}\}/g, (_, name: string) => env[name] ?? '');
}

/** The one job of the workflow. */
export function githubJob({ jobs }: GithubWorkflow): GithubWorkflow['jobs'][string] {
  const [job, ...others] = Object.values(jobs);
  if (job === undefined || others.length > 0) throw new Error('not one job');
  return job;
}

export function githubRecipe(): Recipe {
  const workflow = readGithubWorkflow();
  const { env, defaults } = workflow;
  const shell = meaningOf(defaults.run.shell, shells);
  const steps = githubJob(workflow).steps.flatMap((step): Step[] => {
    const runs = meaningOf((step.if ?? '').replace(/^\$\{\{ (.*) \}\}$/, '$1'), conditions);
    const name = step.name ?? step.uses ?? '';
    if (step.run !== undefined) {
      const variablesOf = variablesFrom(step.env ?? {});
      return [{ type: 'script', name, shell, script: step.run, runs, variablesOf, outcomeOf: failsUnless0 }];
    }
    const type = cacheTypes[step.uses?.split('@')[0] ?? ''];
    return type === undefined ? [] : [{ type, name, path: withEnv(String(step.with?.['path']), env), runs }];
  });
  return {
    system: 'GitHub Actions',
    variables: env,
    steps,
    retry: { max: 0, exitCodes: [] },
    warnings: [],
    keepsWorkspace: false,
  };
}

/** Actions that the tests play. */
const cacheTypes: Record<string, CacheStep['type']> = {
  'actions/cache/restore': 'restore',
  'actions/cache/save': 'save',
};

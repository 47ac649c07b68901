import { parse } from 'yaml';
import {
  type Condition,
  type Outcome,
  type Recipe,
  type Step,
  always,
  askedByVariable,
  failsUnless0,
  goesWell,
  meaningOf,
  recipeText,
} from './recipe.ts';

export type GitlabCache = { key: string; paths: string[]; when: string };

export type GitlabJob = {
  rules: { if: string }[];
  tags: string[];
  image: string;
  timeout: string;
  resource_group: string;
  retry: { max: number; exit_codes: number[] };
  allow_failure: { exit_codes: number };
  variables: Record<string, string>;
  cache: GitlabCache[];
  before_script: string[];
  script: string[];
  after_script: string[];
  artifacts: { when: string; expire_in: string; paths: string[]; reports: { junit: string } };
};

export type GitlabFile = {
  variables: Record<string, { value: string; options: string[]; description: string }>;
  'nightly-scale': GitlabJob;
};

export function readGitlabFile(): GitlabFile {
  return parse(recipeText('gitlab-ci.yml')) as GitlabFile;
}

/** When a cache is kept. */
const keeping: Record<string, Condition> = { always, on_success: goesWell };

/** As the runner calls an image's bash: every line in one shell. */
const shell = ['bash', '-eo', 'pipefail'];

export function gitlabRecipe(): Recipe {
  const { variables, 'nightly-scale': job } = readGitlabFile();
  const script = (
    name: string,
    lines: readonly string[],
    runs: Condition,
    outcomeOf: (code: number) => Outcome,
  ): Step => ({
    type: 'script',
    name,
    shell,
    script: lines.join('\n'),
    runs,
    variablesOf: askedByVariable,
    outcomeOf,
  });
  // The other cache is of what takes long to get, and the tests have it.
  const baseline = job.cache.filter(({ paths }) => paths.includes(`${job.variables['BASELINE']}/`));
  const path = job.variables['BASELINE'] ?? '';
  return {
    system: 'GitLab',
    variables: {
      ...Object.fromEntries(Object.entries(variables).map(([name, { value }]) => [name, value])),
      ...job.variables,
    },
    steps: [
      ...baseline.map(({ key }): Step => ({ type: 'restore', name: key, path, runs: always })),
      script('script', [...job.before_script, ...job.script], goesWell, failsUnless0),
      // Whatever it ends with, the job's result stays.
      script('after_script', job.after_script, always, () => 'success'),
      ...baseline.map(
        ({ key, when }): Step => ({ type: 'save', name: key, path, runs: meaningOf(when, keeping) }),
      ),
    ],
    retry: { max: job.retry.max, exitCodes: job.retry.exit_codes },
    warnings: [job.allow_failure.exit_codes],
    keepsWorkspace: false,
  };
}

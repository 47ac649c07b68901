import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { cpSync, existsSync, mkdirSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import type { CacheStep, Job, Outcome, Recipe, ScriptStep } from './recipe.ts';

/** One run of a recipe's job. */
export type Night = {
  /** Of all nights of a job: its workspace, cache and the system's own files are in it. */
  dir: string;
  /** Number of the build. */
  build: number;
  /** Fills the workspace, as the checkout does. */
  checkOut: (workspace: string) => void;
  accept?: boolean;
  branch?: string;
  /** In place of the recipe's own variables, as a user edits them; and what the machine has set. */
  variables: Readonly<Record<string, string>>;
};

export type StepEnd = { name: string; code: number; output: string };

export type NightEnd = {
  result: Outcome;
  /** Of the first step that did not go well; 0 where none was. */
  code: number;
  /** Scripts that ran, of all attempts. */
  steps: StepEnd[];
  /** What they said, all of them. */
  output: string;
  workspace: string;
  /** What GitHub's page of the run would show. */
  summary: string;
};

/** Where people see the summary of a night: on a page of its own, or in the job's log. */
export function shownSummary({ system }: Recipe, { summary, output }: NightEnd): string {
  return system === 'GitHub Actions' ? summary : output;
}

/** Runs the scripts of a recipe as its CI system would, and plays its cache. */
export async function runNight(recipe: Recipe, night: Night): Promise<NightEnd> {
  const workspace = join(night.dir, 'workspace');
  const own = join(night.dir, 'system');
  const summaryFile = join(own, `summary-${night.build}.md`);
  mkdirSync(own, { recursive: true });
  writeFileSync(summaryFile, '');
  const steps: StepEnd[] = [];
  let attempt: Attempt;
  let attempts = 0;
  do {
    if (!recipe.keepsWorkspace) rmSync(workspace, { recursive: true, force: true });
    mkdirSync(workspace, { recursive: true });
    night.checkOut(workspace);
    const given = systemVariables(recipe.system, night, { workspace, own, summaryFile });
    attempt = await runJob(
      recipe,
      night,
      { workspace, own, variables: { ...ofThisMachine(), ...given } },
      steps,
    );
  } while (attempt.failed && recipe.retry.exitCodes.includes(attempt.code) && attempts++ < recipe.retry.max);
  const { failed, warned, code } = attempt;
  const warns = failed ? recipe.warnings.includes(code) : warned;
  return {
    result: warns ? 'warning' : failed ? 'failure' : 'success',
    code,
    steps,
    output: steps.map(({ output }) => output).join(''),
    workspace,
    summary: readFileSync(summaryFile, 'utf8'),
  };
}

type Attempt = Pick<Job, 'failed' | 'warned'> & { code: number };

type Place = { workspace: string; own: string; variables: NodeJS.ProcessEnv };

async function runJob(recipe: Recipe, night: Night, place: Place, ended: StepEnd[]): Promise<Attempt> {
  const { workspace, own } = place;
  const { accept = false, branch = 'main' } = night;
  const has = (path: string): boolean => existsSync(join(workspace, path));
  const job: Job & { code: number } = { failed: false, warned: false, code: 0, accept, branch, has };
  const environment = environmentOf(recipe, night, place);
  for (const step of recipe.steps) {
    if (!step.runs(job)) continue;
    if (step.type !== 'script') {
      playCache(step, place);
      continue;
    }
    const paths = readLines(join(own, 'path'));
    const PATH = [...paths.toReversed(), environment['PATH']].join(':');
    const { code, output } = await runScript(step, workspace, own, {
      ...environment,
      ...step.variablesOf(job),
      PATH,
    });
    ended.push({ name: step.name, code, output });
    const outcome = step.outcomeOf(code);
    if (outcome === 'success') continue;
    if (job.code === 0) job.code = code;
    if (outcome === 'warning') job.warned = true;
    else job.failed = true;
  }
  rmSync(join(own, 'path'), { force: true });
  return job;
}

/** What comes later counts: the machine's variables, the system's, the recipe's, and those of whoever edits it. */
function environmentOf(recipe: Recipe, night: Night, { variables }: Place): NodeJS.ProcessEnv {
  return { ...variables, ...expanded(recipe.variables, variables), ...night.variables };
}

function playCache({ type, path }: CacheStep, { workspace, own }: Place): void {
  const [here, there] = [join(workspace, path), join(own, 'cache')];
  const [from, to] = type === 'restore' ? [there, here] : [here, there];
  if (!existsSync(from)) return;
  rmSync(to, { recursive: true, force: true });
  cpSync(from, to, { recursive: true });
}

/** GitLab puts values of its own into those of a job. */
function expanded(
  set: Readonly<Record<string, string>>,
  variables: NodeJS.ProcessEnv,
): Record<string, string> {
  return Object.fromEntries(
    Object.entries(set).map(([name, value]) => [
      name,
      value.replaceAll(/\$(CI_\w+)/g, (_, of: string) => variables[of] ?? ''),
    ]),
  );
}

async function runScript(
  { shell, script }: ScriptStep,
  cwd: string,
  own: string,
  env: NodeJS.ProcessEnv,
): Promise<{ code: number; output: string }> {
  const file = join(own, 'script.sh');
  writeFileSync(file, script);
  const [program = '', ...args] = shell;
  const child = spawn(program, [...args, file], { cwd, env, stdio: ['ignore', 'pipe', 'pipe'] });
  let output = '';
  for (const stream of [child.stdout, child.stderr]) {
    stream.setEncoding('utf8').on('data', (text: string) => {
      output += text;
    });
  }
  const [code] = (await once(child, 'close')) as [number | null];
  return { code: code ?? 1, output };
}

function readLines(file: string): string[] {
  return existsSync(file) ? readFileSync(file, 'utf8').trim().split('\n') : [];
}

/** Without what the CI system says that these tests run in. */
function ofThisMachine(): NodeJS.ProcessEnv {
  const others = /^(?:CI|GITLAB|GITHUB|BUILD)(?:_|$)|^JOB_NAME$/;
  return Object.fromEntries(Object.entries(process.env).filter(([name]) => !others.test(name)));
}

/** What each system sets by itself, of what recipes and Hollowmark read. */
function systemVariables(
  system: Recipe['system'],
  { build, accept = false, branch = 'main' }: Night,
  { workspace, own, summaryFile }: { workspace: string; own: string; summaryFile: string },
): Record<string, string> {
  const number = String(build);
  const url = 'https://ci.example.com';
  switch (system) {
    case 'GitHub Actions':
      return {
        CI: 'true',
        GITHUB_ACTIONS: 'true',
        GITHUB_EVENT_NAME: accept ? 'workflow_dispatch' : 'schedule',
        GITHUB_PATH: join(own, 'path'),
        GITHUB_REF: `refs/heads/${branch}`,
        GITHUB_REPOSITORY: 'example/project',
        GITHUB_RUN_ATTEMPT: '1',
        GITHUB_RUN_ID: `9000${number}`,
        GITHUB_RUN_NUMBER: number,
        GITHUB_SERVER_URL: url,
        GITHUB_STEP_SUMMARY: summaryFile,
        GITHUB_WORKFLOW: 'nightly-scale',
        GITHUB_WORKSPACE: workspace,
      };
    case 'GitLab':
      return {
        CI: 'true',
        CI_COMMIT_BRANCH: branch,
        CI_DEFAULT_BRANCH: 'main',
        CI_JOB_ID: number,
        CI_JOB_NAME: 'nightly-scale',
        CI_JOB_URL: `${url}/example/project/-/jobs/${number}`,
        CI_PIPELINE_SOURCE: accept ? 'web' : 'schedule',
        CI_PROJECT_DIR: workspace,
        GITLAB_CI: 'true',
      };
    case 'Jenkins':
      return {
        BUILD_ID: number,
        BUILD_NUMBER: number,
        BUILD_URL: `${url}/job/nightly-scale/${number}/`,
        GIT_BRANCH: `origin/${branch}`,
        JOB_NAME: 'nightly-scale',
        WORKSPACE: workspace,
      };
  }
}

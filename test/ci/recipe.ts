import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { packageRoot } from '../../src/base/package-info.ts';

/** What a condition of a recipe may ask for. */
export type Job = {
  failed: boolean;
  /** It ended in a way that is a warning. */
  warned: boolean;
  /** Started by hand, to begin the baseline anew. */
  accept: boolean;
  branch: string;
  /** Whether a file of the workspace is there. */
  has: (path: string) => boolean;
};

export type Condition = (job: Job) => boolean;

/** What a job comes to, or a step. */
export type Outcome = 'success' | 'warning' | 'failure';

/** Shell that the CI system runs. */
export type ScriptStep = {
  type: 'script';
  name: string;
  /** The interpreter as that system calls it; the file with the script comes last. */
  shell: readonly string[];
  script: string;
  runs: Condition;
  /** Variables of this step only. */
  variablesOf: (job: Job) => Record<string, string>;
  /** What its exit code is to the job. */
  outcomeOf: (code: number) => Outcome;
};

/** A folder that the CI system brings back from its cache, or puts there. */
export type CacheStep = { type: 'restore' | 'save'; name: string; path: string; runs: Condition };

export type Step = ScriptStep | CacheStep;

/** What of a recipe can be run without its CI system. */
export type Recipe = {
  system: 'GitHub Actions' | 'GitLab' | 'Jenkins';
  /** Variables that it sets, with what it says of them. */
  variables: Readonly<Record<string, string>>;
  steps: readonly Step[];
  /** The whole job is done again after these exit codes. */
  retry: { max: number; exitCodes: readonly number[] };
  /** Exit codes of a job that failed which make a warning of it. */
  warnings: readonly number[];
  /** Whether the workspace stays from one run to the next. */
  keepsWorkspace: boolean;
};

/** A job whose steps have gone well so far. */
export const goesWell: Condition = ({ failed }) => !failed;
export const always: Condition = () => true;

/** Of systems in which what is asked for by hand is a variable. */
export const askedByVariable = ({ accept }: Job): Record<string, string> => ({ ACCEPT: String(accept) });

export const failsUnless0 = (code: number): Outcome => (code === 0 ? 'success' : 'failure');

export function recipeText(file: string): string {
  return readFileSync(join(packageRoot, 'docs/ci', file), 'utf8');
}

/** What a text of a recipe stands for in the tests. @throws Error of one that they do not know. */
export function meaningOf<T>(text: string, meanings: Readonly<Record<string, T>>): T {
  const meaning = meanings[text];
  if (meaning === undefined) throw new Error(`the tests do not know what this means: ${text}`);
  return meaning;
}

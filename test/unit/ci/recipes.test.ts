import { mkdirSync, mkdtempSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest';
import { exitCodes } from '../../../src/cli/exit-codes.ts';
import { githubRecipe } from '../../ci/github-recipe.ts';
import { gitlabRecipe } from '../../ci/gitlab-recipe.ts';
import { jenkinsRecipe } from '../../ci/jenkins-recipe.ts';
import { type NightEnd, runNight, shownSummary } from '../../ci/night.ts';
import type { Recipe } from '../../ci/recipe.ts';
import { parsedCommand } from '../../docs/parsed-command.ts';
import { callsIn, writeStandIns } from './stand-ins.ts';

// Some ten shells a night.
vi.setConfig({ testTimeout: 60_000 });

const recipes = [githubRecipe(), gitlabRecipe(), jenkinsRecipe()];

let dir: string;
beforeEach(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-recipe-'));
  writeStandIns(join(dir, 'bin'));
});
afterEach(() => rmSync(dir, { recursive: true, force: true }));

let nights = 0;

/** A night on which runs end with these exit codes. @returns what it was called with, too. */
async function night(
  recipe: Recipe,
  run: readonly number[] = [0],
  asked: { accept?: boolean; branch?: string } = {},
): Promise<NightEnd & { calls: string[][]; baseline: string[] }> {
  const calls = join(dir, `calls-${++nights}`);
  const end = await runNight(recipe, {
    dir,
    build: nights,
    checkOut: (workspace) => {
      // A folder that the program is not in: the stand-in is found after it.
      mkdirSync(join(workspace, '.hollowmark'), { recursive: true });
      writeFileSync(join(workspace, 'README.md'), '');
    },
    ...asked,
    variables: {
      PATH: `${join(dir, 'bin')}:${process.env['PATH'] ?? ''}`,
      STAND_IN_CALLS: calls,
      STAND_IN_RUN_CODES: run.join(' '),
      STAND_IN_NIGHT: `night-${nights}`,
    },
  });
  return { ...end, calls: callsIn(calls), baseline: keptBaseline(recipe) };
}

/** What the next night would find. */
function keptBaseline({ keepsWorkspace, variables }: Recipe): string[] {
  const folder = keepsWorkspace
    ? join(dir, 'workspace', variables['BASELINE'] ?? '')
    : join(dir, 'system/cache');
  try {
    return readdirSync(folder);
  } catch {
    // None was kept yet.
    return [];
  }
}

/** `run`, `baseline add`: what was called, in short. */
const names = (calls: readonly string[][]): string[] =>
  calls.map(([command = '', second = '']) =>
    command === 'baseline' || command === 'control-plane' ? `${command} ${second}` : command,
  );

describe.each(recipes)('the recipe for $system', (recipe) => {
  it('runs, judges, adds to the baseline and reports', async () => {
    const { result, output, calls, baseline } = await night(recipe);
    expect(result, output).toBe('success');
    expect(names(calls)).toEqual(['control-plane install', 'run', 'baseline add', 'report', 'report']);
    expect(baseline).toHaveLength(1);
    expect((await night(recipe)).baseline).toHaveLength(2);
  });

  it('calls commands that there are, with flags that they have', async () => {
    const { calls } = await night(recipe);
    const { calls: others } = await night(recipe, [0], { accept: true });
    for (const args of [...calls, ...others]) {
      await expect(parsedCommand(args), args.join(' ')).resolves.toHaveProperty('_');
    }
    // None is in a branch that was not taken.
    const written = recipe.steps
      .flatMap((step) => (step.type === 'script' ? step.script.split('\n') : []))
      .filter((line) => !/^\s*#/.test(line))
      .flatMap((line) => [...line.matchAll(/(?<![./-])\bhollowmark (baseline \w+|control-plane \w+|\w+)/g)])
      .map((match) => match[1] ?? '');
    expect(new Set(names([...calls, ...others]))).toEqual(new Set(written));
  });

  it('names the same folders and files in all of them', async () => {
    const { REPORT, BASELINE, SCENARIO, KUBERNETES_VERSION, HISTORY_UPLOAD } = recipe.variables;
    const { calls } = await night(recipe);
    const values = await Promise.all(calls.map((args) => parsedCommand(args)));
    expect(values).toMatchObject([
      { kubernetesVersion: KUBERNETES_VERSION },
      { scenario: SCENARIO, kubernetesVersion: KUBERNETES_VERSION, out: REPORT, baseline: BASELINE },
      { dir: BASELINE, results: [REPORT] },
      { result: REPORT, format: ['markdown'] },
      { result: REPORT, format: ['history'], out: '.', uploadCommand: HISTORY_UPLOAD },
    ]);
  });

  it('fails for an SLO that was missed and for a regression, keeps them out of the baseline, and reports', async () => {
    const { baseline } = await night(recipe);
    for (const code of [exitCodes.missed, exitCodes.regression]) {
      const { calls, ...end } = await night(recipe, [code]);
      expect(end).toMatchObject({ result: 'failure', code, baseline });
      expect(names(calls)).toEqual(['control-plane install', 'run', 'report', 'report']);
    }
  });

  it('shows the summary of the report, whatever the run has come to', async () => {
    for (const code of [exitCodes.pass, exitCodes.regression]) {
      expect(shownSummary(recipe, await night(recipe, [code]))).toContain('## what the report says\n');
    }
  });

  it('does a run again that says nothing, and goes on with the second', async () => {
    for (const nothing of [exitCodes.invalid, exitCodes.cluster]) {
      const { result, calls, output } = await night(recipe, [nothing, 0]);
      expect(result, output).toBe('success');
      expect(names(calls).filter((name) => name === 'run')).toHaveLength(2);
      expect(names(calls)).toContain('baseline add');
    }
  });

  it('tells two invalid runs from a regression, and from a lost control plane', async () => {
    const invalid = await night(recipe, [exitCodes.invalid, exitCodes.invalid]);
    const lost = await night(recipe, [exitCodes.cluster, exitCodes.cluster]);
    expect(invalid.code).toBe(exitCodes.invalid);
    // GitHub has nothing between.
    expect(invalid.result).toBe(recipe.system === 'GitHub Actions' ? 'failure' : 'warning');
    expect(lost).toMatchObject({ result: 'failure', code: exitCodes.cluster });
    for (const { calls, baseline } of [invalid, lost]) {
      expect(names(calls).filter((name) => name === 'run')).toHaveLength(2);
      expect(names(calls)).not.toContain('baseline add');
      expect(baseline).toEqual([]);
    }
    expect(names(invalid.calls)).toContain('report');
    // There is no result to report of.
    expect(names(lost.calls)).not.toContain('report');
  });

  it('does not run twice for what would come out the same', async () => {
    for (const code of [exitCodes.internal, exitCodes.badInput, exitCodes.missed, exitCodes.regression]) {
      const { calls, result } = await night(recipe, [code]);
      expect(result).toBe('failure');
      expect(names(calls).filter((name) => name === 'run')).toHaveLength(1);
    }
  });

  it('begins the baseline anew when asked to, with a run that nothing judges', async () => {
    await night(recipe);
    await night(recipe);
    const { result, calls, baseline } = await night(recipe, [0], { accept: true });
    expect(result).toBe('success');
    const [, run = []] = calls;
    expect(run[0]).toBe('run');
    expect(run).not.toContain('--baseline');
    expect(baseline).toEqual([`night-${nights}.run.json`]);
    const failed = await night(recipe, [exitCodes.missed], { accept: true });
    expect(failed).toMatchObject({ result: 'failure', baseline });
  });

  it('judges other branches by the baseline of main, which they leave alone', async () => {
    const { baseline } = await night(recipe);
    const { result, calls, ...other } = await night(recipe, [0], { branch: 'faster' });
    expect(result).toBe('success');
    expect(names(calls)).toEqual(['control-plane install', 'run', 'report', 'report']);
    expect(calls[1]).toContain('--baseline');
    expect(other.baseline).toEqual(baseline);
    const accepting = await night(recipe, [0], { branch: 'faster', accept: true });
    expect(accepting.baseline).toEqual(baseline);
  });
});

describe('the recipe for Jenkins', () => {
  it('has the title of the summary beside the build, and nothing where there is none', async () => {
    const recipe = jenkinsRecipe();
    const described = ({ steps }: NightEnd): string[] =>
      (steps.at(-1)?.output ?? '').split('\n').filter((line) => line !== '' && !line.startsWith('+ '));
    expect(described(await night(recipe, [exitCodes.regression]))).toEqual(['what the report says']);
    expect(described(await night(recipe, [exitCodes.cluster, exitCodes.cluster]))).toEqual([]);
  });
});

describe('the recipe for GitHub Actions', () => {
  const recipe = githubRecipe();

  it('tells failures apart by annotations', async () => {
    const titles: Record<number, string[]> = {};
    for (const code of [0, 2, 3, 4, 5, 6]) {
      const { output } = await night(recipe, [code, code]);
      titles[code] = [...output.matchAll(/^::error title=([^:]+)::/gm)].map((match) => match[1] ?? '');
    }
    expect(titles).toEqual({
      [exitCodes.pass]: [],
      [exitCodes.badInput]: ['Refused'],
      [exitCodes.missed]: ['SLO missed'],
      [exitCodes.regression]: ['Regression'],
      [exitCodes.invalid]: ['Nothing measured'],
      [exitCodes.cluster]: ['Control plane lost'],
    });
  });
});

import { execFileSync } from 'node:child_process';
import {
  cpSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readFileSync,
  readdirSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { cacheRoot } from '../../src/control-plane/sources/cache.ts';
import type { GateRun } from '../../src/gate/gate-run.ts';
import { githubRecipe } from '../ci/github-recipe.ts';
import { gitlabRecipe } from '../ci/gitlab-recipe.ts';
import { jenkinsRecipe } from '../ci/jenkins-recipe.ts';
import { type NightEnd, runNight, shownSummary } from '../ci/night.ts';
import type { Recipe } from '../ci/recipe.ts';
import { makeStandInRepository } from '../ci/stand-in-repository.ts';
import { latencyScenario } from './repeated.ts';

/** As many latency pods as a p99 takes. */
const scenario = latencyScenario(20, 110);

const timeoutMs = 600_000;

/** Runs of a baseline that gives the gate a spread, and which the run is much slower than. */
const doctoredRuns = 6;

const recipes = [githubRecipe(), gitlabRecipe(), jenkinsRecipe()];

let dir: string;
let repository: string;
beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-ci-'));
  const tag = githubRecipe().variables['HOLLOWMARK_VERSION'] ?? '';
  repository = makeStandInRepository(join(dir, 'repository'), tag);
  mkdirSync(join(dir, 'tmp'));
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));

/** The report of a second night, which other recipes take in place of a run of their own. */
const sharedRun = (): string => join(dir, 'second-night');

function night(recipe: Recipe, build: number, variables: Record<string, string> = {}): Promise<NightEnd> {
  return runNight(recipe, {
    dir: join(dir, recipe.system.replace(' ', '-')),
    build,
    checkOut: (workspace) => {
      writeFileSync(join(workspace, 'tiny.yaml'), scenario);
      if (recipe.system === 'GitLab') bringControlPlane(workspace);
    },
    variables: {
      HOLLOWMARK_REPOSITORY: repository,
      SCENARIO: 'tiny.yaml',
      TMPDIR: join(dir, 'tmp'),
      ...variables,
    },
  });
}

/** What GitLab's cache would bring. */
function bringControlPlane(workspace: string): void {
  const here = cacheRoot(process.env, 'control-plane');
  const there = join(workspace, '.cache/hollowmark');
  if (!existsSync(here) || existsSync(join(there, 'control-plane'))) return;
  mkdirSync(there, { recursive: true });
  symlinkSync(here, join(there, 'control-plane'));
}

/** What the next night finds. */
function baselineOf({ system, keepsWorkspace }: Recipe): string {
  return join(dir, system.replace(' ', '-'), keepsWorkspace ? 'workspace/baseline' : 'system/cache');
}

/** Makes a baseline of several runs that were ten times as fast. */
function doctor(baseline: string): string[] {
  const [name = ''] = readdirSync(baseline);
  const run = JSON.parse(readFileSync(join(baseline, name), 'utf8')) as GateRun;
  rmSync(baseline, { recursive: true });
  mkdirSync(baseline);
  return Array.from({ length: doctoredRuns }, (_, index) => {
    const id = `doctored-${index + 1}`;
    const slis = run.slis.map((sli) => ({
      ...sli,
      p50: sli.p50 / 10,
      p90: sli.p90 / 10,
      p99: sli.p99 / 10,
      p999: sli.p999 / 10,
    }));
    writeFileSync(join(baseline, `${id}.run.json`), JSON.stringify({ ...run, id, slis }));
    return `${id}.run.json`;
  });
}

const packedHistory = 'history.tar.gz';

/** Paths of the test history, which GitHub's recipe packs. */
function historyOf({ workspace }: NightEnd): string[] {
  const packed = join(workspace, 'reports/tonight', packedHistory);
  if (!existsSync(packed))
    return readdirSync(join(workspace, 'history'), { recursive: true, encoding: 'utf8' });
  const list = execFileSync('tar', ['-tzf', packed], { encoding: 'utf8' });
  return list.split('\n').map((path) => path.replace(/^history\//, ''));
}

describe.each(recipes)('the recipe for $system', (recipe) => {
  it('founds a baseline on the first night, by which it judges the second', {
    timeout: timeoutMs,
  }, async () => {
    const first = await night(recipe, 1);
    expect(first.result, first.output).toBe('success');
    expect(first.output).toContain('there is no baseline yet');
    expect(readdirSync(baselineOf(recipe))).toHaveLength(1);

    const made = existsSync(sharedRun());
    const second = await night(recipe, 2, made ? { STAND_IN_RUN: sharedRun() } : {});
    expect(second.result, second.output).toBe('success');
    expect(second.output).toContain('1 run against 1 run of the baseline');
    expect(readdirSync(baselineOf(recipe))).toHaveLength(2);

    const report = join(second.workspace, 'reports/tonight');
    for (const name of ['report.html', 'result.json', 'gate.json', 'summary.md', 'charts']) {
      expect(readdirSync(report)).toContain(name);
    }
    expect(readFileSync(join(report, 'junit.xml'), 'utf8')).toContain('p99 pod-startup-precise');
    expect(historyOf(second)).toContain('nightly-scale/2/finished.json');
    expect(shownSummary(recipe, second)).toContain('## ✅ tiny: pass');
    if (made) return;
    cpSync(report, sharedRun(), { recursive: true });
    // Each recipe leaves its own.
    rmSync(join(sharedRun(), packedHistory), { force: true });
  });

  it('fails on a night that is worse, and keeps report and baseline', { timeout: timeoutMs }, async () => {
    const names = doctor(baselineOf(recipe));
    const end = await night(recipe, 3, { STAND_IN_RUN: sharedRun() });
    expect({ result: end.result, code: end.code }, end.output).toEqual({ result: 'failure', code: 4 });
    expect(end.output).toContain(`1 run against ${doctoredRuns} runs of the baseline`);
    expect(readdirSync(baselineOf(recipe)).toSorted()).toEqual(names);
    const junit = readFileSync(join(end.workspace, 'reports/tonight/junit.xml'), 'utf8');
    expect(junit).toContain('type="regression"');
    expect(historyOf(end)).toContain('nightly-scale/3/finished.json');
    expect(shownSummary(recipe, end)).toContain('## ❌ tiny: pass, worse than the baseline');
    const page = readFileSync(join(end.workspace, 'reports/tonight/report.html'), 'utf8');
    expect(page).toContain('Passed, but worse than the baseline');
  });
});

import { existsSync, mkdtempSync, readFileSync, rmSync } from 'node:fs';
import { homedir, tmpdir } from 'node:os';
import { join, relative, resolve } from 'node:path';
import { describe, expect, it } from 'vitest';
import { packageRoot, tool } from '../../../src/base/package-info.ts';
import { exitCodes } from '../../../src/cli/exit-codes.ts';
import { defaultVersion } from '../../../src/control-plane/control-plane.ts';
import { cacheRoot } from '../../../src/control-plane/sources/cache.ts';
import { defaultBuild, historyFolder, writeReport } from '../../../src/report/write-report.ts';
import { writeResult } from '../../../src/result/write.ts';
import { githubJob, githubRecipe, readGithubWorkflow, withEnv } from '../../ci/github-recipe.ts';
import { gitlabRecipe, readGitlabFile } from '../../ci/gitlab-recipe.ts';
import {
  inBraces,
  jenkinsRecipe,
  jenkinsStages,
  jenkinsVariables,
  readJenkinsfile,
} from '../../ci/jenkins-recipe.ts';
import { sampleResult } from '../report/sample-result.ts';

/* What recipes must have that nobody sees until a night has gone wrong, as far as a text tells it. */

const recipes = [githubRecipe(), gitlabRecipe(), jenkinsRecipe()];

/** Fields of a time of cron, by what they may be: minute, hour, day, month, day of the week. */
const cronRanges = [
  [0, 59],
  [0, 23],
  [1, 31],
  [1, 12],
  [0, 7],
] as const;

/** Whether it is a time of cron; with `H` as Jenkins has it. */
function isCron(text: string, hashed = false): boolean {
  const fields = text.split(' ');
  return (
    fields.length === cronRanges.length &&
    fields.every((field, index) => {
      if (field === '*' || (hashed && field === 'H')) return true;
      const [least, most] = cronRanges[index] ?? [0, 0];
      return /^\d+$/.test(field) && Number(field) >= least && Number(field) <= most;
    })
  );
}

describe.each(recipes)('the recipe for $system', ({ variables, steps }) => {
  const scripts = steps.flatMap((step) => (step.type === 'script' ? [step.script] : []));

  it('takes this version, the control plane that it has by default, and one of its scenarios', () => {
    const { HOLLOWMARK_VERSION, KUBERNETES_VERSION, SCENARIO = '' } = variables;
    expect({ HOLLOWMARK_VERSION, KUBERNETES_VERSION }).toEqual({
      HOLLOWMARK_VERSION: `v${tool.version}`,
      KUBERNETES_VERSION: defaultVersion,
    });
    expect(SCENARIO).toMatch(/^\.hollowmark\//);
    expect(existsSync(join(packageRoot, relative('.hollowmark', SCENARIO)))).toBe(true);
  });

  it('says in one place where Hollowmark comes from', () => {
    const clones = scripts.flatMap((script) => script.match(/git clone .*/g) ?? []);
    expect(clones).toEqual([
      'git clone --depth 1 --branch "$HOLLOWMARK_VERSION" "$HOLLOWMARK_REPOSITORY" .hollowmark',
    ]);
  });

  it('finds the program where the package has it', () => {
    const { bin } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
      bin: { hollowmark: string };
    };
    expect(scripts.join('\n')).toContain(`.hollowmark/${bin.hollowmark.replace(/\/hollowmark$/, '')}`);
  });

  it('uploads nothing until somebody says where to', () => {
    expect(variables['HISTORY_UPLOAD']).toBe(': {dir}');
  });

  it('keeps baseline and reports in folders of their own', () => {
    expect(variables).toMatchObject({ BASELINE: 'baseline', REPORT: 'reports/tonight' });
  });
});

describe('the recipes together', () => {
  it('differ in no variable that all of them have', () => {
    const [first, ...others] = recipes.map(({ variables }) => variables);
    for (const other of others) {
      for (const [name, value] of Object.entries(first ?? {}))
        expect(other, name).toHaveProperty(name, value);
    }
  });

  it('name files that a run and its report write', async () => {
    const dir = mkdtempSync(join(tmpdir(), 'hollowmark-recipe-'));
    try {
      const result = sampleResult();
      writeResult(dir, result);
      await writeReport(result, dir, ['junit', 'markdown']);
      const files = [
        readGitlabFile()['nightly-scale'].artifacts.reports.junit,
        /testResults: '([^']+)'/.exec(readJenkinsfile())?.[1] ?? '',
        'reports/tonight/result.json',
        'reports/tonight/summary.md',
      ];
      for (const file of files) {
        expect(file).toMatch(/^reports\/tonight\//);
        expect(existsSync(join(dir, relative('reports/tonight', file))), file).toBe(true);
      }
      expect(historyFolder(defaultBuild(result))).toMatch(/^history\//);
    } finally {
      rmSync(dir, { recursive: true, force: true });
    }
  });

  it('pin a Node.js that Hollowmark takes, as a whole version', () => {
    const { engines } = JSON.parse(readFileSync(join(packageRoot, 'package.json'), 'utf8')) as {
      engines: { node: string };
    };
    const least = engines.node.replace('>=', '').split('.').map(Number);
    const setup = githubJob(readGithubWorkflow()).steps.find(({ uses }) =>
      uses?.startsWith('actions/setup-node@'),
    );
    const versions = [
      String(setup?.with?.['node-version']),
      /^node:([\d.]+)-/.exec(readGitlabFile()['nightly-scale'].image)?.[1] ?? '',
    ];
    expect(new Set(versions).size).toBe(1);
    const [major = 0, minor = 0, patch] = versions[0]?.split('.').map(Number) ?? [];
    expect(patch).toBeTypeOf('number');
    expect(major * 1000 + minor).toBeGreaterThanOrEqual((least[0] ?? 0) * 1000 + (least[1] ?? 0));
  });

  it('are in the page, with each exit code', () => {
    const page = readFileSync(join(packageRoot, 'docs/ci.md'), 'utf8');
    for (const file of ['github-actions.yml', 'gitlab-ci.yml', 'Jenkinsfile']) {
      expect(page).toContain(`](ci/${file})`);
    }
    const codes = [...page.matchAll(/^\| ([\d, ]+) \|/gm)].flatMap((match) => (match[1] ?? '').split(', '));
    expect(codes.map(Number)).toEqual(Object.values(exitCodes));
  });
});

describe('github-actions.yml', () => {
  const workflow = readGithubWorkflow();
  const job = githubJob(workflow);
  const uses = (action: string) => job.steps.filter((step) => step.uses?.split('@')[0] === action);

  it('runs at night and by hand, and for nothing that somebody else can send', () => {
    expect(Object.keys(workflow.on)).toEqual(['schedule', 'workflow_dispatch']);
    for (const { cron } of workflow.on.schedule) expect(isCron(cron), cron).toBe(true);
    expect(workflow.on.workflow_dispatch.inputs['accept']).toMatchObject({ type: 'boolean', default: false });
    expect(job.if).toBe('${{ !github.event.repository.fork }}');
  });

  it('has the rights of a reader, and leaves no token behind', () => {
    expect(workflow.permissions).toEqual({ contents: 'read' });
    expect(uses('actions/checkout')[0]?.with).toEqual({ 'persist-credentials': false });
  });

  it('runs once at a time, on a machine of its own, and not for ever', () => {
    expect(workflow.concurrency).toEqual({ group: 'nightly-scale', 'cancel-in-progress': false });
    expect(job['runs-on']).toContain('self-hosted');
    expect(job['timeout-minutes']).toBeLessThanOrEqual(360);
  });

  it('has steps that either use an action or run a script, each with a version or a name', () => {
    for (const step of job.steps) {
      expect((step.uses === undefined) !== (step.run === undefined), JSON.stringify(step)).toBe(true);
      if (step.uses !== undefined) expect(step.uses).toMatch(/^actions\/[a-z-]+(\/[a-z]+)?@v\d+$/);
      else expect(step.name).toBeTypeOf('string');
    }
    // The oldest of each that runs on a Node.js that GitHub still has.
    const oldest = { checkout: 5, 'setup-node': 5, cache: 5, 'upload-artifact': 6 };
    for (const [name, major] of Object.entries(oldest)) {
      const used = job.steps.flatMap(({ uses: action = '' }) => {
        const found = new RegExp(`^actions/${name}(?:/\\w+)?@v(\\d+)$`).exec(action);
        return found === null ? [] : [Number(found[1])];
      });
      expect(used.length, name).toBeGreaterThan(0);
      expect(Math.min(...used), name).toBeGreaterThanOrEqual(major);
    }
  });

  it('gives scripts no text of GitHub but through variables', () => {
    for (const { run } of job.steps) expect(run ?? '').not.toContain('${{');
  });

  it('has conditions that are one expression each', () => {
    const conditions = job.steps.flatMap((step) => step.if ?? []);
    expect(conditions.filter((text) => !/^\$\{\{ [^{}]+ \}\}$/.test(text))).toEqual([]);
  });

  it('caches the control plane where the program has it, by its version', () => {
    const [cache] = uses('actions/cache');
    const path = String(cache?.with?.['path']).replace('~', homedir());
    expect(path).toBe(cacheRoot({}, 'control-plane'));
    expect(cache?.with?.['key']).toContain('${{ env.KUBERNETES_VERSION }}');
  });

  it('fetches the newest baseline, and keeps one under a key of its own', () => {
    const [restore, ...more] = uses('actions/cache/restore');
    const [save, ...others] = uses('actions/cache/save');
    expect([...more, ...others]).toEqual([]);
    const { key, path, 'restore-keys': prefix } = restore?.with ?? {};
    expect(save?.with).toEqual({ key, path });
    // After a night that went well.
    expect(save?.if).toBe("${{ github.ref == 'refs/heads/main' }}");
    expect(withEnv(String(path), workflow.env)).toBe(workflow.env['BASELINE']);
    expect(String(key).startsWith(String(prefix))).toBe(true);
    // A key is never written twice.
    expect(key).toContain('${{ github.run_id }}-${{ github.run_attempt }}');
    const at = (name: string) => job.steps.findIndex((step) => step.name === name);
    const order = ['Fetch the baseline', 'Run and judge', 'Add the run to the baseline', 'Keep the baseline'];
    expect(order.map(at)).toEqual(order.map(at).toSorted((a, b) => a - b));
    expect(order.map(at)).not.toContain(-1);
  });

  it('keeps the report whatever has failed', () => {
    const [upload] = uses('actions/upload-artifact');
    expect(upload?.if).toBe('${{ always() }}');
    expect(`${workflow.env['REPORT']}/`.startsWith(String(upload?.with?.['path']))).toBe(true);
    expect(job.steps.at(-1)).toBe(upload);
  });
});

describe('gitlab-ci.yml', () => {
  const file = readGitlabFile();
  const job = file['nightly-scale'];

  /** Of GitLab's reference, those that a job may have. */
  const keywords = new Set(
    'after_script allow_failure artifacts before_script cache coverage dependencies environment extends hooks image inherit interruptible needs parallel release resource_group retry rules script secrets services stage tags timeout trigger variables when'.split(
      ' ',
    ),
  );

  it('has keywords that GitLab has', () => {
    expect(Object.keys(file)).toEqual(['variables', 'nightly-scale']);
    expect(Object.keys(job).filter((name) => !keywords.has(name))).toEqual([]);
    for (const lines of [job.before_script, job.script, job.after_script]) {
      // A colon and a blank in a line make a map of it.
      expect(lines.every((line) => typeof line === 'string')).toBe(true);
    }
  });

  it('runs at night and by hand, and for no merge request', () => {
    expect(job.rules).toEqual([
      { if: '$CI_PIPELINE_SOURCE == "schedule"' },
      { if: '$CI_PIPELINE_SOURCE == "web"' },
    ]);
    expect(file.variables['ACCEPT']).toMatchObject({ value: 'false', options: ['false', 'true'] });
  });

  it('runs once at a time, on one machine, and not for ever', () => {
    expect(job.resource_group).not.toBe('');
    expect(job.tags).toHaveLength(1);
    expect(job.timeout).toMatch(/^\d+ (?:hours|minutes)$/);
  });

  it('does again what says nothing, and only that', () => {
    expect(job.retry).toEqual({ max: 1, exit_codes: [exitCodes.invalid, exitCodes.cluster] });
    expect(job.allow_failure).toEqual({ exit_codes: exitCodes.invalid });
  });

  it('caches folders of the project, where the program has them', () => {
    const project = resolve('builds/project');
    const env = {
      HOLLOWMARK_CACHE: (job.variables['HOLLOWMARK_CACHE'] ?? '').replace('$CI_PROJECT_DIR', project),
    };
    const controlPlane = `${relative(project, cacheRoot(env, 'control-plane'))}/`;
    expect(job.cache.map(({ paths, when }) => ({ paths, when }))).toEqual([
      { paths: [controlPlane], when: 'always' },
      // What a night that failed has made of it is of no worth.
      { paths: [`${job.variables['BASELINE']}/`], when: 'on_success' },
    ]);
    expect(job.cache[0]?.key).toContain('$KUBERNETES_VERSION');
  });

  it('keeps the report whatever has failed, and shows its test cases', () => {
    const { when, paths, reports } = job.artifacts;
    expect(when).toBe('always');
    expect(paths).toEqual(['reports/', 'history/']);
    expect(reports.junit).toBe(`${job.variables['REPORT']}/junit.xml`);
  });
});

describe('Jenkinsfile', () => {
  const text = readJenkinsfile();
  const pipeline = inBraces(text, /^pipeline\b/m);

  it('has the sections of a declarative pipeline, each once', () => {
    const sections = [...pipeline.matchAll(/^ {2}(\w+) \{/gm)].map((match) => match[1]);
    expect(sections).toEqual(['agent', 'triggers', 'parameters', 'options', 'environment', 'stages', 'post']);
    expect(text.trim().startsWith('pipeline {')).toBe(true);
    expect(text.trim().endsWith('}')).toBe(true);
  });

  it('has brackets and quotes in pairs', () => {
    const code = text.replaceAll(/'''[\s\S]*?'''|'[^'\n]*'|"[^"\n]*"/g, '');
    for (const [open, close] of ['{}', '()', '[]'].map((pair) => pair.split(''))) {
      expect(code.split(open ?? '').length, open).toBe(code.split(close ?? '').length);
    }
    expect(code).not.toMatch(/['"]/);
  });

  it('has no backslash and no dollar that Groovy would take', () => {
    expect(text).not.toContain('\\');
    const groovy = text.replaceAll(/'''[\s\S]*?'''/g, '');
    const interpolated = [...groovy.matchAll(/"([^"\n]*\$[^"\n]*)"/g)].map((match) => match[1] ?? '');
    expect(interpolated).toEqual([
      '${env.WORKSPACE}/.hollowmark/dist/cli:${env.PATH}',
      'hollowmark run ended with exit code ${code}',
    ]);
  });

  it('runs at night, once at a time, on one machine, and not for ever', () => {
    expect(isCron(/cron\('([^']+)'\)/.exec(text)?.[1] ?? '', true)).toBe(true);
    expect(inBraces(text, /^ {2}agent\b/m)).toMatch(/label '\w+'/);
    const options = inBraces(text, /^ {2}options\b/m);
    expect(options).toContain('disableConcurrentBuilds()');
    expect(options).toMatch(/timeout\(time: \d+, unit: '(?:HOURS|MINUTES)'\)/);
    expect(text).toMatch(/name: 'ACCEPT',\s+defaultValue: false/);
  });

  it('leaves the cache of the control plane where the program has it', () => {
    expect(Object.keys(jenkinsVariables(text)).filter((name) => /CACHE/.test(name))).toEqual([]);
  });

  it('keeps the report whatever has failed, and shows its test cases', () => {
    const stages = jenkinsStages(text);
    expect(stages.map(({ name }) => name)).toEqual(['Install', 'Run and judge', 'Baseline', 'post']);
    const { body = '' } = stages.at(-1) ?? {};
    const { REPORT } = jenkinsVariables(text);
    expect(body).toContain(`junit(testResults: '${REPORT}/junit.xml', allowEmptyResults: true`);
    // A case that failed would make of a build that passed an unstable one.
    expect(body).toContain('skipMarkingBuildUnstable: true');
    expect(body).toContain("archiveArtifacts(artifacts: 'reports/**, history/**', allowEmptyArchive: true)");
    expect(body).toMatch(
      /currentBuild\.description = sh\(returnStdout: true, script: '''[^']*'[^']*'[^']*'''\)\.trim\(\)/,
    );
    expect(body.indexOf('archiveArtifacts')).toBeGreaterThan(body.indexOf('hollowmark report'));
  });
});

describe('the checks themselves', () => {
  it('know a time of cron', () => {
    expect(['23 2 * * *', '0 0 1 1 0'].every((text) => isCron(text))).toBe(true);
    expect(['60 2 * * *', '1 24 * * *', '* * * *', 'H 2 * * *', ''].some((text) => isCron(text))).toBe(false);
    expect(isCron('H 2 * * *', true)).toBe(true);
  });

  it('find what is in braces', () => {
    expect(inBraces('a { b { c } } d', /a/)).toBe(' b { c } ');
    expect(() => inBraces('a { b', /a/)).toThrow('no end');
    expect(() => inBraces('a', /b/)).toThrow('no /b/');
  });
});

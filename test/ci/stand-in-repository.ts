import { execFileSync } from 'node:child_process';
import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { packageRoot } from '../../src/base/package-info.ts';

/**
 * A repository that recipes clone in place of Hollowmark's: `npm ci` needs no network, and what it builds is a program that
 * calls the built one here.
 *
 * Two things that program does by itself. A run that is invalid or misses an SLO passes, because on a busy machine many do,
 * and a recipe is tried and not the machine. And with STAND_IN_RUN a run is the copy of one that was made before. The gate judges both
 * as it would have judged a run of their own.
 *
 * @param tag what recipes ask for.
 * @returns its address.
 */
export function makeStandInRepository(dir: string, tag: string): string {
  const main = join(packageRoot, 'dist/cli/main.js');
  mkdirSync(dir, { recursive: true });
  const about = { name: 'stand-in', version: '1.0.0', private: true };
  const files: Record<string, string> = {
    'package.json': JSON.stringify({ ...about, scripts: { prepare: 'node build.mjs' } }),
    'package-lock.json': JSON.stringify({
      ...about,
      lockfileVersion: 3,
      requires: true,
      packages: { '': about },
    }),
    'build.mjs': `import { cpSync } from 'node:fs';
cpSync('hollowmark', 'dist/cli/hollowmark');
`,
    hollowmark: `#!${process.execPath}
const { spawnSync } = require('node:child_process');
const { cpSync, readFileSync, writeFileSync } = require('node:fs');
const { join } = require('node:path');
const args = process.argv.slice(2);
const call = (...given) => spawnSync(process.execPath, [${JSON.stringify(main)}, ...given], { stdio: 'inherit' }).status;
const valueOf = (flag) => (args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined);
const [out, baseline, made] = [valueOf('--out'), valueOf('--baseline'), process.env.STAND_IN_RUN];
const isRun = args[0] === 'run';
let code = 0;
if (isRun && made !== undefined) cpSync(made, out, { recursive: true });
else code = call(...args);
const passes = isRun && [3, 5].includes(code);
if (passes) {
  const file = join(out, 'result.json');
  writeFileSync(file, JSON.stringify({ ...JSON.parse(readFileSync(file, 'utf8')), verdict: 'pass' }));
  code = 0;
}
if (baseline !== undefined && (passes || made !== undefined)) {
  code = call('gate', out, '--baseline', baseline, '--junit', join(out, 'junit.xml'));
}
process.exit(code);
`,
  };
  for (const [name, text] of Object.entries(files)) writeFileSync(join(dir, name), text, { mode: 0o755 });
  const git = (...args: string[]): void => {
    const author = [
      '-c',
      'user.name=Test',
      '-c',
      'user.email=test@example.com',
      '-c',
      'commit.gpgsign=false',
    ];
    execFileSync('git', [...author, ...args], { cwd: dir, stdio: 'pipe' });
  };
  git('init', '--quiet');
  git('add', '.');
  git('commit', '--quiet', '--message', 'A stand-in');
  git('tag', tag);
  return pathToFileURL(dir).href;
}

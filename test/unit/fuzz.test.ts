import { mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import { afterAll, beforeAll, describe, expect, it } from 'vitest';
import { parse, stringify } from 'yaml';
import { systemClock } from '../../src/base/clock.ts';
import { HollowmarkError } from '../../src/base/errors.ts';
import { Prng } from '../../src/base/prng.ts';
import { kubeconfigText } from '../../src/control-plane/kubeconfig.ts';
import { createPki } from '../../src/control-plane/pki.ts';
import { readKubeconfig } from '../../src/kube/kubeconfig.ts';
import { renderCsv } from '../../src/report/csv/render-csv.ts';
import { renderHgrm } from '../../src/report/hgrm/render-hgrm.ts';
import { renderHistory } from '../../src/report/history/render-history.ts';
import { renderMarkdown } from '../../src/report/markdown/render-markdown.ts';
import { renderOpenmetrics } from '../../src/report/openmetrics/render-openmetrics.ts';
import { renderPerfdash } from '../../src/report/perfdash/render-perfdash.ts';
import { readResult } from '../../src/result/read.ts';
import type { RunResult } from '../../src/result/result.ts';
import { runInProcess } from './cli/in-process.ts';
import { mutateBytes, mutateStructure } from './mutation.ts';
import { readOpenmetrics } from './report/openmetrics-reader.ts';
import { sampleResult } from './report/sample-result.ts';

/*
 * Broken files of every kind that a user hands over: each is used, or refused with exactly one message and exit code
 * 2, in time, and nothing is left behind. HOLLOWMARK_FUZZ_SEED=n tries others.
 */

const seed = process.env['HOLLOWMARK_FUZZ_SEED'] ?? '1';

/** One input takes milliseconds; one that takes this long hangs. */
const limitMs = 20_000;

/** Writes down the file in hand, so that one that never ends can be found; a loop in this thread stops no other. */
const watchdogCode = `
const { workerData } = require('node:worker_threads');
const { readdirSync, writeSync } = require('node:fs');
let last = -1;
setInterval(() => {
  const now = Atomics.load(workerData.current, 0);
  if (now === last && now >= 0) {
    const files = readdirSync(workerData.dir).join(', ');
    writeSync(2, 'fuzz: ' + files + ' of seed ' + workerData.seed + ' does not end\\n');
    process.kill(process.pid, 'SIGKILL');
  }
  last = now;
}, ${limitMs});
`;

/** How one input ended: `accepted`, `refused`, or what is wrong. */
type Target = (path: string) => Promise<string>;

let dir: string;
let watchdog: Worker;
/** The number of the input in hand, of all kinds in a row; -1 between them. */
const current = new Int32Array(new SharedArrayBuffer(4)).fill(-1);
let inputs = 0;

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-fuzz-'));
  watchdog = new Worker(watchdogCode, { eval: true, workerData: { current, dir, seed } });
});
afterAll(async () => {
  await watchdog.terminate();
  rmSync(dir, { recursive: true, force: true });
});

/** Runs the command on a file; `made` are the files that it may leave when it ends well. */
function command(argvOf: (path: string) => string[], made: readonly string[]): Target {
  return async (path) => {
    const { exitCode, stdout, stderr } = await runInProcess(argvOf(path));
    const left = readdirSync(dir, { recursive: true, encoding: 'utf8' }).filter(
      (name) => join(dir, name) !== path && !(exitCode === 0 && made.includes(name)),
    );
    if (left.length > 0) return `left behind: ${left.join(', ')}`;
    if (exitCode === 0) return /^(warning: .*\n)*$/.test(stderr) ? 'accepted' : `accepted with: ${stderr}`;
    if (exitCode !== 2) return `exit code ${exitCode}: ${stderr}`;
    if (stdout !== '') return `refused with output: ${stdout}`;
    return messageFault(stderr) ?? 'refused';
  };
}

/** One line with the message, perhaps one with a hint. */
function messageFault(stderr: string): string | undefined {
  const clear =
    /^hollowmark: .+\n(  .+\n)?$/.test(stderr) &&
    stderr.length < 1500 &&
    !/undefined|\[object|invariant|internal|\n\s+at /.test(stderr);
  return clear ? undefined : `unclear: ${stderr}`;
}

/** Gives `count` mutated files to a target. @returns how often each end was reached; anything else is thrown. */
async function fuzz(
  name: string,
  count: number,
  originals: readonly Buffer[],
  read: (text: string) => Record<string, unknown>,
  target: Target,
): Promise<{ accepted: number; refused: number }> {
  const documents = originals.map((bytes) => read(bytes.toString('utf8')));
  const ended = { accepted: 0, refused: 0 };
  for (let i = 0; i < count; i++) {
    // One generator for each input: it can be made again alone.
    const prng = new Prng(`${seed}/${name}/${i}`);
    const which = prng.below(originals.length);
    const path = join(dir, `${name}-${i}`);
    const structural = prng.below(3) > 0;
    const format = name === 'result' ? 'json' : prng.below(4) === 0 ? 'json' : 'yaml';
    writeFileSync(
      path,
      structural
        ? mutateStructure(documents[which] ?? {}, prng, format)
        : mutateBytes(originals[which] ?? Buffer.alloc(0), originals, prng),
    );
    Atomics.store(current, 0, inputs++);
    const outcome = await target(path);
    Atomics.store(current, 0, -1);
    if (outcome !== 'accepted' && outcome !== 'refused') {
      const input = readFileSync(path, 'latin1').slice(0, 3000);
      throw new Error(`seed ${seed}, ${name} ${i}: ${outcome}\n${JSON.stringify(input)}`);
    }
    ended[outcome]++;
    for (const file of readdirSync(dir)) rmSync(join(dir, file), { recursive: true });
  }
  return ended;
}

/** Without files: what is written for programs must be made of whatever was accepted, and be valid. */
function renderOtherFormats(result: RunResult): void {
  readOpenmetrics(renderOpenmetrics(result));
  const build = { job: 'fuzz', number: '1' };
  const files = [
    ...renderPerfdash(result),
    ...renderHgrm(result),
    ...renderCsv(result),
    ...renderHistory(result, build, [{ name: 'summary.md', content: renderMarkdown(result) }]),
  ];
  for (const { name, content } of files) {
    if (name.endsWith('.json')) JSON.parse(String(content));
  }
}

/** A small result: everything that a result has, little of each. */
function smallResult(verdict: 'pass' | 'fail'): Buffer {
  const result = sampleResult({ verdict, nodes: 2, pods: 3 });
  return Buffer.from(
    JSON.stringify({ ...result, slis: result.slis.slice(0, 4), timeline: result.timeline.slice(0, 3) }),
  );
}

/** One of our own, and one with most of what kubeconfigs can hold. */
async function sampleKubeconfigs(): Promise<Buffer[]> {
  const pki = await createPki(() => systemClock.wallMs());
  const endpoint = { url: 'https://127.0.0.1:6443', caPem: pki.clusterCa.certPem };
  const server = 'https://api.example.com:6443/k8s';
  const exec = {
    apiVersion: 'client.authentication.k8s.io/v1',
    command: 'plugin-that-is-not-there',
    args: ['token'],
    env: [{ name: 'REGION', value: 'b' }],
    interactiveMode: 'Never',
  };
  const foreign = {
    apiVersion: 'v1',
    kind: 'Config',
    'current-context': 'token',
    clusters: [
      { name: 'proxied', cluster: { server, 'proxy-url': 'http://proxy.example.com:3128' } },
      {
        name: 'unverified',
        cluster: { server, 'insecure-skip-tls-verify': true, 'tls-server-name': 'x.test' },
      },
      { name: 'file', cluster: { server, 'certificate-authority': 'ca.crt' } },
    ],
    users: [
      { name: 'token', user: { token: 'abc' } },
      { name: 'plugin', user: { exec } },
      { name: 'password', user: { username: 'me', password: 'secret' } },
    ],
    contexts: [
      { name: 'token', context: { cluster: 'unverified', user: 'token', namespace: 'load' } },
      { name: 'plugin', context: { cluster: 'proxied', user: 'plugin' } },
      { name: 'password', context: { cluster: 'file', user: 'password' } },
    ],
  };
  return [Buffer.from(kubeconfigText(endpoint, 'admin', pki.admin)), Buffer.from(stringify(foreign))];
}

/** Reads it only: no plugin runs, nothing connects. */
const kubeconfigTarget: Target = async (path) => {
  try {
    await readKubeconfig(path);
    return 'accepted';
  } catch (error) {
    if (!(error instanceof HollowmarkError) || error.code !== 'bad-input') {
      return `not our error: ${error instanceof Error ? (error.stack ?? error.message) : String(error)}`;
    }
    const hint = error.hint === undefined ? '' : `  ${error.hint}\n`;
    return messageFault(`hollowmark: ${error.message}\n${hint}`) ?? 'refused';
  }
};

describe(`mutated files, seed ${seed}`, () => {
  it('scenarios: accepted, or refused with one message', { timeout: 240_000 }, async () => {
    const originals = ['quickstart', 'density'].map((name) => readFileSync(`scenarios/${name}.yaml`));
    const target = command((path) => ['validate', path, '--plan'], []);
    const ended = await fuzz('scenario', 3500, originals, parse, target);
    // Both ways out were really taken.

    expect(ended.accepted).toBeGreaterThan(200);
    expect(ended.refused).toBeGreaterThan(1500);
  });

  it('results: reported, or refused with one message', { timeout: 240_000 }, async () => {
    const originals = [smallResult('pass'), smallResult('fail')];
    const made = ['out', 'out/report.html', 'out/junit.xml'];
    const written = command(
      (path) => ['report', path, '--out', join(dir, 'out'), '--format', 'html', '--format', 'junit'],
      made,
    );
    const target: Target = async (path) => {
      const outcome = await written(path);
      if (outcome === 'accepted') renderOtherFormats(readResult(path));
      return outcome;
    };
    const ended = await fuzz('result', 2500, originals, JSON.parse, target);

    expect(ended.accepted).toBeGreaterThan(200);
    expect(ended.refused).toBeGreaterThan(1000);
  });

  it('kubeconfigs: read, or refused with one message', { timeout: 240_000 }, async () => {
    const ended = await fuzz('kubeconfig', 4000, await sampleKubeconfigs(), parse, kubeconfigTarget);
    expect(ended.accepted).toBeGreaterThan(400);
    expect(ended.refused).toBeGreaterThan(1500);
  });
});

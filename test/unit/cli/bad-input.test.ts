import { spawnSync } from 'node:child_process';
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, rmSync, symlinkSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { dirname, join } from 'node:path';
import { stringify } from 'yaml';
import { afterAll, afterEach, beforeAll, beforeEach, describe, expect, it, vi } from 'vitest';
import type { RunResult } from '../../../src/result/result.ts';
import { sampleResult } from '../report/sample-result.ts';
import { runInProcess } from './in-process.ts';

/*
 * What a stranger can get wrong on the command line: one message that names the thing, what to do, exit code 2 or 6,
 * nothing on stdout, nothing left behind. `$DIR` in arguments, variables and messages stands for the test's folder.
 */

const scenario = 'name: small\nnodes: { count: 3 }\nphases:\n  - { type: steady, duration: 1s }\n';
const phase = (text: string): string => scenario.replace('{ type: steady, duration: 1s }', text);

/** A result with a scenario that could run. */
function rerun(change: (result: RunResult) => unknown): RunResult {
  const result = sampleResult();
  result.run.parameters = { name: 'a', nodes: { count: 1 }, phases: [{ type: 'delete' }] };
  change(result);
  return result;
}

const files: Record<string, string | Buffer> = {
  'good.yaml': scenario,
  'unknown-key.yaml': scenario.replace('count', 'cuont'),
  'no-phases.yaml': 'name: a\nnodes: { count: 1 }\nphases: []\n',
  'plain.yaml': 'hello',
  'tab.yaml': 'name: a\nnodes:\n\tcount: 1\n',
  'contexts.yaml': stringify({
    clusters: [{ name: 'c', cluster: { server: 'http://plain.example' } }],
    users: [{ name: 'u', user: { token: 't' } }],
    contexts: [{ name: 'there', context: { cluster: 'c', user: 'u' } }],
  }),
  'twice.yaml': `${scenario}name: b\n`,
  'utf16.yaml': Buffer.from(`\uFEFF${scenario}`, 'utf16le'),
  'binary.yaml': Buffer.from([0x7f, 0x45, 0x4c, 0x46, 0, 1]),
  'latin1.yaml': Buffer.from([0x61, 0xe4, 0x62]),
  'empty.yaml': '',
  'large.yaml': Buffer.alloc(100 * 1024 * 1024, '# '),
  'deep.yaml': '['.repeat(20_000),
  'bomb.yaml': 'abcdefgh'
    .split('')
    .map((key, i, all) => `${key}: &${key} [${`${i === 0 ? 'x' : `*${all[i - 1]}`},`.repeat(9)}]\n`)
    .join(''),
  'zero.yaml': scenario.replace('3', '0'),
  'negative.yaml': scenario.replace('3', '-3'),
  'nan.yaml': scenario.replace('3', '.nan'),
  'infinite.yaml': scenario.replace('3', '.inf'),
  'huge.yaml': scenario.replace('3', '1e300'),
  'word.yaml': scenario.replace('3', '"3"'),
  'bare-duration.yaml': scenario.replace('1s', '5'),
  'no-duration.yaml': scenario.replace('1s', '0s'),
  'long-duration.yaml': scenario.replace('1s', '99999999h'),
  'rate.yaml': phase(
    '{ type: latency-pods, count: 9, pacing: { strategy: poisson, requestsPerSecond: -1 } }',
  ),
  'slow.yaml': phase(
    '{ type: latency-pods, count: 9, pacing: { strategy: poisson, requestsPerSecond: 1e-300 } }',
  ),
  'slow-burst.yaml': phase(
    '{ type: latency-pods, count: 900, pacing: { strategy: burst, size: 1, every: 1h } }',
  ),
  'crowded.yaml': phase('{ type: create-deployments, podsPerNode: 111 }'),
  'prototype.yaml': `${scenario}__proto__: { a: 1 }\n`,
  'newer.json': '{"schema":"hollowmark.result/v9"}',
  'foreign.json': '{"kind":"Pod"}',
  'null.json': 'null',
  'cut.json': '{"schema":',
  'broken.json': JSON.stringify({ ...sampleResult(), nodes: { requested: 'many', ready: 1 } }),
  'foreign-run.json': JSON.stringify(rerun((result) => (result.run.parameters = { nodes: { count: 1 } }))),
  'later-run.json': JSON.stringify(
    rerun((result) => Object.assign(result.run.invocation ?? {}, { identity: 'dna' })),
  ),
  'never.json': JSON.stringify(
    rerun((result) => Object.assign(result.run, { finishedAt: '2026-99-99T00:00:00Z' })),
  ),
  'packed.json': Buffer.from([0x1f, 0x8b, 8, 0, 0]),
  'escape.json': '\u001b[2J',
};

/** Arguments, and what the message must say. The exit code is 2. */
const badInput: [args: string, ...named: string[]][] = [
  // Files.
  ['validate $DIR/missing.yaml', '$DIR/missing.yaml: there is no such file', 'quickstart.yaml'],
  ['run $DIR/missing.yaml', '$DIR/missing.yaml: there is no such file'],
  ['validate $DIR/good.yaml/x', '$DIR/good.yaml/x: there is no such file'],
  ['validate $DIR', '$DIR: a folder, not a scenario file'],
  ['validate $DIR/pipe', '$DIR/pipe: a pipe, device or socket'],
  ['validate /dev/zero', '/dev/zero: a pipe, device or socket'],
  ['validate $DIR/loop', '$DIR/loop: a symbolic link that leads to itself'],
  [`validate $DIR/${'x'.repeat(300)}`, 'no file can have so long a name'],
  ['validate $DIR/empty.yaml', '$DIR/empty.yaml: the file is empty'],
  ['validate $DIR/large.yaml', '$DIR/large.yaml: larger than 262 kB, so not a scenario file'],
  ['validate $DIR/binary.yaml', '$DIR/binary.yaml: a binary file'],
  ['validate $DIR/latin1.yaml', '$DIR/latin1.yaml: not UTF-8'],
  ['validate $DIR/utf16.yaml', '$DIR/utf16.yaml: UTF-16', 'iconv'],
  // Scenarios.
  ['validate $DIR/unknown-key.yaml', '$DIR/unknown-key.yaml:2:10: unknown key nodes.cuont', '"count"'],
  ['run $DIR/unknown-key.yaml', '$DIR/unknown-key.yaml:2:10: unknown key nodes.cuont'],
  ['validate $DIR/no-phases.yaml', '$DIR/no-phases.yaml:3:9:', 'an empty list'],
  ['validate $DIR/plain.yaml', '$DIR/plain.yaml:1:1: a scenario must be a map'],
  ['validate $DIR/tab.yaml', '$DIR/tab.yaml:3:1: indented with a tab'],
  ['validate $DIR/twice.yaml', '$DIR/twice.yaml:5:1: the key "name" stands twice'],
  ['validate $DIR/deep.yaml', '$DIR/deep.yaml:1:', 'nested too deeply'],
  ['validate $DIR/bomb.yaml', '$DIR/bomb.yaml: ', 'aliases'],
  ['validate $DIR/zero.yaml', '$DIR/zero.yaml:2:17: nodes.count must be at least 1, not 0'],
  ['validate $DIR/negative.yaml', '$DIR/negative.yaml:2:17: nodes.count must be at least 1, not -3'],
  ['validate $DIR/nan.yaml', 'nodes.count must be a whole number, not NaN'],
  ['validate $DIR/infinite.yaml', 'nodes.count must be a whole number, not Infinity'],
  ['validate $DIR/huge.yaml', 'nodes.count must be at most 50000'],
  ['validate $DIR/word.yaml', 'nodes.count must be a whole number, not "3"'],
  [
    'validate $DIR/bare-duration.yaml',
    '$DIR/bare-duration.yaml:4:31:',
    'phases[0].duration must be a duration',
  ],
  ['validate $DIR/no-duration.yaml', 'phases[0].duration must be longer than 0s'],
  ['validate $DIR/long-duration.yaml', 'phases[0].duration must be at most 168h'],
  ['validate $DIR/rate.yaml', 'phases[0].pacing.requestsPerSecond must be greater than 0, not -1'],
  ['validate $DIR/slow.yaml', 'phases[0].pacing.requestsPerSecond: 9 requests would take longer than 168h'],
  ['validate $DIR/slow-burst.yaml', 'phases[0].pacing.every: 900 requests would take longer than 168h'],
  ['validate $DIR/crowded.yaml', '$DIR/crowded.yaml:4:46: phases[0].podsPerNode: 333 pods are more'],
  ['validate $DIR/prototype.yaml', '$DIR/prototype.yaml:5:1: unknown key __proto__'],
  // --set.
  ['validate $DIR/good.yaml --set nodes.cout=3', '--set nodes.cout=3: there is no setting', 'nodes.count'],
  ['validate $DIR/good.yaml --set nodes.count', '--set nodes.count: must be a path, "=" and a value'],
  ['validate $DIR/good.yaml --set nodes.count=', '--set nodes.count=: there is no value'],
  ['validate $DIR/good.yaml --set nodes.count=few', 'nodes.count must be a whole number, not "few"'],
  ['validate $DIR/good.yaml --set __proto__.x=1', 'there is no setting __proto__'],
  ['validate $DIR/good.yaml --set constructor.prototype.x=1', 'there is no setting constructor'],
  ['validate $DIR/good.yaml --set nodes.labels.__proto__=x', 'the key "__proto__" of nodes.labels'],
  ['validate $DIR/good.yaml --set phases[9].duration=1s', 'there is no phases[9]'],
  ['validate $DIR/good.yaml --set phases.stedy.duration=1s', 'the nearest is phases.steady'],
  ['validate $DIR/good.yaml --set nodes=[', 'not valid YAML'],
  // Flags.
  ['validate $DIR/good.yaml --nodes 0', '--nodes: needs a whole number of at least 1'],
  ['validate $DIR/good.yaml --nodes -1', '--nodes: needs a whole number of at least 1'],
  ['validate $DIR/good.yaml --nodes 1.5', '--nodes: needs a whole number'],
  ['validate $DIR/good.yaml --nodes many', '--nodes: needs a whole number'],
  ['validate $DIR/good.yaml --nodes 1e999', '--nodes: needs a whole number'],
  ['validate $DIR/good.yaml --nodes 1e9', '--nodes 1000000000: nodes.count must be at most 50000'],
  ['up --nodes 1e9', '--nodes 1000000000: nodes.count must be at most 50000'],
  ['up --nodes NaN', '--nodes: needs a whole number'],
  ['validate $DIR/good.yaml --nodes 3 --nodes 4', '--nodes is given twice'],
  ['validate $DIR/good.yaml --plan --plan', '--plan is given twice'],
  ['validate $DIR/good.yaml --nodes', '--nodes needs a value'],
  ['validate $DIR/good.yaml --seed=', '--seed: its value is empty'],
  ['validate $DIR/good.yaml --no-seed', 'there is no flag --no-seed'],
  ['validate $DIR/good.yaml --plan=maybe', "--plan is on or off and takes no value, not 'maybe'"],
  ['validate $DIR/good.yaml --plann', 'there is no flag --plann; did you mean --plan?'],
  ['validate $DIR/good.yaml --nods=3', 'there is no flag --nods; did you mean --nodes?'],
  ['validate $DIR/good.yaml -x', 'there is no flag -x'],
  ['validate $DIR/good.yaml $DIR/good.yaml', 'one argument too many'],
  ['validate', 'an argument is missing'],
  ['report', 'an argument is missing'],
  ['valdate', 'did you mean validate?'],
  ['promenade', "'promenade'"],
  ['', 'which command?'],
  ['control-plane', 'which command?'],
  ['control-plane instal', 'did you mean install?'],
  ['run $DIR/good.yaml --flags scales', '--flags must be default|scale, not "scales"'],
  ['run $DIR/good.yaml --profile kublet', '--profile must be kubelet'],
  ['run $DIR/good.yaml --identity none', '--identity must be certificate'],
  [
    'run $DIR/good.yaml --kubernetes-version 1.36',
    '"1.36" is not a Kubernetes version',
    '--kubernetes-version v1.36.3',
  ],
  ['up --kubernetes-version v9.9.9', '"v9.9.9" is not a Kubernetes version'],
  ['control-plane install --kubernetes-version latest', '"latest" is not a Kubernetes version'],
  ['run $DIR/good.yaml --release-url ftp://example.com', '--release-url'],
  // Folders for output.
  ['run $DIR/good.yaml --out $DIR/good.yaml', '$DIR/good.yaml is not a folder', '--out'],
  ['run $DIR/good.yaml --out $DIR/good.yaml --skip-preflight', 'cannot write $DIR/good.yaml', '--out'],
  ['run $DIR/good.yaml --out $DIR/good.yaml/x/y', '$DIR/good.yaml is not a folder', '--out'],
  ['run $DIR/good.yaml --out /proc/hollowmark/x', '/proc/hollowmark/x', '--out'],
  [
    'run $DIR/good.yaml --out /proc/hollowmark/x --skip-preflight',
    'cannot write /proc/hollowmark/x',
    '--out',
  ],
  // Existing clusters.
  [
    'run $DIR/good.yaml --set controlPlane.extraFlags.kube-apiserver.goaway-chance=0.02 --kubeconfig $DIR/a --skip-preflight',
    'controlPlane.extraFlags: the control plane of $DIR/a is not started by Hollowmark',
    'leave out --kubeconfig',
  ],
  ['run $DIR/good.yaml --kubeconfig $DIR/missing', '$DIR/missing: there is no such file'],
  ['run $DIR/good.yaml --kubeconfig $DIR', '$DIR: '],
  ['run $DIR/good.yaml --kubeconfig $DIR/binary.yaml', '$DIR/binary.yaml: '],
  ['run $DIR/good.yaml --kubeconfig $DIR/good.yaml', '$DIR/good.yaml: not a kubeconfig'],
  ['run $DIR/good.yaml --kubeconfig $DIR/contexts.yaml', 'has no current-context', '"there"'],
  ['up --kubeconfig $DIR/contexts.yaml --context ther', 'there is no context "ther"', '"there"'],
  ['up --kubeconfig $DIR/contexts.yaml --context there', '$DIR/contexts.yaml:4:15: ', 'https://'],
  ['run $DIR/good.yaml --kubeconfig $DIR/a --flags scale', '--kubeconfig and --flags exclude each other'],
  ['up --kubeconfig $DIR/a --binaries $DIR', '--kubeconfig and --binaries exclude each other'],
  ['run $DIR/good.yaml --context there', '--context needs --kubeconfig with it'],
  ['clean --kubeconfig $DIR/missing', '$DIR/missing: there is no such file'],
  ['up --kubeconfig $DIR/a --kubeconfig-out $DIR/b', 'exclude each other'],
  ['clean --run x', '--run needs --kubeconfig with it'],
  ['clean --kubeconfig $DIR/missing --force', '--force: needs a run'],
  ['clean --dry-run', '--dry-run needs --kubeconfig with it'],
  // Doctor.
  ['fidelity', 'against'],
  ['fidelity --against windows', '--against must be kubelet|kubemark|hollow'],
  ['fidelity --against kubelet --nodes 2', '--nodes: there can only be one real node', '--against kubemark'],
  ['fidelity --against kubemark --nodes 101', '--nodes: at most 100'],
  ['fidelity --against kubemark --pods 71', '--pods: at most 70', '110'],
  ['fidelity --against hollow --repeat 0', '--repeat: needs a whole number of at least 1'],
  ['fidelity --against hollow --idle soon', '--idle: "soon" is not a duration', 'such as'],
  ['fidelity --against hollow --idle 999h', '--idle: at most 168h'],
  [
    'fidelity --against hollow --runtime $DIR/missing',
    '$DIR/missing: there is no such file',
    'docs/runtimes.md',
  ],
  ['fidelity --against hollow --runtime $DIR/good.yaml', '$DIR/good.yaml: '],
  ['fidelity --against kubemark --runtime containerd', '--runtime: not with --against kubemark'],
  ['fidelity --against hollow --slow etcd=20ms', '--slow: needs --trend'],
  ['fidelity --against hollow --trend --slow disk=20ms', '--slow: "disk=20ms" is no step', 'etcd=20ms'],
  ['fidelity --against hollow --trend --slow etcd=20', '--slow: "etcd=20" has no duration', 'such as'],
  ['fidelity --against hollow --trend --slow etcd=0s', '--slow: etcd must be between 1ms and 1000ms'],
  ['fidelity --against hollow --trend --slow cpu=half', '--slow: "cpu=half" has no percentage', 'cpu=50%'],
  ['fidelity --against hollow --trend --slow cpu=-5%', '--slow: "cpu=-5%" has no percentage'],
  ['fidelity --against hollow --trend --slow cpu=100%', '--slow: cpu must be between 5% and 95%'],
  ['fidelity --against hollow --trend --slow cpu=9% --slow cpu=9.0%', '--slow: cpu=9% is there twice'],
  [
    'fidelity --against hollow --trend --slow etcd=1ms etcd=2ms etcd=3ms etcd=4ms etcd=5ms',
    '--slow: at most 4 steps',
  ],
  ['fidelity --against hollow --trend --slow=', '--slow needs a value'],
  ['fidelity --against hollow --trend --short', '--short: not with --trend', '--pods'],
  ['fidelity --against hollow --trend --idle 1s', '--idle: not with --trend'],
  ['fidelity --against hollow --trend --repeat 2', '--repeat: with --trend at least 3', 'chance'],
  ['doctor --nodes 0', '--nodes: needs a whole number of at least 1'],
  ['doctor --pods -1', '--pods'],
  ['doctor --scenario $DIR/missing.yaml', '$DIR/missing.yaml'],
  ['doctor --kubernetes-version latest', '"latest" is not a Kubernetes version'],
  ['run', 'run needs a scenario file, or an earlier run with --again'],
  ['run $DIR/good.yaml --again $DIR/result.json', 'one of the two'],
  ['run $DIR/good.yaml --repeat 1', '--repeat: at least 2', 'once'],
  ['run $DIR/good.yaml --repeat few', '--repeat: needs a whole number of at least 1'],
  ['run $DIR/good.yaml --against nodes.count=4', '--against needs --repeat'],
  ['run $DIR/good.yaml --repeat 2 --against wire=xml', '--against wire=xml: must be wire=protobuf|json'],
  ['run $DIR/good.yaml --repeat 2 --against profile=', '--against profile=: must be profile=kubelet|'],
  [
    'run $DIR/good.yaml --repeat 2 --against flags=scale --kubeconfig $DIR/a',
    '--kubeconfig and --against flags=',
  ],
  [
    'run $DIR/good.yaml --repeat 2 --against nodes.cout=4',
    'nodes.cout=4: there is no setting',
    'nodes.count',
  ],
  ['noise', 'an argument is missing'],
  ['noise $DIR/missing.yaml', '$DIR/missing.yaml: there is no such file'],
  ['noise $DIR/good.yaml --pairs 1', '--pairs: at least 2', 'one run of a side'],
  ['noise $DIR/good.yaml --pairs 2.5', '--pairs: needs a whole number'],
  ['noise $DIR/good.yaml --out $DIR/good.yaml', '$DIR/good.yaml/run-1', '--out'],
  ['run --again $DIR/missing', '$DIR/missing: there is no such file'],
  ['run --again $DIR/newer.json', 'another version', 'hollowmark.result/v9'],
  ['run --again $DIR/foreign-run.json', '$DIR/foreign-run.json: $.run.parameters', 'has no "name"'],
  ['run --again $DIR/later-run.json', '$.run.invocation.identity is "dna"', '--identity certificate|'],
  [`run $DIR/good.yaml --out $DIR/made/${'x'.repeat(300)}`, 'The name is too long'],
  ['run $DIR/good.yaml --out=', '--out: its value is empty'],
  ['report $DIR/result.json --out $DIR/good.yaml', 'cannot write $DIR/good.yaml', '--out'],
  ['report $DIR/result.json --out /proc/hollowmark', 'cannot write /proc/hollowmark', '--out'],
  ['up --kubeconfig-out $DIR/good.yaml', '$DIR/good.yaml is there already'],
  ['up --kubeconfig-out $DIR/no/such/folder', 'the folder $DIR/no/such cannot be written'],
  // Binaries.
  ['run $DIR/good.yaml --out $DIR/out --binaries $DIR/none', 'the folder $DIR/none lacks etcd'],
  ['run $DIR/good.yaml --out $DIR/out --binaries $DIR/good.yaml', 'the folder $DIR/good.yaml lacks etcd'],
  ['run $DIR/good.yaml --out $DIR/out --binaries $DIR/failing', 'control-plane --version fails'],
  ['up --binaries $DIR/garbage', 'control-plane --version fails', 'binaries for this machine are needed'],
  ['control-plane install --binaries $DIR/none', 'the folder $DIR/none lacks etcd'],
  // Results.
  ['report $DIR/missing.json', '$DIR/missing.json: there is no such file'],

  ['report $DIR/failing', '$DIR/failing/result.json: there is no such file'],
  ['report $DIR/pipe', '$DIR/pipe: a pipe, device or socket'],
  ['report /dev/zero', '/dev/zero: a pipe, device or socket'],
  ['report $DIR/empty.yaml', '$DIR/empty.yaml: the file is empty'],
  ['report $DIR/packed.json', '$DIR/packed.json: a binary file'],
  ['report $DIR/newer.json', 'another version', 'hollowmark.result/v9'],
  ['report $DIR/foreign.json', '$DIR/foreign.json is not a Hollowmark result'],
  ['report $DIR/null.json', '$DIR/null.json is not a Hollowmark result'],
  ['report $DIR/cut.json', '$DIR/cut.json is not JSON'],
  ['report $DIR/broken.json', '$DIR/broken.json: $.nodes'],
  ['report $DIR/never.json', '$DIR/never.json: $.run.finishedAt is no time: 2026-99-99T00:00:00Z'],
  ['report $DIR/result.json --format pdf', '--format must be html|junit|png|perfdash|', '"pdf"'],
  ['report $DIR/result.json --format html,pdf', '--format must be html|', '"pdf"'],
  ['report $DIR/result.json --job nightly', '--job is for the format history', '--format history'],
  ['report $DIR/result.json --format html --upload $DIR/up', '--upload is for the format history'],
  ['report $DIR/result.json --artifacts-url https://ci.example/1/', '--format markdown'],
  ['report $DIR/result.json --format markdown --artifacts-url javascript:0', '--artifacts-url javascript:0'],
  ['report $DIR/result.json --format history --job a/b', '--job a/b: not the name of a folder'],
  ['report $DIR/result.json --format history --build ..', '--build ..: not the name of a folder'],
  ['report $DIR/result.json --format history --upload-command true', '{dir}'],
  ['report $DIR/escape.json', '$DIR/escape.json is not JSON'],
];

const node = dirname(process.execPath);
const bare = { PATH: node, KUBEBUILDER_ASSETS: '', HOLLOWMARK_CACHE: '$DIR/cache' };

/** What depends on the environment: arguments, variables, exit code, and what the message must say. */
const badEnvironment: [
  args: string,
  environment: Record<string, string>,
  exitCode: number,
  ...named: string[],
][] = [
  [
    'run $DIR/good.yaml --out $DIR/out --release-url http://127.0.0.1:1',
    bare,
    6,
    'there are no binaries of the control plane',
    'cache: $DIR/cache',
    'ECONNREFUSED',
    'Go is not installed',
    '--binaries DIR',
  ],
  ['up --release-url http://127.0.0.1:1', bare, 6, 'there are no binaries', 'control-plane install'],
  ['control-plane install --release-url http://127.0.0.1:1', bare, 6, 'there are no binaries'],
  ['control-plane install', { ...bare, HOLLOWMARK_CACHE: '$DIR/good.yaml' }, 6, 'HOLLOWMARK_CACHE=DIR'],
  ['control-plane install', { ...bare, HOLLOWMARK_CACHE: '/proc/hollowmark' }, 6, 'HOLLOWMARK_CACHE=DIR'],
  [
    'run $DIR/good.yaml --out $DIR/out --binaries $DIR/hollow',
    { TMPDIR: '$DIR/good.yaml' },
    2,
    'the state folder $DIR/good.yaml',
    'TMPDIR',
  ],
  ['up --binaries $DIR/hollow', { TMPDIR: '/proc/hollowmark' }, 2, '/proc/hollowmark', 'TMPDIR'],
  [
    'run $DIR/good.yaml --out $DIR/out --binaries $DIR/hollow',
    {},
    6,
    'etcd (pid',
    'exited with code 3',
    'no such luck',
  ],
];

let dir: string;
const placed = (text: string): string => text.replaceAll('$DIR', dir);

beforeAll(() => {
  dir = mkdtempSync(join(tmpdir(), 'hollowmark-bad-'));
  for (const [name, content] of Object.entries(files)) writeFileSync(join(dir, name), content);
  writeFileSync(join(dir, 'result.json'), JSON.stringify(sampleResult()));
  expect(spawnSync('sh', ['-c', `mkfifo ${join(dir, 'pipe')}`]).status).toBe(0);
  symlinkSync('loop', join(dir, 'loop'));
  mkdirSync(join(dir, 'tmp', `hollowmark-${process.getuid?.()}`), { recursive: true });
  const program = (folder: string, name: string, text: string): void => {
    mkdirSync(join(dir, folder), { recursive: true });
    writeFileSync(join(dir, folder, name), text);
    chmodSync(join(dir, folder, name), 0o755);
  };
  program('failing', 'control-plane', '#!/bin/sh\nexit 1\n');
  program('garbage', 'control-plane', '\u007fELF and nothing more');
  program(
    'hollow',
    'control-plane',
    '#!/bin/sh\n[ "$2" = --version ] && echo Kubernetes v1.36.3 && exit\necho no such luck >&2\nexit 3\n',
  );
});
afterAll(() => rmSync(dir, { recursive: true, force: true }));
// State goes there, where it is seen if it stays.
beforeEach(() => vi.stubEnv('TMPDIR', placed('$DIR/tmp')));
afterEach(() => vi.unstubAllEnvs());

/** Everything below the test's folder. */
const listing = (): string[] => readdirSync(dir, { recursive: true, encoding: 'utf8' }).toSorted();

/** What is not as it should be when `args` are run. */
async function faultsOf(args: string, wanted: number, named: readonly string[]): Promise<string[]> {
  const before = listing();
  const words = placed(args).split(' ');
  const { exitCode, stdout, stderr } = await runInProcess(words.filter((word) => word !== ''));
  const faults = named
    .filter((text) => !stderr.includes(placed(text)))
    .map((text) => `does not say ${placed(text)}`);
  if (exitCode !== wanted) faults.push(`exit code ${exitCode}`);
  if (stdout !== '') faults.push(`stdout: ${stdout}`);
  if (stderr.match(/^hollowmark: /gm)?.length !== 1) faults.push('not one message');
  if (/\n\s+at |internal error|undefined|\[object|\p{Cc}(?<![\n\t])/u.test(stderr)) faults.push('not clear');
  const left = listing().filter((path) => !before.includes(path));
  if (left.length > 0) faults.push(`left behind: ${left.join(', ')}`);
  return faults.length === 0 ? [] : [...faults, stderr];
}

describe('bad input is refused with one message and exit code 2', () => {
  it.each(badInput)('%s', async (args, ...named) => {
    expect(await faultsOf(args, 2, named)).toEqual([]);
  });
});

describe('an environment that cannot be used is named', () => {
  it.each(badEnvironment)('%s with %j: %i', async (args, environment, exitCode, ...named) => {
    for (const [name, value] of Object.entries(environment)) vi.stubEnv(name, placed(value));
    expect(await faultsOf(args, exitCode, named)).toEqual([]);
  });
});

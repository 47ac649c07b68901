import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { type Clock, systemClock } from '../../base/clock.ts';
import { silentReporter } from '../../base/reporter.ts';
import { newRunId } from '../../cli/options.ts';
import { LocalCluster } from '../../cluster/local-cluster.ts';
import { defaultVersion, officialReleaseUrl } from '../../control-plane/control-plane.ts';
import { baselineRuns } from '../../gate/baseline.ts';
import { type GateRun, gateRunOf } from '../../gate/gate-run.ts';
import { requireAlike } from '../../gate/select-runs.ts';
import { Guardian } from '../../journal/guardian.ts';
import { wireProfileNames } from '../../hollow/wire-profile.ts';
import { writeFileAtomically } from '../../result/atomic-file.ts';
import type { RunResult } from '../../result/result.ts';
import { conductRun } from '../../scenario/conductor.ts';
import { parseScenario } from '../../scenario/load-scenario.ts';
import type { RunReporter } from '../../scenario/run-reporter.ts';
import { wireFormats } from '../../wire/codec.ts';
import { ProxyThread } from './proxy-thread.ts';

export type GateRunsOptions = {
  /** Folder in which runs are kept, so that a later call goes on from there. */
  dir: string;
  /** Runs that count, without a delay and with one. */
  plain: number;
  delayed: number;
  delayMs: number;
  nodes: number;
  /** No run is begun later than this. */
  minutes: number;
  say: (text: string) => void;
};

export type GateRuns = {
  plain: GateRun[];
  delayed: GateRun[];
  /** Runs of this call that did not count. */
  invalid: number;
  complete: boolean;
};

/** Each run is told of in one line once it is over. */
const reporter: RunReporter = { ...silentReporter, status() {} };

/** Runs that do not count are done again, but not for ever: a machine that is busy stays so. By how many are missing. */
const attemptsShare = 2;

/** What there is, and as many more runs as are missing, with and without a delay in turns. */
export async function gateRuns(options: GateRunsOptions): Promise<GateRuns> {
  const { say } = options;
  const clock = systemClock;
  const endUs = clock.nowUs() + options.minutes * 60e6;
  const missing = missingOf(options, keptRuns(options));
  let invalid = 0;
  for (let attempt = 1; ; attempt++) {
    const kept = keptRuns(options);
    requireAlike([...kept.plain, ...kept.delayed], kept.plain[0], []);
    const side = nextSide(options, { plain: kept.plain.length, delayed: kept.delayed.length });
    if (side === undefined) return { ...kept, invalid, complete: true };
    if (attempt > attemptsShare * missing || clock.nowUs() >= endUs) {
      return { ...kept, invalid, complete: false };
    }
    const delayMs = side === 'plain' ? 0 : options.delayMs;
    const result = await oneRun(scenarioText(options.nodes), delayMs, clock);
    const run = gateRunOf(result);
    if (run.unusable === null) keepRun(options, delayMs, run);
    else invalid++;
    say(`${attempt}: ${delayMs} ms, ${result.verdict}: ${result.summary}`);
  }
}

function folderOf({ dir }: Pick<GateRunsOptions, 'dir'>, delayMs: number): string {
  return join(dir, `delay-${delayMs}ms`);
}

type Place = Pick<GateRunsOptions, 'dir' | 'delayMs'>;

/** Runs that earlier calls have kept: only such as count. */
export function keptRuns(place: Place): Pick<GateRuns, 'plain' | 'delayed'> {
  const runsAt = (delayMs: number): GateRun[] =>
    baselineRuns(folderOf(place, delayMs)).filter(({ unusable }) => unusable === null);
  return { plain: runsAt(0), delayed: runsAt(place.delayMs) };
}

/** Keeps a run that counts, for this call and later ones. */
export function keepRun(place: Place, delayMs: number, run: GateRun): void {
  const file = join(folderOf(place, delayMs), `${run.id}.run.json`);
  writeFileAtomically(file, `${JSON.stringify(run, undefined, 1)}\n`);
}

function missingOf(wanted: Counts, { plain, delayed }: Pick<GateRuns, 'plain' | 'delayed'>): number {
  return Math.max(0, wanted.plain - plain.length) + Math.max(0, wanted.delayed - delayed.length);
}

/** How many runs there are, or are wanted. */
type Counts = { plain: number; delayed: number };

/**
 * Which side comes next: the one that is further behind, so that what a machine does by its own age is no difference between
 * them. undefined: none.
 */
export function nextSide(wanted: Counts, done: Counts): keyof Counts | undefined {
  if (done.plain >= wanted.plain) return done.delayed >= wanted.delayed ? undefined : 'delayed';
  if (done.delayed >= wanted.delayed) return 'plain';
  return done.delayed / wanted.delayed < done.plain / wanted.plain ? 'delayed' : 'plain';
}

/** A run of a scenario whose etcd is this much further away, each way, once the control plane is there: its start is not what is measured. */
export async function oneRun(
  scenario: string,
  delayMs: number,
  clock: Clock = systemClock,
): Promise<RunResult> {
  const dir = mkdtempSync(join(tmpdir(), 'hollowmark-gate-'));
  const children = new Guardian(dir);
  const { signal } = new AbortController();
  let proxy: ProxyThread | undefined;
  try {
    const { result, error } = await conductRun({
      loaded: parseScenario(scenario, 'the scenario of the benchmark', { sets: [] }),
      runId: newRunId('gate'),
      wire: wireFormats[0],
      invocation: { profile: wireProfileNames[0] },
      openCluster: async () => {
        const cluster = await LocalCluster.start(
          {
            version: defaultVersion,
            binariesDir: undefined,
            releaseUrl: officialReleaseUrl,
            profile: 'scale',
            extraFlags: {},
            // It stands there without a delay too: what it costs by itself is no part of the difference.
            etcdVia: async (targetPort) => {
              await proxy?.stop();
              proxy = await ProxyThread.start({ targetPort });
              return proxy.port;
            },
            stateDir: join(dir, 'control-plane'),
            reporter,
            signal,
            children,
          },
          'certificate',
        );
        proxy?.delay(delayMs);
        return cluster;
      },
      children,
      clock,
      signal,
      reporter,
    });
    if (error !== undefined) throw error;
    return result;
  } finally {
    await proxy?.stop();
    await children.release();
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Half a minute: nodes, a few pods each, then pods one by one, of which a p99 can be told. */
export function scenarioText(nodes: number): string {
  const rate = (requestsPerSecond: number): object => ({ strategy: 'constant-rate', requestsPerSecond });
  const phases = [
    { name: 'fill', type: 'create-deployments', podsPerNode: 5, podsPerDeployment: 25, pacing: rate(1) },
    { name: 'filled', type: 'wait', for: 'pods-started', timeout: '3m' },
    { name: 'latency', type: 'latency-pods', count: 150, pacing: rate(10) },
  ];
  // JSON is YAML.
  return JSON.stringify({ name: 'gate', nodes: { count: nodes }, namespaces: { count: 2 }, phases });
}

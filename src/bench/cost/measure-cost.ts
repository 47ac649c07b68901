import { spawn } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { HollowmarkError } from '../../base/errors.ts';
import { packageRoot } from '../../base/package-info.ts';
import { exitCodes } from '../../cli/exit-codes.ts';
import { readResult } from '../../result/read.ts';
import { type CpuProfile, type RoomTime, attribute } from './attribute.ts';
import { codeOf } from './code-of.ts';
import { pidOf, profileDirVariable } from './profile-files.ts';

/** As `dist/cli/hollowmark` starts it (docs/decisions/gc-pauses.md). */
const v8Flags = ['--initial-old-space-size=256'];

/** Measuring may take so much of the harness' time. */
export const costGoal = 0.05;

/** What measures: the observer, the SLIs, and the histograms that they, load and nodes record into. */
const measuringRooms = ['measure', 'metrics'] as const;

/** The profiler's own. */
const profilersRoom = 'bench';

export type CostOptions = {
  nodes: number;
  podsPerNode: number;
  /** How long it keeps still once all pods run. */
  steadySeconds: number;
  say: (text: string) => void;
};

/** Seconds by room. */
export type Cost = {
  nodes: number;
  podsStarted: number;
  verdict: string;
  conductor: Record<string, number>;
  fleet: Record<string, number>;
  /** Share of measuring in the harness: by the code that ran, and with all that it has called. */
  share: number;
  shareWithin: number;
};

/**
 * Does a real run as a user would, with a profiler in every thread of the harness, and says which rooms its time was spent
 * in. Time is that in which a thread was not idle: on a full machine it has waited for a core in some of it, so that shares
 * hold and seconds are too many.
 * @throws HollowmarkError `internal` when the run does not come to its end.
 */
export async function measureCost(options: CostOptions): Promise<Cost> {
  const { nodes, podsPerNode, steadySeconds, say } = options;
  const dir = mkdtempSync(join(tmpdir(), 'hollowmark-cost-'));
  try {
    const profiles = join(dir, 'profiles');
    mkdirSync(profiles);
    const scenario = join(dir, 'cost.yaml');
    writeFileSync(scenario, scenarioText(nodes, podsPerNode, steadySeconds));
    const out = join(dir, 'out');
    say(`cost: ${nodes} nodes, ${nodes * podsPerNode} pods`);
    const conductor = await runProfiled(
      ['run', scenario, '--out', out, '--quiet', '--skip-preflight'],
      profiles,
      // A cluster comes and goes, and pods come and go: more than this is no slow machine but a fault.
      (120 + steadySeconds + nodes * podsPerNode) * 1000,
    );
    const { pods, verdict } = readResult(out);
    return { nodes, podsStarted: pods.started, verdict, ...costOf(profiles, conductor) };
  } finally {
    rmSync(dir, { recursive: true, force: true });
  }
}

/** Fill, keep still, latency pods, empty: what a run does, with time limits for a busy machine. */
function scenarioText(nodes: number, podsPerNode: number, steadySeconds: number): string {
  const phases = [
    { name: 'fill', type: 'create-deployments', podsPerNode, podsPerDeployment: 25, pacing: rate(3) },
    { name: 'filled', type: 'wait', for: 'pods-started', timeout: '30m' },
    { name: 'steady', type: 'steady', duration: `${steadySeconds}s` },
    { name: 'latency', type: 'latency-pods', count: 110, pacing: rate(10) },
    { name: 'clean-up', type: 'delete', what: 'deployments', pacing: rate(4), timeout: '30m' },
  ];
  // JSON is YAML.
  return JSON.stringify({ name: 'cost', nodes: { count: nodes }, namespaces: { count: 8 }, phases });
}

function rate(requestsPerSecond: number): object {
  return { strategy: 'constant-rate', requestsPerSecond };
}

/** @returns the id of the conductor's process. */
async function runProfiled(args: readonly string[], profiles: string, timeoutMs: number): Promise<number> {
  const hook = pathToFileURL(join(packageRoot, 'dist/bench/cost/profile-hook.js')).href;
  const child = spawn(process.execPath, [...v8Flags, join(packageRoot, 'dist/cli/main.js'), ...args], {
    env: { ...process.env, NODE_OPTIONS: `--import=${hook}`, [profileDirVariable]: profiles },
    stdio: ['ignore', 'ignore', 'inherit'],
  });
  const code = await codeOf(child, timeoutMs);
  // What the run says of the cluster is another matter.
  const done: (number | null)[] = [exitCodes.pass, exitCodes.missed, exitCodes.invalid];
  if (child.pid === undefined || !done.includes(code)) {
    throw new HollowmarkError('internal', `the run that was profiled ended with code ${code}`);
  }
  return child.pid;
}

/** Of one side of the harness, in µs. */
export class SideTimes {
  readonly byRoom = new Map<string, number>();
  /** In the measuring rooms, or called from there. */
  withinMeasuringUs = 0;

  add({ room, within, us }: RoomTime): void {
    if (room === profilersRoom || within.includes(profilersRoom)) return;
    this.byRoom.set(room, (this.byRoom.get(room) ?? 0) + us);
    if (within.some(isMeasuring)) this.withinMeasuringUs += us;
  }

  get totalUs(): number {
    return [...this.byRoom.values()].reduce((sum, us) => sum + us, 0);
  }

  get measuringUs(): number {
    return [...this.byRoom].reduce((sum, [room, us]) => sum + (isMeasuring(room) ? us : 0), 0);
  }

  /** The longest first. */
  seconds(): Record<string, number> {
    const rooms = [...this.byRoom].toSorted(([, a], [, b]) => b - a);
    return Object.fromEntries(rooms.map(([room, us]) => [room, Number((us / 1e6).toFixed(2))]));
  }
}

function isMeasuring(room: string): boolean {
  return measuringRooms.some((one) => one === room);
}

function costOf(profiles: string, conductorPid: number): Omit<Cost, 'nodes' | 'podsStarted' | 'verdict'> {
  const distUrl = `${pathToFileURL(join(packageRoot, 'dist')).href}/`;
  const conductor = new SideTimes();
  const fleet = new SideTimes();
  for (const name of readdirSync(profiles)) {
    const pid = pidOf(name);
    if (pid === undefined) continue;
    const profile = JSON.parse(readFileSync(join(profiles, name), 'utf8')) as CpuProfile;
    const side = pid === conductorPid ? conductor : fleet;
    for (const time of attribute(profile, distUrl)) side.add(time);
  }
  const totalUs = conductor.totalUs + fleet.totalUs;
  return {
    conductor: conductor.seconds(),
    fleet: fleet.seconds(),
    share: (conductor.measuringUs + fleet.measuringUs) / totalUs,
    shareWithin: (conductor.withinMeasuringUs + fleet.withinMeasuringUs) / totalUs,
  };
}

/** Also missed where nothing was measured. */
export function meetsCostGoal({ share }: Pick<Cost, 'share'>): boolean {
  return share <= costGoal;
}

/** A Markdown table: rooms by their time, and one line about measuring. */
export function renderCost({
  nodes,
  podsStarted,
  verdict,
  conductor,
  fleet,
  share,
  shareWithin,
}: Cost): string {
  const rooms = [...new Set([...Object.keys(conductor), ...Object.keys(fleet)])];
  const of = (room: string): number => (conductor[room] ?? 0) + (fleet[room] ?? 0);
  const total = rooms.reduce((sum, room) => sum + of(room), 0);
  const percent = (part: number): string => `${(part * 100).toFixed(1)} %`;
  const met = meetsCostGoal({ share }) ? 'met' : 'missed';
  return [
    `A run of ${nodes} nodes in which ${podsStarted} pods started (${verdict}); time in which threads of the harness were not idle.`,
    '',
    '| room | conductor, s | fleet, s | share |',
    '|---|---|---|---|',
    ...rooms
      .toSorted((a, b) => of(b) - of(a))
      .map(
        (room) =>
          `| ${room} | ${(conductor[room] ?? 0).toFixed(1)} | ${(fleet[room] ?? 0).toFixed(1)} | ${percent(of(room) / total)} |`,
      ),
    '',
    `${measuringRooms.join(' and ')}: ${percent(share)} of the harness (goal: at most ${percent(costGoal)}, ${met}); with all that they call ${percent(shareWithin)}.`,
    '',
  ].join('\n');
}

import type { Machine } from '../base/machine.ts';
import type { RunResult } from '../result/result.ts';

/** What decides a run's figures beside chance: runs that differ in it are not compared. */
export type RunIdentity = {
  scenario: string;
  seed: string;
  /** The scenario as it ran: after defaults and `--set`. */
  parameters: unknown;
  machine: Machine;
  kubernetes: string;
  tool: { version: string; node: string };
  flags: { profile: string; components: Record<string, string[]> };
  wire: { profile: string; identity: string; codec: string };
  /** The server of a cluster that is somebody's; null of a control plane of our own. */
  server: string | null;
};

/** The words of `--allow` that are parts of an identity. */
export const unlikeAllowances = ['machine', 'version', 'flags', 'wire', 'scenario', 'cluster'] as const;

/** All of them: `invalid` takes runs that are invalid or partial. */
export const allowances = [...unlikeAllowances, 'invalid'] as const;

export type Allowance = (typeof allowances)[number];

export type Difference = { allowance: Allowance; field: string; first: string; second: string };

/** Of a machine of the same size a kernel keeps a little more or less for itself. */
const memoryTolerance = 0.02;

export function identityOf({ run, tool, machine, cluster, wire }: RunResult): RunIdentity {
  const { version, profile, flags } = cluster;
  return {
    scenario: run.scenario,
    seed: run.seed,
    parameters: run.parameters,
    machine,
    kubernetes: version,
    tool: { version: tool.version, node: tool.node },
    flags: {
      profile,
      components: Object.fromEntries(
        Object.entries(flags).map(([name, argv]) => [name, argv.map(withoutPlaces).toSorted()]),
      ),
    },
    wire: { profile: wire.profile, identity: wire.identity, codec: wire.codec },
    server: run.invocation?.server ?? null,
  };
}

/** A flag without what differs from run to run and decides nothing: paths, and ports of loopback. */
function withoutPlaces(flag: string): string {
  const [name = flag, ...rest] = flag.split('=');
  if (rest.length === 0) return /^[/~$]/.test(flag) ? 'PATH' : flag;
  const value = rest.join('=');
  if (/^(?:[/~$]|file:)/.test(value)) return `${name}=PATH`;
  if (/(?:^|-)port$/.test(name)) return `${name}=PORT`;
  return `${name}=${value.replaceAll(/(?<=127\.0\.0\.1:)\d+/g, 'PORT')}`;
}

/** In what two runs are unlike, field by field. Pure. */
export function differencesOf(first: RunIdentity, second: RunIdentity): Difference[] {
  const found: Difference[] = [];
  const add = (allowance: Allowance, field: string, a: unknown, b: unknown): void => {
    for (const leaf of unlikeLeaves(field, a, b)) found.push({ allowance, ...leaf });
  };
  const { memoryBytes: memory, ...machine } = first.machine;
  const { memoryBytes: otherMemory, ...otherMachine } = second.machine;
  add('machine', 'machine', machine, otherMachine);
  if (Math.abs(memory - otherMemory) > memoryTolerance * Math.max(memory, otherMemory)) {
    add('machine', 'machine.memoryBytes', memory, otherMemory);
  }
  add('version', 'cluster.version', first.kubernetes, second.kubernetes);
  add('version', 'tool', first.tool, second.tool);
  add('flags', 'cluster.profile', first.flags.profile, second.flags.profile);
  add('flags', 'cluster.flags', first.flags.components, second.flags.components);
  add('wire', 'wire', first.wire, second.wire);
  add('scenario', 'run.scenario', first.scenario, second.scenario);
  add('scenario', 'run.seed', first.seed, second.seed);
  add('scenario', 'run.parameters', first.parameters, second.parameters);
  add('cluster', 'run.invocation.server', first.server, second.server);
  return found;
}

function isMap(value: unknown): value is Record<string, unknown> {
  return typeof value === 'object' && value !== null && !Array.isArray(value);
}

/** Where two values of JSON differ, at the innermost place that both have. */
function unlikeLeaves(
  field: string,
  a: unknown,
  b: unknown,
): { field: string; first: string; second: string }[] {
  if (isMap(a) && isMap(b)) {
    const keys = [...new Set([...Object.keys(a), ...Object.keys(b)])];
    return keys.flatMap((key) => unlikeLeaves(`${field}.${key}`, a[key], b[key]));
  }
  if (Array.isArray(a) && Array.isArray(b)) {
    if (a.every((each) => typeof each === 'string') && b.every((each) => typeof each === 'string')) {
      const only = (some: string[], others: string[]): string[] =>
        some.filter((each) => !others.includes(each));
      const [left, right] = [only(a, b), only(b, a)];
      return left.length + right.length === 0 ? [] : [{ field, first: shown(left), second: shown(right) }];
    }
    if (a.length === b.length) {
      return a.flatMap((each: unknown, index) => unlikeLeaves(`${field}[${index}]`, each, b[index]));
    }
  }
  return JSON.stringify(a) === JSON.stringify(b) ? [] : [{ field, first: shown(a), second: shown(b) }];
}

/** A whole scenario does not fit into a message. */
const shownCharsMax = 120;

function shown(value: unknown): string {
  if (value === undefined || value === null) return 'nothing';
  const text = typeof value === 'string' ? value : JSON.stringify(value);
  return text.length > shownCharsMax ? `${text.slice(0, shownCharsMax)}…` : text;
}

import { type ObjectDifference, compareObjects } from './compare-objects.ts';
import { type ComparedRow, type RunRows, compareRows } from './compare-rows.ts';
import { type Finding, type KnownGap, type SortedFindings, sortFindings } from './known-gaps.ts';
import type { SideRun } from './run-side.ts';
import type { Reference } from './references.ts';
import { type ComparedTiming, compareTimes } from './timing.ts';
import type { WorkPlan } from './work/plan.ts';

/** All that a comparison has found: what `fidelity.json` holds. */
export type Comparison = {
  schema: 'hollowmark.dev/fidelity/v1';
  against: Reference;
  /** That the hollow nodes were given; absent: the one that nodes of this kind have. */
  runtime?: string;
  version: string;
  plan: WorkPlan;
  repeats: number;
  rows: ComparedRow[];
  objects: ObjectDifference[];
  timing: ComparedTiming[];
  /** TLS connections per run, by user and protocol, and their bytes: of the first run of each side. */
  connections: { reference: ConnectionSum[]; hollow: ConnectionSum[] };
  findings: SortedFindings;
  passed: boolean;
};

export type ConnectionSum = {
  user: string;
  protocol: string;
  connections: number;
  /** Of these, without any request: Go's client opens several at once and keeps the first that is there. */
  unused: number;
  readBytes: number;
  writtenBytes: number;
};

/** Puts the runs of both sides beside each other. Pure. */
export function compareRuns(
  against: Reference,
  plan: WorkPlan,
  runs: { reference: readonly SideRun[]; hollow: readonly SideRun[] },
  gaps: readonly KnownGap[],
): Comparison {
  const rowsOf = (sides: readonly SideRun[]): RunRows[] =>
    sides.map((side) => ({ rows: side.rows, phases: side.work.phases }));
  const rows = compareRows(rowsOf(runs.reference), rowsOf(runs.hollow), plan);
  const snapshots = (sides: readonly SideRun[]): SideRun['work']['snapshots'][] =>
    sides.map(({ work }) => work.snapshots);
  const objects = compareObjects(snapshots(runs.reference), snapshots(runs.hollow));
  const times = (sides: readonly SideRun[]): SideRun['times'][] => sides.map((side) => side.times);
  const timing = compareTimes(times(runs.reference), times(runs.hollow));
  const all = [
    ...workFindings(runs),
    ...rows.flatMap(rowFindings),
    ...objects.map(objectFinding),
    ...timing.flatMap(timingFindings),
  ];
  const findings = sortFindings(all, gaps, against);
  return {
    schema: 'hollowmark.dev/fidelity/v1',
    against,
    version: runs.hollow[0]?.version ?? '',
    plan,
    repeats: runs.hollow.length,
    rows,
    objects,
    timing,
    connections: {
      reference: connectionSums(runs.reference[0]),
      hollow: connectionSums(runs.hollow[0]),
    },
    findings,
    passed: findings.unexpected.length === 0,
  };
}

/** A condition of the work that one side did not come to. */
function workFindings({ reference, hollow }: Record<'reference' | 'hollow', readonly SideRun[]>): Finding[] {
  const unmet = (runs: readonly SideRun[]): Set<string> => new Set(runs.flatMap(({ work }) => work.unmet));
  const [theirs, ours] = [unmet(reference), unmet(hollow)];
  const say = (set: Set<string>, what: string): string => (set.has(what) ? 'not in time' : 'in time');
  return [...new Set([...theirs, ...ours])].map((name) => ({
    part: 'work',
    name,
    reference: say(theirs, name),
    hollow: say(ours, name),
  }));
}

function rowFindings(row: ComparedRow): Finding[] {
  const name = `${row.phase} ${row.name}`;
  const { reference, hollow, bytes, types, per } = row;
  return row.faults.map((part) => {
    switch (part) {
      case 'requests':
        return {
          part,
          name,
          reference: `${figures(reference.runs)} a ${per}`,
          hollow: `${figures(hollow.runs)} a ${per}`,
        };
      case 'types':
        return { part, name, reference: types.reference.join(', '), hollow: types.hollow.join(', ') };
      case 'bytes':
        return {
          part,
          name,
          reference: `${bytes.up.reference} up, ${bytes.down.reference} down`,
          hollow: `${bytes.up.hollow} up, ${bytes.down.hollow} down`,
        };
    }
  });
}

function objectFinding({ objects, path, reference, hollow }: ObjectDifference): Finding {
  const name = [path, `(${objects.join(', ')})`].filter((part) => part !== '').join(' ');
  return { part: 'object', name, reference: reference.join(' | '), hollow: hollow.join(' | ') };
}

function timingFindings({ name, reference, hollow, judged, agrees }: ComparedTiming): Finding[] {
  if (agrees || !judged) return [];
  const say = (medianMs: number): string => `${Math.round(medianMs)} ms`;
  return [{ part: 'timing', name, reference: say(reference.median), hollow: say(hollow.median) }];
}

/** `3, 3, 2.95`. */
export function figures(values: readonly number[]): string {
  return values.map((value) => String(Number(value.toFixed(2)))).join(', ');
}

function connectionSums(run: SideRun | undefined): ConnectionSum[] {
  const sums = new Map<string, ConnectionSum>();
  const used = new Set(run?.recording.requests.map(({ connection }) => connection));
  for (const { id, user, protocol, readBytes, writtenBytes } of run?.recording.connections ?? []) {
    const kind = user.replace(/^system:node:.*/, 'system:node:<node>');
    const key = `${kind} ${protocol}`;
    const none = { user: kind, protocol, connections: 0, unused: 0, readBytes: 0, writtenBytes: 0 };
    const sum = sums.get(key) ?? none;
    sum.connections++;
    if (!used.has(id)) sum.unused++;
    sum.readBytes += readBytes;
    sum.writtenBytes += writtenBytes;
    sums.set(key, sum);
  }
  return [...sums.values()];
}

import { type RowClass, type RowRule, classOf } from './classes.ts';
import { type PhaseSpan, type Row, rowName } from './rows.ts';
import { type WorkPlan, phaseNames, podsOfPhase } from './work/plan.ts';

/** The rows of one run, and how long its phases took. */
export type RunRows = { rows: readonly Row[]; phases: readonly PhaseSpan[] };

/** The phase of rows that are counted over all phases. */
export const allPhases = 'all';

/** One value of each run, and what is in the middle of them. */
export type Values = { runs: number[]; median: number };

/** A kind of request, compared. */
export type ComparedRow = RowRule & {
  phase: string;
  /** The key in one line: see `rowName`. */
  name: string;
  /** What the requests are counted by. */
  per: 'pod' | 'node' | 'node-minute';
  reference: Values;
  hollow: Values;
  /** hollow by reference; null when the reference has none. */
  ratio: number | null;
  /** Bytes of the body of one request, and of its answer, in the median. */
  bytes: Record<'up' | 'down', { reference: number; hollow: number }>;
  types: { reference: string[]; hollow: string[] };
  /** What is wrong with it; empty when nothing is. */
  faults: RowFault[];
};

/** `requests`: not as many; `types`: other content types; `bytes`: longer or shorter. */
export type RowFault = 'requests' | 'types' | 'bytes';

/** What one run has of a kind of request. */
type Cell = { requests: number; upBytes: number; downBytes: number };
type Group = {
  row: Row;
  rule: RowRule;
  phase: string;
  cells: { reference: Cell[]; hollow: Cell[] };
  types: { reference: Set<string>; hollow: Set<string> };
};

const toleranceShare = 0.1;
/** Of a mean of racy counts a difference of one node's or pod's one request in ten tells nothing. */
const toleranceMin = 0.1;
/** What one side has sent so often and the other never is not left to chance. */
const onlyOneSideMin = 5;
/** A body that differs by fewer bytes differs in names and figures. */
const bytesToleranceMin = 16;

/** Puts the rows of all runs of two sides beside each other. Pure. */
export function compareRows(
  reference: readonly RunRows[],
  hollow: readonly RunRows[],
  plan: WorkPlan,
): ComparedRow[] {
  const groups = new Map<string, Group>();
  collect(groups, 'reference', reference, { reference: reference.length, hollow: hollow.length });
  collect(groups, 'hollow', hollow, { reference: reference.length, hollow: hollow.length });
  const order: readonly string[] = [...phaseNames, allPhases];
  return [...groups.values()]
    .map((group) => compareGroup(group, { reference, hollow }, plan))
    .toSorted((a, b) => order.indexOf(a.phase) - order.indexOf(b.phase) || (a.name < b.name ? -1 : 1));
}

function collect(
  groups: Map<string, Group>,
  side: 'reference' | 'hollow',
  runs: readonly RunRows[],
  counts: { reference: number; hollow: number },
): void {
  const cells = (count: number): Cell[] =>
    Array.from({ length: count }, () => ({ requests: 0, upBytes: 0, downBytes: 0 }));
  for (const [index, { rows }] of runs.entries()) {
    for (const row of rows) {
      const rule = classOf(row);
      const phase = isTimed(rule.class) ? allPhases : row.phase;
      const id = `${phase} ${rowName(row)}`;
      let group = groups.get(id);
      if (group === undefined) {
        group = {
          row,
          rule,
          phase,
          cells: { reference: cells(counts.reference), hollow: cells(counts.hollow) },
          types: { reference: new Set(), hollow: new Set() },
        };
        groups.set(id, group);
      }
      const cell = group.cells[side][index] as Cell;
      cell.requests += row.requests;
      cell.upBytes += row.upBytes;
      cell.downBytes += row.downBytes;
      for (const types of row.types) group.types[side].add(types);
    }
  }
}

const isTimed = (rowClass: RowClass): boolean => rowClass === 'periodic' || rowClass === 'drawn';

function compareGroup(
  group: Group,
  runs: Record<'reference' | 'hollow', readonly RunRows[]>,
  plan: WorkPlan,
): ComparedRow {
  const { per, units } = unitOf(group, plan);
  const values = (side: 'reference' | 'hollow'): Values =>
    valuesOf(group.cells[side].map(({ requests }, index) => requests / units(runs[side][index] as RunRows)));
  const reference = values('reference');
  const hollow = values('hollow');
  const bytes = { up: bytesOf(group, 'upBytes'), down: bytesOf(group, 'downBytes') };
  const types = {
    reference: [...group.types.reference].toSorted(),
    hollow: [...group.types.hollow].toSorted(),
  };
  const faults: RowFault[] = [];
  const [firstRun] = runs.reference;
  const divisor = firstRun === undefined ? 1 : units(firstRun);
  if (!requestsAgree(group, reference, hollow, divisor)) faults.push('requests');
  const onBoth = reference.median > 0 && hollow.median > 0;
  const sameTypes = types.reference.join() === types.hollow.join();
  if (onBoth && !sameTypes) faults.push('types');
  // What is written in another way has another length.
  if (onBoth && sameTypes && group.row.verb !== 'watch' && !bytesAgree(group)) faults.push('bytes');
  return {
    ...group.rule,
    phase: group.phase,
    name: rowName(group.row),
    per,
    reference,
    hollow,
    ratio: reference.median === 0 ? null : hollow.median / reference.median,
    bytes,
    types,
    faults,
  };
}

/** What a row's requests are divided by. */
function unitOf(
  { rule, phase, row }: Group,
  plan: WorkPlan,
): { per: ComparedRow['per']; units: (run: RunRows) => number } {
  if (isTimed(rule.class)) {
    return { per: 'node-minute', units: ({ phases }) => (plan.nodes * upUs(phases)) / 60_000_000 };
  }
  const pods = podsOfPhase(plan, phase);
  const ofPods = /^(?:pods|events|serviceaccounts)(?:\/|$)/.test(row.resource);
  return pods !== undefined && ofPods
    ? { per: 'pod', units: () => pods }
    : { per: 'node', units: () => plan.nodes };
}

/** How long the nodes were there. */
function upUs(phases: readonly PhaseSpan[]): number {
  return phases
    .filter(({ name }) => name !== 'leave')
    .reduce((sum, { startUs, endUs }) => sum + endUs - startUs, 0);
}

/** @param units what counts are divided by for `reference` and `hollow`. */
function requestsAgree(group: Group, reference: Values, hollow: Values, units: number): boolean {
  const { rule } = group;
  const counts = group.cells.reference.map(({ requests }) => requests);
  const own = new Set(counts);
  if (rule.class === 'exact' && own.size === 1) {
    return group.cells.hollow.every(({ requests }) => own.has(requests));
  }
  if (rule.seen !== null) {
    const [from, to] = rule.seen;
    const wasSeen = (value: number): boolean => value >= from && value <= to;
    // What goes beyond it, on either side, is compared as any other that varies.
    if ([...reference.runs, ...hollow.runs].every(wasSeen)) return true;
  }
  const sent = (cells: readonly Cell[]): number => cells.reduce((sum, { requests }) => sum + requests, 0);
  const [theirs, ours] = [sent(group.cells.reference), sent(group.cells.hollow)];
  const isOneSided = Math.min(theirs, ours) === 0 && Math.max(theirs, ours) >= onlyOneSideMin;
  if (isOneSided && !rule.mayBeAbsent) return false;
  // Of a count of independent events; what does not occur in one run may well occur once or twice in another.
  const deviation = rule.class === 'drawn' ? (2 * Math.sqrt(Math.max(1, medianOf(counts)))) / units : 0;
  const tolerance = Math.max(toleranceMin, rule.slack, toleranceShare * reference.median, deviation);
  return within(hollow.median, reference, tolerance);
}

/** Requests are as long; or, where several changes may be in one, all of a run together are. */
function bytesAgree({ cells, rule }: Group): boolean {
  const share = Math.max(toleranceShare, rule.merges);
  const agree = (of: (cells: readonly Cell[]) => Values): boolean => {
    const reference = of(cells.reference);
    return within(of(cells.hollow).median, reference, Math.max(bytesToleranceMin, share * reference.median));
  };
  return (['upBytes', 'downBytes'] as const).every(
    (direction) =>
      agree((side) => perRequest(side, direction)) ||
      (rule.merges > 0 && agree((side) => valuesOf(side.map((cell) => cell[direction])))),
  );
}

function within(value: number, reference: Values, tolerance: number): boolean {
  const low = Math.min(...reference.runs, reference.median - tolerance);
  const high = Math.max(...reference.runs, reference.median + tolerance);
  return value >= low && value <= high;
}

function bytesOf(
  { cells }: Group,
  direction: 'upBytes' | 'downBytes',
): { reference: number; hollow: number } {
  return {
    reference: perRequest(cells.reference, direction).median,
    hollow: perRequest(cells.hollow, direction).median,
  };
}

/** Of the runs that had any. */
function perRequest(cells: readonly Cell[], direction: 'upBytes' | 'downBytes'): Values {
  return valuesOf(
    cells.filter(({ requests }) => requests > 0).map((cell) => Math.round(cell[direction] / cell.requests)),
  );
}

export function valuesOf(runs: number[]): Values {
  return { runs, median: medianOf(runs) };
}

/** 0 of nothing. */
export function medianOf(values: readonly number[]): number {
  const sorted = values.toSorted((a, b) => a - b);
  const middle = Math.floor(sorted.length / 2);
  const upper = sorted[middle] ?? 0;
  return sorted.length % 2 === 1 ? upper : ((sorted[middle - 1] ?? 0) + upper) / 2;
}

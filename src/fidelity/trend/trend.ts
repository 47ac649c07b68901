import { type Role, type TurnsOptions, inTurns } from '../in-turns.ts';
import type { Reference } from '../references.ts';
import { type TrendComparison, type TrendVerdict, compareTrends, overallVerdict } from './compare-trends.ts';
import type { DensityPlan } from './density.ts';
import type { Measures } from './measures.ts';
import { type TrendRun, runTrend } from './run-trend.ts';
import { type Condition, type Step, conditionName } from './step.ts';

export type TrendOptions = TurnsOptions & {
  plan: DensityPlan;
  steps: readonly Step[];
  /** Called with all that was found so far whenever both sides have had as many, so that it is kept whatever comes after. */
  onRepeat: (trend: Trend) => void;
};

/** All that a comparison of trends has found: what `trend.json` holds. */
export type Trend = TrendComparison & {
  schema: 'hollowmark.dev/fidelity-trend/v1';
  against: Reference;
  version: string;
  plan: DensityPlan;
  /** That were done of each side. */
  repeats: number;
  steps: { name: string; how: string }[];
  verdict: TrendVerdict;
  /** What each run has measured under each condition. */
  runs: Record<Role, { condition: string; measures: Measures }[][]>;
};

const namespacesMax = 8;

/**
 * So that nodes wait for the API server and not for a limit of their own: a pod takes up to seven requests to start, and
 * kubemark's kubelets send ten a second.
 */
const podsPerSecondAndNode = 1;

/** Pure. */
export function planDensity({ nodes, podsPerNode }: { nodes: number; podsPerNode: number }): DensityPlan {
  const count = Math.min(namespacesMax, nodes * podsPerNode);
  return {
    nodeNames: Array.from({ length: nodes }, (_, index) => `node-${index + 1}`),
    podsPerNode,
    podsPerSecond: nodes * podsPerSecondAndNode,
    namespaces: Array.from({ length: count }, (_, index) => `fidelity-${index + 1}`),
  };
}

/**
 * Has both sides do the same work on an API server as it is and on one that is slowed down, in turns, and compares by how
 * much that has moved what they measure.
 * @throws HollowmarkError as {@link runTrend}.
 */
export async function compareTrend(options: TrendOptions): Promise<Trend> {
  const { plan, steps, onRepeat } = options;
  const rounds = planRounds(steps);
  const runs: Record<Role, TrendRun[]> = { reference: [], hollow: [] };
  let trend = trendOf(options, runs);
  await inTurns(options, async (side, role) => {
    runs[role].push(await runTrend({ ...side, plan, rounds }));
    if (role === 'reference') return;
    trend = trendOf(options, runs);
    onRepeat(trend);
  });
  return trend;
}

/** What runs of both sides say. Pure. */
function trendOf({ against, plan, steps }: TrendOptions, runs: Record<Role, TrendRun[]>): Trend {
  const stepNames = steps.map(conditionName);
  const { rows, leftOut } = compareTrends(runs, { base: conditionName('none'), steps: stepNames });
  const hows = runs.hollow[0]?.conditions ?? [];
  return {
    schema: 'hollowmark.dev/fidelity-trend/v1',
    against,
    version: runs.hollow[0]?.version ?? '',
    plan,
    repeats: runs.hollow.length,
    steps: stepNames.map((name) => ({
      name,
      how: hows.find((condition) => condition.name === name)?.how ?? '',
    })),
    verdict: overallVerdict(rows, stepNames),
    rows,
    leftOut,
    runs: { reference: runs.reference.map(measured), hollow: runs.hollow.map(measured) },
  };
}

/**
 * One round without a step comes before all steps and one after them, so that what changes in a control plane by its age
 * alone is no move. Each is as large as a step's, as latencies grow with the pods that are there. Pure.
 */
export function planRounds(steps: readonly Step[]): Condition[] {
  return ['none', ...steps, 'none'];
}

function measured({ conditions }: TrendRun): Trend['runs'][Role][number] {
  return conditions.map(({ name, measures }) => ({ condition: name, measures }));
}

import { neededText } from '../../cli/gate-table.ts';
import { rowName } from '../../cli/run-set-text.ts';
import { compareRuns } from '../../gate/compare.ts';
import { falseAlarmsMax, gatePower } from '../../gate/limits.ts';
import { type Rule, defaultRules } from '../../gate/rules.ts';
import { type RunsNeeded, runsNeeded } from '../../gate/runs-needed.ts';
import type { GateRuns } from './gate-runs.ts';
import { type Design, type ToldRow, type Trials, alikeTrials, toldTrials, unlikeTrials } from './trials.ts';

/** Calls as a nightly job makes them, and with the run done three times. */
const designs: readonly Design[] = [
  { baseline: 10, candidates: 1 },
  { baseline: 20, candidates: 1 },
  { baseline: 10, candidates: 3 },
  { baseline: 20, candidates: 3 },
];

/** With fewer runs, or fewer calls, shares of a hundredth are not known. */
const runsMin = 30;
const trialsMin = 300;

/**
 * Of the rule where least is seen, no less: the least of several shares, of runs that are drawn again and again from the same
 * few, lies below what each of them has. In 168 sets of 32 runs whose logarithms were exactly normal, of six rules each, it was
 * 88 % and more.
 */
const ruleSeenMin = 0.85;

/** Of a rule that says in fewer of all calls which change it can see, the share that is seen is not known. */
const saidMin = 1 / 3;

export type GateEvidence = {
  runs: { plain: number; delayed: number; invalid: number };
  delayMs: number;
  trials: number;
  rows: { design: Design; alike: Trials; strict: Trials; told: ToldRow[]; delayed: Trials | null }[];
  needed: RunsNeeded | null;
};

export type EvidenceOptions = {
  trials: number;
  delayMs: number;
  seed: string;
  /** Those that are built in unless others are given. */
  rules?: readonly Rule[];
};

/** What real runs show of the gate. Pure. */
export function gateEvidence(
  { plain, delayed, invalid }: Omit<GateRuns, 'complete'>,
  { trials, delayMs, seed, rules = defaultRules }: EvidenceOptions,
): GateEvidence {
  // Every change counts: what is seen then is the test itself, without what the rules let pass.
  const strict = rules.map((rule) => ({ ...rule, allowedRatio: 1, slack: 0 }));
  const possible = designs.filter(({ baseline, candidates }) => plain.length >= baseline + candidates);
  const rows = possible.map((design) => {
    const options = { ...design, trials, seed, rules };
    return {
      design,
      alike: alikeTrials(plain, options),
      strict: alikeTrials(plain, { ...options, rules: strict }),
      told: toldTrials(plain, options),
      delayed: delayed.length < design.candidates ? null : unlikeTrials(plain, delayed, options),
    };
  });
  const [last] = plain.slice(-1);
  const report =
    last === undefined ? undefined : compareRuns({ rules, baseline: plain.slice(0, -1), candidate: [last] });
  return {
    runs: { plain: plain.length, delayed: delayed.length, invalid },
    delayMs,
    trials,
    rows,
    needed: (report === undefined ? undefined : runsNeeded(report.rows)) ?? null,
  };
}

const share = (count: number, of: number): string =>
  `${count} of ${of} (${((count / of) * 100).toFixed(1)} %)`;

/** Of all rules together, and of the one where least is seen of what is said to be; undefined where nothing is said. */
function toldOf(rows: readonly ToldRow[], trials: number): { all: ToldShare; worst: ToldRow } | undefined {
  const total = (key: keyof ToldShare): number => rows.reduce((sum, row) => sum + row[key], 0);
  const [worst] = rows
    .filter(({ said }) => said >= saidMin * trials)
    .toSorted((a, b) => a.seen / a.said - b.seen / b.said);
  return worst === undefined ? undefined : { all: { said: total('said'), seen: total('seen') }, worst };
}

type ToldShare = Pick<ToldRow, 'said' | 'seen'>;

/**
 * What the gate promises and these runs do not show, a sentence each: enough runs and calls, false alarms, the change that it
 * says it can see, and a slower API server, which the largest design must find. Pure.
 */
export function missedLimits({ runs, trials, rows, delayMs }: GateEvidence): string[] {
  const missed: string[] = [];
  if (runs.plain < runsMin || trials < trialsMin) {
    missed.push(`${runs.plain} runs and ${trials} calls: at least ${runsMin} and ${trialsMin} are wanted`);
  }
  for (const { design, alike, told } of rows) {
    const name = `${design.baseline} baseline runs and ${design.candidates} to judge`;
    if (alike.alarms > falseAlarmsMax * alike.trials) {
      missed.push(`${name}: false alarms in ${share(alike.alarms, alike.trials)}`);
    }
    const found = toldOf(told, trials);
    if (found === undefined) {
      missed.push(`${name}: it says of no rule which change it can see`);
      continue;
    }
    const { all, worst } = found;
    if (all.seen < gatePower * all.said) {
      missed.push(
        `${name}: the change that it says it can see was seen in ${share(all.seen, all.said)}, over all rules`,
      );
    }
    if (worst.seen < ruleSeenMin * worst.said) {
      missed.push(
        `${name}: the change that it says it can see was seen in ${share(worst.seen, worst.said)} of ${rowName(worst)}`,
      );
    }
  }
  const slower = rows.flatMap(({ delayed }) => delayed ?? []).at(-1);
  if (slower === undefined) missed.push(`no runs with etcd ${delayMs} ms further away`);
  else if (slower.alarms < gatePower * slower.trials) {
    missed.push(`etcd ${delayMs} ms further away was found in ${share(slower.alarms, slower.trials)}`);
  }
  return missed;
}

function toldCells(found: ReturnType<typeof toldOf>): [all: string, worst: string] {
  if (found === undefined) return ['–', '–'];
  const { all, worst } = found;
  return [share(all.seen, all.said), `${share(worst.seen, worst.said)}: ${rowName(worst)}`];
}

export function renderGateEvidence(evidence: GateEvidence): string {
  const { runs, delayMs, rows, needed, trials } = evidence;
  const lines = rows.map(({ design, alike, strict, told, delayed }) => [
    `${design.baseline} and ${design.candidates}`,
    String(alike.rules),
    share(alike.alarms, alike.trials),
    share(strict.alarms, strict.trials),
    ...toldCells(toldOf(told, trials)),
    delayed === null ? '–' : share(delayed.alarms, delayed.trials),
  ]);
  const head = [
    'baseline and judged runs',
    'rules',
    `false alarms (at most ${falseAlarmsMax * 100} %)`,
    'the same, were no change allowed',
    `change seen that it says it can see, over all rules (at least ${gatePower * 100} %)`,
    `the same of the rule where it is seen least (at least ${ruleSeenMin * 100} %)`,
    `alarms with etcd ${delayMs} ms further away`,
  ];
  return [
    `${runs.plain} runs without a delay and ${runs.delayed} with one; ${runs.invalid} more did not count.`,
    '',
    ...[head, head.map(() => '---'), ...lines].map((cells) => `| ${cells.join(' | ')} |`),
    '',
    needed === null ? 'How many runs a change of 10 % takes is not known of so few.' : neededText(needed),
    '',
    ...missedLimits(evidence).map((line) => `Missed: ${line}.`),
    '',
  ].join('\n');
}

/** What a gate says by one of its rules, beside the run itself. */
export type RuleCase = {
  /** What the rule is called, in one line. */
  name: string;
  verdict: 'better' | 'same' | 'worse' | 'inconclusive';
  /** The effect, its interval, and what it was compared with. */
  message: string;
  /** The same for a table; null where nothing was compared. */
  figures: RuleFigures | null;
};

/** As text, each with its unit. */
export type RuleFigures = {
  /** Medians over the runs. */
  baseline: string;
  now: string;
  /** With its interval of 95 %, where there is one. */
  change: string;
  /** The smallest change that these runs could have shown. */
  couldShow: string;
};

/** What a gate has said of a run. */
export type JudgedGate = {
  verdict: RuleCase['verdict'];
  cases: readonly RuleCase[];
  /** What was compared with what, in one line. */
  summary: string;
  /** What else a reader must know, such as which runs were left out. */
  remarks: readonly string[];
  /** The text of its `gate.json`. */
  document: string;
};

/** What has become worse first, then what has become better. */
const order: readonly RuleCase['verdict'][] = ['worse', 'better', 'inconclusive', 'same'];

export function byVerdict(cases: readonly RuleCase[]): RuleCase[] {
  return cases.toSorted((a, b) => order.indexOf(a.verdict) - order.indexOf(b.verdict));
}

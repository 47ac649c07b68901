import { Histogram } from '../../metrics/histogram.ts';
import type { Figure, RunResult, Sli, Unit } from '../../result/result.ts';
import { judgedSlis } from '../view.ts';
import { exposition, type Family, nameWord, type Sample } from './exposition.ts';

/** OpenMetrics has base units only: what a value of ours is divided by, and what the name ends with. */
const baseUnits: Record<Unit, { name?: string; divisor: number }> = {
  us: { name: 'seconds', divisor: 1e6 },
  bytes: { name: 'bytes', divisor: 1 },
  count: { divisor: 1 },
  'per-second': { name: 'per_second', divisor: 1 },
  ratio: { name: 'ratio', divisor: 1 },
  percent: { name: 'ratio', divisor: 100 },
};

const verdicts: readonly RunResult['verdict'][] = ['pass', 'fail', 'invalid', 'inconclusive', 'interrupted'];

/**
 * The run as OpenMetrics text. Distributions are summaries, because a result knows its quantiles to 0.1 %, and buckets
 * would make readers interpolate them anew (docs/decisions/openmetrics.md). Samples carry no timestamps: collectors of
 * text files and push gateways refuse them; when the run was is a metric of its own.
 */
export function renderOpenmetrics(result: RunResult): string {
  return exposition([
    ...runFamilies(result),
    ...sliFamilies(result.slis),
    ...objectiveFamilies(result),
    ...figureFamilies(result.figures),
    attempts(result),
    ...processFamilies(result),
  ]);
}

/** A gauge of plain numbers. */
function gauge(
  name: string,
  help: string,
  samples: readonly Omit<Sample, 'suffix'>[],
  unit?: string,
): Family {
  const whole = samples.map((sample): Sample => ({ suffix: '', ...sample }));
  return { name, type: 'gauge', help, samples: whole, ...(unit === undefined ? {} : { unit }) };
}

function runFamilies(result: RunResult): Family[] {
  const { run, tool, cluster, wire, nodes, pods, windows } = result;
  const seconds = (at: string): Omit<Sample, 'suffix'>[] => [{ labels: {}, value: Date.parse(at) / 1000 }];
  const byKey = (label: string, counts: Record<string, number>): Omit<Sample, 'suffix'>[] =>
    Object.entries(counts).map(([key, value]) => ({ labels: { [label]: key }, value }));
  const { ready, requested } = nodes;
  const { good, bad, undecided } = windows;
  const info = {
    id: run.id,
    scenario: run.scenario,
    version: tool.version,
    kubernetes_version: cluster.version,
    flags: cluster.profile,
    profile: wire.profile,
    codec: wire.codec,
  };
  return [
    // Gauges, as an info and a stateset would be: readers of the classic format refuse a type that they do not know.
    gauge('hollowmark_run_info', 'Which run this was.', [{ labels: info, value: 1 }]),
    gauge(
      'hollowmark_verdict',
      'What the run says: 1 of its verdict, 0 of the others. Figures of an invalid one say nothing about the cluster.',
      verdicts.map((verdict) => ({ labels: { verdict }, value: result.verdict === verdict ? 1 : 0 })),
    ),
    gauge('hollowmark_started_timestamp_seconds', 'Start of the run.', seconds(run.startedAt), 'seconds'),
    gauge('hollowmark_finished_timestamp_seconds', 'End of the run.', seconds(run.finishedAt), 'seconds'),
    gauge('hollowmark_nodes', 'Hollow nodes.', byKey('state', { requested, ready })),
    {
      name: 'hollowmark_node_not_ready_events',
      type: 'counter',
      help: 'How often a node ceased to be Ready.',
      samples: [{ suffix: '_total', labels: {}, value: nodes.notReadyEvents }],
    },
    gauge('hollowmark_pods', 'Pods of the run, counted by the observer.', byKey('state', pods)),
    gauge(
      'hollowmark_windows',
      'SLO windows of the run, by their verdict.',
      // A result of an older version has none.
      windows.lengthMs === 0 ? [] : byKey('verdict', { good, bad, undecided }),
    ),
    gauge(
      'hollowmark_validity_check_passed',
      'Whether the figures can be trusted: 1 where the check passed, 0 where it failed.',
      result.validity.checks
        .filter(({ verdict }) => verdict !== 'skipped')
        .map(({ id, verdict }) => ({ labels: { check: id }, value: verdict === 'pass' ? 1 : 0 })),
    ),
  ];
}

/** One family for each id: a summary whose help is the definition. */
function sliFamilies(slis: readonly Sli[]): Family[] {
  return byFamily('hollowmark_sli', slis).map(([name, first, all]) => ({
    name,
    type: 'summary',
    help: all.every(({ definition }) => definition === first.definition)
      ? first.definition
      : `SLIs ${first.id}; result.json says of each what it measures.`,
    samples: all.flatMap(summarySamples),
    ...unitOf(first.unit),
  }));
}

function summarySamples({ unit, labels, count, histogram, p50, p90, p99, p999, max }: Sli): Sample[] {
  const { divisor } = baseUnits[unit];
  // As floats: a reader compares the text.
  const quantiles: [string, number][] = [
    ['0.5', p50],
    ['0.9', p90],
    ['0.99', p99],
    ['0.999', p999],
    ['1.0', max],
  ];
  // A label of that name is the format's own.
  const { quantile: given, ...others } = labels;
  const own = given === undefined ? others : { ...others, label_quantile: given };
  const sum = Math.round(count * Histogram.fromBase64(histogram).mean);
  return [
    ...(count === 0 ? [] : quantiles).map(([quantile, value]) => ({
      suffix: '',
      labels: { ...own, quantile },
      // HDR gives the top of a bucket; no sample lies above the largest.
      value: Math.min(value, max) / divisor,
    })),
    { suffix: '_sum', labels: own, value: sum / divisor },
    { suffix: '_count', labels: own, value: count },
  ];
}

/** SLOs with their thresholds. One without enough samples is neither met nor missed. */
function objectiveFamilies(result: RunResult): Family[] {
  const judged = judgedSlis(result);
  const about = ({ id, labels, slo }: (typeof judged)[number]): Record<string, string> => ({
    ...labels,
    sli: id,
    slo_quantile: String(slo.quantile),
  });
  const met = judged
    .filter(({ slo }) => slo.verdict !== 'inconclusive')
    .map((sli) => ({ labels: about(sli), value: sli.slo.verdict === 'pass' ? 1 : 0 }));
  const units = [...new Set(judged.map(({ unit }) => unit))];
  return [
    gauge('hollowmark_slo_met', 'Whether an SLO was met: 1 or 0.', met),
    ...units.map((unit) =>
      gauge(
        `hollowmark_slo_${withUnit('threshold', unit)}`,
        'The largest value that an SLO allows at its quantile.',
        judged
          .filter((sli) => sli.unit === unit)
          .map((sli) => ({ labels: about(sli), value: sli.slo.threshold / baseUnits[unit].divisor })),
        baseUnits[unit].name,
      ),
    ),
  ];
}

function figureFamilies(figures: readonly Figure[]): Family[] {
  return byFamily('hollowmark_figure', figures).map(([name, first, all]) => {
    const samples = all.map(({ labels, unit, value }) => ({
      labels,
      value: value / baseUnits[unit].divisor,
    }));
    return gauge(name, first.definition, samples, baseUnits[first.unit].name);
  });
}

function attempts(result: RunResult): Family {
  return {
    name: 'hollowmark_api_attempts',
    type: 'counter',
    help: 'Attempts of API calls by HTTP status; none: there was no answer.',
    samples: result.calls.flatMap(({ statuses, ...call }) =>
      Object.entries(statuses).map(([code, value]) => ({
        suffix: '_total',
        labels: { ...call, code },
        value,
      })),
    ),
  };
}

function processFamilies({ resources }: RunResult): Family[] {
  const processes = [...resources.harness, ...resources.controlPlane];
  return [
    {
      name: 'hollowmark_process_cpu_seconds',
      type: 'counter',
      unit: 'seconds',
      help: 'CPU time over the run.',
      samples: processes.map(({ name, cpuSeconds }) => ({
        suffix: '_total',
        labels: { process: name },
        value: cpuSeconds,
      })),
    },
    gauge(
      'hollowmark_process_resident_memory_max_bytes',
      'The largest resident set over the run.',
      processes.map(({ name, rssBytesMax }) => ({ labels: { process: name }, value: rssBytesMax })),
      'bytes',
    ),
  ];
}

/** What has one name, in the order in which the names come first; the first of each says what it is. */
function byFamily<T extends { id: string; unit: Unit }>(
  prefix: string,
  items: readonly T[],
): [name: string, first: T, all: T[]][] {
  const families = new Map<string, [name: string, first: T, all: T[]]>();
  for (const item of items) {
    const name = `${prefix}_${withUnit(item.id, item.unit)}`;
    const family = families.get(name);
    if (family === undefined) families.set(name, [name, item, [item]]);
    else family[2].push(item);
  }
  return [...families.values()];
}

/** `pod-startup` in microseconds is `pod_startup_seconds`. */
function withUnit(id: string, unit: Unit): string {
  const { name } = baseUnits[unit];
  const word = nameWord(id);
  // An id that ends with its unit does not get it twice.
  return name === undefined || word.endsWith(`_${name}`) ? word : `${word}_${name}`;
}

function unitOf(unit: Unit): { unit?: string } {
  const { name } = baseUnits[unit];
  return name === undefined ? {} : { unit: name };
}

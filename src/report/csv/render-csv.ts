import { bucketBoundsUs } from '../../result/bucket-bounds.ts';
import type { PhaseRequests, Quantiles, RunResult, SliWindows } from '../../result/result.ts';
import type { ReportFile } from '../report-file.ts';
import { type Cell, csvTable } from './csv-table.ts';

type Table = { header: string[]; rows: Cell[][] };

/**
 * One file for each table of the result. Columns are named as the result's fields are, units included; a map becomes a
 * column for each of its keys (`labels.verb`, `cpuCores.etcd`), empty where a row has none.
 */
export function renderCsv(result: RunResult): ReportFile[] {
  const tables: Record<string, Table> = {
    slis: slis(result),
    figures: figures(result),
    timeline: timeline(result),
    calls: calls(result),
    phases: phases(result),
    'slowest-pods': slowestPods(result),
  };
  return Object.entries(tables).map(([name, { header, rows }]) => ({
    name: `${name}.csv`,
    content: csvTable(header, rows),
  }));
}

/** A column for each key of a map that rows have, in the order in which keys come first. */
function columns<T>(
  name: string,
  items: readonly T[],
  map: (item: T) => Readonly<Record<string, string | number>>,
): { header: string[]; cells: (item: T) => Cell[] } {
  const keys = [...new Set(items.flatMap((item) => Object.keys(map(item))))];
  return {
    header: keys.map((key) => `${name}.${key}`),
    cells: (item) => {
      const cells = new Map(Object.entries(map(item)));
      return keys.map((key) => cells.get(key) ?? null);
    },
  };
}

const quantiles = ['p50', 'p90', 'p99', 'p999', 'max'] as const satisfies readonly (keyof Quantiles)[];
const windowFields = ['good', 'bad', 'undecided'] as const satisfies readonly (keyof SliWindows)[];

function slis(result: RunResult): Table {
  const labels = columns('labels', result.slis, (sli) => sli.labels);
  return {
    header: [
      'id',
      ...labels.header,
      ...['unit', 'count', ...quantiles],
      'firstBound',
      ...['slo.quantile', 'slo.threshold', 'slo.verdict'],
      ...quantiles.map((name) => `lowerBound.${name}`),
      ...windowFields.map((name) => `windows.${name}`),
      ...['definition', 'source', 'resolution'],
    ],
    rows: result.slis.map((sli) => {
      const { slo, lowerBound, windows } = sli;
      // Quantiles of nothing are not 0.
      const of = (values: Quantiles | undefined): Cell[] =>
        quantiles.map((name) => (sli.count === 0 ? null : (values?.[name] ?? null)));
      return [
        sli.id,
        ...labels.cells(sli),
        ...[sli.unit, sli.count, ...of(sli)],
        bucketBoundsUs.get(sli.id)?.[0] ?? null,
        ...[slo?.quantile ?? null, slo?.threshold ?? null, slo?.verdict ?? null],
        ...of(lowerBound),
        ...windowFields.map((name) => windows?.[name] ?? null),
        ...[sli.definition, sli.source, sli.resolution],
      ];
    }),
  };
}

function figures(result: RunResult): Table {
  const labels = columns('labels', result.figures, (figure) => figure.labels);
  return {
    header: ['id', ...labels.header, 'unit', 'value', 'definition', 'source', 'resolution'],
    rows: result.figures.map((figure) => {
      const { id, unit, value, definition, source, resolution } = figure;
      return [id, ...labels.cells(figure), unit, value, definition, source, resolution];
    }),
  };
}

function timeline(result: RunResult): Table {
  const cpu = columns('cpuCores', result.timeline, (point) => point.cpuCores);
  const memory = columns('rssBytes', result.timeline, (point) => point.rssBytes);
  const fields = [
    'atMs',
    'phase',
    'nodesReady',
    'podsCreated',
    'podsStarted',
    'podsDeleted',
    'requestsPerSecond',
    'requestedPerSecond',
    'podStartupP99Us',
    'apiCallP99Us',
  ] as const;
  return {
    header: [...fields, ...cpu.header, ...memory.header],
    rows: result.timeline.map((point) => [
      ...fields.map((field) => point[field]),
      ...cpu.cells(point),
      ...memory.cells(point),
    ]),
  };
}

/** A line for each status. */
function calls(result: RunResult): Table {
  return {
    header: ['source', 'verb', 'resource', 'subresource', 'scope', 'status', 'count'],
    rows: result.calls.flatMap(({ source, verb, resource, subresource, scope, statuses }) =>
      Object.entries(statuses).map(([status, count]) => [
        source,
        verb,
        resource,
        subresource,
        scope,
        status,
        count,
      ]),
    ),
  };
}

const requestFields = [
  'planned',
  'sent',
  'done',
  'failed',
  'retries',
  'heldBack',
  'achievedRatio',
  'requestedPerSecond',
  'achievedPerSecond',
  'latenessP99Us',
] as const satisfies readonly (keyof PhaseRequests)[];

function phases(result: RunResult): Table {
  return {
    header: [
      ...['name', 'type', 'startedAtMs', 'finishedAtMs', 'outcome', 'message'],
      ...requestFields.map((field) => `requests.${field}`),
    ],
    rows: result.run.phases.map(({ name, type, startedAtMs, finishedAtMs, outcome, message, requests }) => [
      ...[name, type, startedAtMs, finishedAtMs, outcome, message ?? null],
      ...requestFields.map((field) => requests?.[field] ?? null),
    ]),
  };
}

function slowestPods(result: RunResult): Table {
  const parts = columns('phasesUs', result.slowestPods, (pod) => pod.phasesUs);
  return {
    header: ['namespace', 'name', 'node', 'totalUs', ...parts.header],
    rows: result.slowestPods.map((pod) => [
      ...[pod.namespace, pod.name, pod.node, pod.totalUs],
      ...parts.cells(pod),
    ]),
  };
}

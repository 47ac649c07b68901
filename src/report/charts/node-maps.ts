import type { NodeRecord, RunResult } from '../../result/result.ts';
import type { Cells, ChartSpec } from './chart-spec.ts';
import { formatCount, formatDurationUs } from './format.js';

/** Maps are so many times as wide as high, as far as whole rows allow. */
const aspect = 6;

/** Nodes that a row has at least: fewer are one row. */
const columnsMin = 20;

const readiness: NonNullable<Cells['classes']> = [
  { label: 'Ready throughout', colour: 'green' },
  { label: 'Ready again', colour: 'amber' },
  { label: 'not Ready', colour: 'threshold' },
  { label: 'gone', colour: 'grey' },
];

/** A cell for each node, in the order of the inventory: readiness, slowest pod startup, pods. */
export function nodeMaps(result: RunResult): ChartSpec[] {
  const { nodes } = result.inventory;
  if (nodes.length === 0) return [];
  const slowest = nodes.map((node) => node.pods.startupMaxUs);
  const counts = nodes.map((node) => node.pods.total);
  const classes = nodes.map(classOf);
  const maps: ChartSpec[] = [
    nodeMap({
      id: 'nodes-readiness',
      title: 'Readiness by node',
      subtitle: `Each cell is a node, in the order of the table.`,
      description: readiness
        .map(
          ({ label }, index) => `${label}: ${formatCount(classes.filter((each) => each === index).length)}`,
        )
        .join('; '),
      cells: { ...gridOf(classes), scale: 'classes', classes: readiness, format: 'count', noun: 'nodes' },
    }),
  ];
  const known = slowest.filter((us) => us !== null);
  if (known.length > 0) {
    const [least, most] = [Math.min(...known), Math.max(...known)];
    maps.push(
      nodeMap({
        id: 'nodes-startup',
        title: 'Slowest pod startup by node',
        subtitle: 'Stripes and spots are nodes that were slower than others.',
        description: `Between ${formatDurationUs(least)} and ${formatDurationUs(most)}`,
        cells: { ...gridOf(slowest), scale: 'linear', format: 'durationUs', noun: '' },
      }),
    );
  }
  if (counts.some((count) => count > 0)) {
    maps.push(
      nodeMap({
        id: 'nodes-pods',
        title: 'Pods by node',
        subtitle: 'Pods that were scheduled to each node over the run.',
        description: `Between ${formatCount(Math.min(...counts))} and ${formatCount(Math.max(...counts))} pods`,
        cells: { ...gridOf(counts), scale: 'linear', format: 'count', noun: 'pods' },
      }),
    );
  }
  return maps;
}

function classOf({ state, lapses }: NodeRecord): number {
  if (state === 'gone') return 3;
  if (state === 'not-ready') return 2;
  return lapses > 0 ? 1 : 0;
}

/** Values row by row, as columns. */
function gridOf(values: readonly (number | null)[]): Pick<Cells, 'xs' | 'ys' | 'values' | 'of'> {
  const columns = Math.max(columnsMin, Math.ceil(Math.sqrt(values.length * aspect)));
  const rows = Math.ceil(values.length / columns);
  return {
    xs: Array.from({ length: columns + 1 }, (_, at) => at),
    ys: Array.from({ length: rows + 1 }, (_, at) => at),
    values: Array.from({ length: columns }, (_column, column) =>
      Array.from({ length: rows }, (_row, row) => values[row * columns + column] ?? null),
    ),
    of: 'nodes',
  };
}

function nodeMap(
  words: Pick<ChartSpec, 'id' | 'title' | 'subtitle' | 'description'> & { cells: Cells },
): ChartSpec {
  const { xs, ys } = words.cells;
  return {
    ...words,
    x: { kind: 'linear', title: '', format: 'count', hidden: true, min: 0, max: xs.length - 1 },
    y: {
      kind: 'linear',
      title: '',
      format: 'count',
      hidden: true,
      reversed: true,
      min: 0,
      max: ys.length - 1,
    },
    series: [],
  };
}

/**
 * A chart as plain data: what is shown, without functions, colours or sizes in pixels of text. `hydrate.js` makes
 * a Chart.js configuration of it, in the page as for the PNG, so that both show the same.
 */
export type ChartSpec = {
  /** Names the element in the page and the PNG file: lower case, digits and hyphens. */
  id: string;
  title: string;
  /** One sentence under the title: how to read it. */
  subtitle: string;
  /** What the chart shows, with its main figures, for those who cannot see it. */
  description: string;
  x: Axis;
  y: Axis;
  /** A second scale on the right, for series whose `axis` is `right`. */
  right?: Axis;
  /** Bars grow to the right and y holds the categories. */
  horizontal?: boolean;
  /**
   * One name for each point of every series, in order. On a `category` axis (only when horizontal) a point's first
   * number is an index into them; else they are shown on hovering: the range that a bar stands for, the run of a point.
   */
  categories?: string[];
  series: Series[];
  /** Coloured cells behind the series: a heat map, a map of nodes. */
  cells?: Cells;
  /** What the reader may zoom into along x; all charts over `time` move together. */
  zoom?: 'time' | 'own';
  /** Spans of x that are shaded and named: the phases of a run. */
  bands?: { from: number; to: number; label: string }[];
  /** A dashed line across the chart at one value of an axis: a threshold, a percentile. */
  markers?: { axis: 'x' | 'y'; value: number; label: string; role: ColourRole }[];
};

/** A grid of cells, each with a value that its colour stands for. */
export type Cells = {
  /** Bounds of columns and rows, in the axes' own units and rising: one more than there are columns, rows. */
  xs: number[];
  ys: number[];
  /** By column, then by row; null, and 0 of counts, where there is nothing to draw. */
  values: (number | null)[][];
  /** How a value becomes a place between the palest colour and the strongest; `classes`: it is an index into them. */
  scale: 'linear' | 'logarithmic' | 'classes';
  classes?: { label: string; colour: ColourRole }[];
  format: AxisFormat;
  /** What a value is, in the plural: `pods`. */
  noun: string;
  /** Cells are the nodes of the inventory, row by row: choosing one shows its pods. */
  of?: 'nodes';
};

export type AxisFormat =
  | 'durationUs'
  | 'bytes'
  | 'number'
  | 'count'
  | 'elapsedMs'
  | 'tailOdds'
  | 'cores'
  | 'rate';

export type Axis = {
  kind: 'linear' | 'logarithmic' | 'category';
  title: string;
  format: AxisFormat;
  min?: number;
  max?: number;
  stacked?: boolean;
  /** Only the rows and columns themselves mean something. */
  hidden?: boolean;
  /** The first row lies on top. */
  reversed?: boolean;
  /** Distance of the ticks where the nice one is not a round decimal number: MiB. */
  step?: number;
};

/** A colour by its part in the chart; each theme has its own, all tell apart for colour-blind readers. */
export type ColourRole =
  | 'blue'
  | 'orange'
  | 'green'
  | 'pink'
  | 'amber'
  | 'sky'
  | 'violet'
  | 'grey'
  | 'brown'
  | 'petrol'
  | 'threshold'
  | 'muted';

export type Series = {
  label: string;
  /** `steps` for figures that hold until the next one, `area` for stacked shares, `dots` without a line. */
  kind: 'line' | 'steps' | 'area' | 'bar' | 'dots';
  colour: ColourRole;
  axis?: 'left' | 'right';
  dashed?: boolean;
  /** [x, y] in the axes' own units; null where there is no value. */
  points: [number, number | null][];
};

/** The colours of a series, in the order in which they are used up. */
export const seriesColours: readonly ColourRole[] = [
  'blue',
  'orange',
  'green',
  'pink',
  'amber',
  'sky',
  'violet',
  'grey',
  'brown',
  'petrol',
];

/** The colour of the `index`th series; they start over after ten: a pod's way has as many phases. */
export function seriesColour(index: number): ColourRole {
  return seriesColours[index % seriesColours.length] ?? 'grey';
}

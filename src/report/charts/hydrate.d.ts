import type { ChartSpec } from './chart-spec.ts';
import type { ChartTheme } from './themes.js';

export type ChartSizes = {
  family: string;
  tick: number;
  title: number;
  heading: boolean;
  pixelRatio?: number;
  range?: { from: number; to: number };
  describeCell?: (column: number, row: number) => string[];
};

/** A Chart.js configuration; `unknown` because Chart.js' own types want a browser's library. */
export function hydrate(spec: ChartSpec, theme: ChartTheme, sizes: ChartSizes): unknown;

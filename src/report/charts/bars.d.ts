import type { Bins } from './bins.ts';
import type { AxisFormat, ChartSpec } from './chart-spec.ts';

export function barsOf(
  bins: Bins,
  format: AxisFormat,
  title: string,
  noun: string,
): Required<Pick<ChartSpec, 'x' | 'y' | 'categories' | 'series'>>;

import type { ChartSpec } from './chart-spec.ts';

export function cellRows(
  spec: Pick<ChartSpec, 'x' | 'y' | 'cells'>,
  rowsMax: number,
): [x: string, y: string, count: string][];

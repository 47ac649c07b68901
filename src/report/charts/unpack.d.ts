import type { ChartSpec } from './chart-spec.ts';
import type { PackedSpec } from './pack.ts';

export function unpacked(spec: ChartSpec | PackedSpec): ChartSpec;

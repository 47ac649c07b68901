import type { Unit } from '../../result/result.ts';
import type { AxisFormat } from './chart-spec.ts';

export function formatNumber(value: number): string;
export function formatCount(value: number): string;
export function formatDurationUs(us: number): string;
export function formatBytes(bytes: number): string;
export function formatElapsedMs(ms: number): string;
export function clockTicks(fromMs: number, toMs: number): number[];
export function formatTailOdds(x: number): string;
export function formatValue(value: number, unit: Unit): string;
export function axisFormat(name: AxisFormat): (value: number) => string;

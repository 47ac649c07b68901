import type { WindowVerdict } from '../../result/result.ts';
import type { WindowValue } from './sliding-window.ts';

/** A line of the log: a step that ended, a series when it first appears, and a window of it. */
export type LogLine =
  | { at: [step: number, atMs: number] }
  | { series: [name: string, id: string, labels: Record<string, string>] }
  | { point: [name: string, step: number, count: number, value: number, verdict: WindowVerdict] };

const line = (of: LogLine): string => `${JSON.stringify(of)}\n`;

export const stepLine = (step: number, atMs: number): string => line({ at: [step, atMs] });

export const seriesLine = (name: string, id: string, labels: Readonly<Record<string, string>>): string =>
  line({ series: [name, id, { ...labels }] });

export const pointLine = (name: string, step: number, { count, value, verdict }: WindowValue): string =>
  line({ point: [name, step, count, value, verdict] });

/** Undefined for one that was cut off when the disk was full. */
export function parseLine(text: string): LogLine | undefined {
  try {
    return JSON.parse(text) as LogLine;
  } catch {
    return undefined;
  }
}

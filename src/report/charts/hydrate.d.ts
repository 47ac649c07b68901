import type { ChartSpec, ColourRole } from './chart-spec.ts';

export type ChartTheme = {
  background: string;
  text: string;
  muted: string;
  grid: string;
  band: string;
  colours: Record<ColourRole, string>;
};

export type ChartSizes = { family: string; tick: number; title: number; heading: boolean };

export const themes: { light: ChartTheme; dark: ChartTheme };

/** A Chart.js configuration; `unknown` because Chart.js' own types want a browser's library. */
export function hydrate(spec: ChartSpec, theme: ChartTheme, sizes: ChartSizes): unknown;

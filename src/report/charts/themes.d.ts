import type { ColourRole } from './chart-spec.ts';

export type ChartTheme = {
  background: string;
  text: string;
  muted: string;
  grid: string;
  band: string;
  colours: Record<ColourRole, string>;
  ramp: string[];
};

export const themes: { light: ChartTheme; dark: ChartTheme };

export function withAlpha(hex: string, alpha: number): string;
export function rampColour(theme: ChartTheme, share: number): string;

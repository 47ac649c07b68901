// Colours of charts. Plain JavaScript, because the page inlines this text and Node imports it for the PNGs.

/**
 * Wong's colour-blind-safe palette, darkened for white paper and lightened for a dark screen; `ramp` goes from little
 * to much, and is told apart by lightness alone.
 */
export const themes = {
  light: {
    background: '#ffffff',
    text: '#1c2430',
    muted: '#5b6675',
    grid: '#e4e8ee',
    band: 'rgba(28, 36, 48, 0.035)',
    colours: {
      blue: '#0067a8',
      orange: '#cf5600',
      green: '#008a65',
      pink: '#b8578f',
      amber: '#c98a00',
      sky: '#3d9fd6',
      violet: '#6a55a8',
      grey: '#7d8795',
      brown: '#7a4b2a',
      petrol: '#1f4f57',
      threshold: '#b3261e',
      muted: '#8a94a2',
    },
    ramp: ['#e3eefa', '#a6cbe8', '#5a9fd0', '#1f6cab', '#08326a'],
  },
  dark: {
    background: '#161b22',
    text: '#e6eaf0',
    muted: '#9aa5b4',
    grid: '#2a323d',
    band: 'rgba(230, 234, 240, 0.04)',
    colours: {
      blue: '#4ba3e3',
      orange: '#ff8b45',
      green: '#2fc495',
      pink: '#e58fc0',
      amber: '#f0b73c',
      sky: '#93d3fa',
      violet: '#b09ce8',
      grey: '#a3adba',
      brown: '#b98a66',
      petrol: '#5f9ea8',
      threshold: '#ff7b72',
      muted: '#7f8a99',
    },
    ramp: ['#15293f', '#1c4f7e', '#2b7fbf', '#62b5ea', '#d5efff'],
  },
};

export function withAlpha(hex, alpha) {
  const part = (at) => Number.parseInt(hex.slice(at, at + 2), 16);
  return `rgba(${part(1)}, ${part(3)}, ${part(5)}, ${alpha})`;
}

/** A colour of the ramp, `share` of the way from little to much, 0..1. */
export function rampColour(theme, share) {
  const place = Math.max(0, Math.min(1, share)) * (theme.ramp.length - 1);
  const at = Math.min(theme.ramp.length - 2, Math.floor(place));
  const mix = (offset) => {
    const part = (hex) => Number.parseInt(hex.slice(offset, offset + 2), 16);
    const [low, high] = [part(theme.ramp[at]), part(theme.ramp[at + 1])];
    return Math.round(low + (high - low) * (place - at));
  };
  return `rgb(${mix(1)}, ${mix(3)}, ${mix(5)})`;
}

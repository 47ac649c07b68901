type Point = [x: number, y: number | null];

export function thinned(
  lists: readonly (readonly Point[])[],
  range: { from: number; to: number } | undefined,
  bucketsMax: number,
): Point[][];

import { readFileSync } from 'node:fs';
import { createRequire } from 'node:module';

const require = createRequire(import.meta.url);

/**
 * The font of the reports (Inter, Open Font License): a CI machine may have none, and figures should look the same
 * everywhere. Empty when the package is missing; then whatever font there is has to do.
 */
export function interFonts(): { weight: number; woff2: Buffer }[] {
  try {
    return [
      {
        weight: 400,
        woff2: readFileSync(require.resolve('@fontsource/inter/files/inter-latin-400-normal.woff2')),
      },
      {
        weight: 600,
        woff2: readFileSync(require.resolve('@fontsource/inter/files/inter-latin-600-normal.woff2')),
      },
    ];
  } catch {
    return [];
  }
}

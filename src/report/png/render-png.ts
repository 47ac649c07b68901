import { createRequire } from 'node:module';
import { errorMessage } from '../../base/errors.ts';
import type { ChartSpec } from '../charts/chart-spec.ts';
import { hydrate } from '../charts/hydrate.js';
import { themes } from '../charts/themes.js';
import { interFonts } from '../font.ts';

const widthPx = 1400;
const fontFamily = 'Hollowmark Inter';

/** PNG files, or why there are none. */
export type PngOutcome = { files: { name: string; bytes: Uint8Array }[]; warning?: string };

/** The part of chartjs-node-canvas that is used; its own types want a browser's library. */
type Renderer = { renderToBufferSync(configuration: unknown, mimeType: 'image/png'): Uint8Array };
type RendererModule = {
  ChartJSNodeCanvas: new (options: { width: number; height: number; backgroundColour: string }) => Renderer;
};
type CanvasModule = { GlobalFonts?: { register(font: Buffer, family: string): unknown } };

const require = createRequire(import.meta.url);

/**
 * Draws charts as PNG, white, 1400 pixels wide, with a font that comes with Hollowmark (a CI machine may have none).
 *
 * Never throws for a missing library: the canvas is native code that a platform may lack, and the override of
 * `canvas` in package.json does not reach those who install Hollowmark as a dependency. Then `files` is empty and
 * `warning` says what to do.
 */
export async function renderPngs(specs: readonly ChartSpec[]): Promise<PngOutcome> {
  if (specs.length === 0) return { files: [] };
  try {
    const { ChartJSNodeCanvas } = (await import('chartjs-node-canvas')) as unknown as RendererModule;
    registerFonts();
    const files = specs.map((spec) => {
      // One renderer per chart: it has one size, and registers its background for that size.
      const renderer = new ChartJSNodeCanvas({
        width: widthPx,
        height: heightPx(spec),
        backgroundColour: themes.light.background,
      });
      const configuration = hydrate(spec, themes.light, {
        family: fontFamily,
        tick: 15,
        title: 24,
        heading: true,
      });
      // Only the synchronous form: the callback form of this library fails with @napi-rs/canvas.
      return { name: `${spec.id}.png`, bytes: renderer.renderToBufferSync(configuration, 'image/png') };
    });
    return { files };
  } catch (error) {
    return {
      files: [],
      warning: `No PNG charts: the drawing library could not be used (${firstLine(errorMessage(error))}). The HTML report has the same charts. To get PNGs, install it: npm install chartjs-node-canvas canvas@npm:@napi-rs/canvas`,
    };
  }
}

function heightPx(spec: ChartSpec): number {
  if (spec.cells?.of === 'nodes') {
    const [columns, rows] = [spec.cells.xs.length - 1, spec.cells.ys.length - 1];
    return Math.round(180 + rows * Math.min(60, widthPx / columns));
  }
  if (spec.horizontal !== true) return 640;
  return 220 + (spec.categories?.length ?? 0) * (spec.series.length > 0 && spec.id === 'api-calls' ? 34 : 90);
}

let registered = false;

/** Registers Inter with the very canvas that the renderer uses; without it the system's fonts have to do. */
function registerFonts(): void {
  if (registered) return;
  registered = true;
  const canvas = createRequire(require.resolve('chartjs-node-canvas'))('canvas') as CanvasModule;
  for (const { woff2 } of interFonts()) canvas.GlobalFonts?.register(woff2, fontFamily);
}

function firstLine(text: string): string {
  return text.split('\n')[0] ?? '';
}

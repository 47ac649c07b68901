import { join } from 'node:path';
import { writeFileAtomically } from '../result/atomic-file.ts';
import type { RunResult } from '../result/result.ts';
import { chartsOf } from './charts/charts.ts';
import { renderHtml } from './html/render-html.ts';
import { renderJunit } from './junit/render-junit.ts';
import { renderPngs } from './png/render-png.ts';

/** What a report can be written as. PNG charts are the slow part: about 0.1 s each. */
export const reportFormats = ['html', 'junit', 'png'] as const;

export type ReportFormat = (typeof reportFormats)[number];

/**
 * Writes `report.html`, `junit.xml` and `charts/*.png` into a folder, which is made if it is missing. Each file
 * appears whole or not at all, and replaces an older one.
 *
 * @param formats those that are wanted; all unless said otherwise
 * @returns the paths of the files in the order of writing, and warnings for people: without the drawing library
 *   there are no PNGs, and all else is there
 * @throws HollowmarkError `bad-input` with the path when the folder cannot be written
 */
export async function writeReport(
  result: RunResult,
  dir: string,
  formats: readonly ReportFormat[] = reportFormats,
): Promise<{ files: string[]; warnings: string[] }> {
  const files: string[] = [];
  const write = (name: string, content: string | Uint8Array): void => {
    const path = join(dir, name);
    writeFileAtomically(path, content);
    files.push(path);
  };
  if (formats.includes('html')) write('report.html', renderHtml(result));
  if (formats.includes('junit')) write('junit.xml', renderJunit(result));
  if (!formats.includes('png')) return { files, warnings: [] };
  const charts = await renderPngs(chartsOf(result));
  for (const chart of charts.files) write(join('charts', chart.name), chart.bytes);
  return { files, warnings: charts.warning === undefined ? [] : [charts.warning] };
}

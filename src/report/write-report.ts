import { existsSync } from 'node:fs';
import { join } from 'node:path';
import { writeFileAtomically } from '../result/atomic-file.ts';
import { writeFolderAtomically } from '../result/atomic-folder.ts';
import { type RunResult, resultFileName } from '../result/result.ts';
import { serialiseResult } from '../result/write.ts';
import { chartsOf } from './charts/charts.ts';
import { renderCsv } from './csv/render-csv.ts';
import { renderHgrm } from './hgrm/render-hgrm.ts';
import { type Build, renderHistory } from './history/render-history.ts';
import { renderHtml } from './html/render-html.ts';
import { renderJunit } from './junit/render-junit.ts';
import type { JudgedGate } from './judged-gate.ts';
import { artifactLinks } from './markdown/artifact-links.ts';
import { renderMarkdown } from './markdown/render-markdown.ts';
import { renderOpenmetrics } from './openmetrics/render-openmetrics.ts';
import { renderPerfdash } from './perfdash/render-perfdash.ts';
import { renderPngs } from './png/render-png.ts';
import { fileWord, type ReportFile } from './report-file.ts';

/** What a report can be written as. PNG charts are the slow part, about 0.1 s each; `history` has them too. */
export const reportFormats = [
  'html',
  'junit',
  'png',
  'perfdash',
  'hgrm',
  'openmetrics',
  'csv',
  'markdown',
  'history',
] as const;

export type ReportFormat = (typeof reportFormats)[number];

/** What a run leaves, and what `report` writes unless told otherwise. */
export const usualFormats: readonly ReportFormat[] = ['html', 'junit', 'png'];

export type ReportOptions = {
  /** Of the format `history`; else the scenario and the run's id. */
  build?: Build;
  /** Where the files will be found, for links in the Markdown summary. See {@link artifactLinks}. */
  artifactsUrl?: string | undefined;
  /** What a gate has said of the run, for those formats that say whether it passed. */
  gate?: JudgedGate | undefined;
};

export type WrittenReport = {
  /** Paths in the order of writing; of a history, that of its folder. */
  files: string[];
  /** For people: without the drawing library there are no PNGs, and all else is there. */
  warnings: string[];
};

type Rendered = { files: ReportFile[]; warning?: string };

/**
 * Writes a result in the given formats into a folder, which is made if it is missing. Each file, and the folder of a
 * history, appears whole or not at all, and replaces an older one.
 *
 * @throws HollowmarkError `bad-input` with the path when the folder cannot be written
 */
export async function writeReport(
  result: RunResult,
  dir: string,
  formats: readonly ReportFormat[] = usualFormats,
  options: ReportOptions = {},
): Promise<WrittenReport> {
  const files: string[] = [];
  const write = (folder: string, rendered: readonly ReportFile[]): void => {
    for (const { name, content } of rendered) {
      const path = join(dir, folder, name);
      writeFileAtomically(path, content);
      files.push(path);
    }
  };
  const wanted = (format: ReportFormat): boolean => formats.includes(format);
  const history = wanted('history');
  if (wanted('html')) write('', [{ name: 'report.html', content: renderHtml(result, options.gate) }]);
  if (wanted('junit')) write('', [{ name: 'junit.xml', content: renderJunit(result, options.gate?.cases) }]);
  const charts: Rendered = wanted('png') || history ? await chartFiles(result) : { files: [] };
  if (wanted('png')) write('charts', charts.files);
  if (wanted('perfdash')) write('perfdash', renderPerfdash(result));
  if (wanted('hgrm')) write('hgrm', renderHgrm(result));
  if (wanted('openmetrics')) write('', [{ name: 'openmetrics.txt', content: renderOpenmetrics(result) }]);
  if (wanted('csv')) write('csv', renderCsv(result));
  if (wanted('markdown')) {
    const there = (name: string): boolean => existsSync(join(dir, name));
    const links = artifactLinks(
      ['report.html', resultFileName, 'junit.xml'].filter(there),
      options.artifactsUrl,
    );
    write('', [{ name: 'summary.md', content: renderMarkdown(result, links, options.gate) }]);
  }
  if (history) {
    const build = options.build ?? defaultBuild(result);
    const path = join(dir, historyFolder(build));
    const artefacts = artifactsOf(result, charts.files, options.gate);
    writeFolderAtomically(dir, path, renderHistory(result, build, artefacts, options.gate));
    files.push(path);
  }
  return { files, warnings: charts.warning === undefined ? [] : [charts.warning] };
}

/** Below the report's folder: `history/<job>/<build>`. */
export function historyFolder({ job, number }: Build): string {
  return join('history', job, number);
}

/** What a build is called where nobody says it: every run is one of its scenario's job. */
export function defaultBuild({ run }: RunResult): Build {
  return { job: fileWord(run.scenario), number: fileWord(run.id) };
}

async function chartFiles(result: RunResult): Promise<Rendered> {
  const { files, warning } = await renderPngs(chartsOf(result));
  const named = files.map(({ name, bytes }) => ({ name, content: bytes }));
  return warning === undefined ? { files: named } : { files: named, warning };
}

/**
 * All formats, as the jobs of Kubernetes' CI have them: summaries for perfdash lie in the folder itself, and JUnit files
 * are found by their name.
 */
function artifactsOf(
  result: RunResult,
  charts: readonly ReportFile[],
  gate: JudgedGate | undefined,
): ReportFile[] {
  const junit = 'junit_hollowmark.xml';
  const below = (folder: string, files: readonly ReportFile[]): ReportFile[] =>
    files.map(({ name, content }) => ({ name: `${folder}/${name}`, content }));
  return [
    { name: resultFileName, content: serialiseResult(result) },
    { name: 'report.html', content: renderHtml(result, gate) },
    { name: junit, content: renderJunit(result, gate?.cases) },
    ...(gate === undefined ? [] : [{ name: 'gate.json', content: gate.document }]),
    { name: 'openmetrics.txt', content: renderOpenmetrics(result) },
    {
      name: 'summary.md',
      content: renderMarkdown(result, artifactLinks(['report.html', resultFileName, junit]), gate),
    },
    ...renderPerfdash(result),
    ...below('charts', charts),
    ...below('hgrm', renderHgrm(result)),
    ...below('csv', renderCsv(result)),
  ];
}

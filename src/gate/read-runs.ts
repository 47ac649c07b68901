import { existsSync, readdirSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { type InputKind, readInputFile } from '../base/input-file.ts';
import { tool } from '../base/package-info.ts';
import { parseResult } from '../result/read.ts';
import { type RunResult, resultFileName } from '../result/result.ts';
import { type GateRun, baselineRunSchemaId, gateRunOf } from './gate-run.ts';
import { noiseFileName } from './noise.ts';
import { repeatsFileName } from './repeats.ts';
import { baselineRunOf, placeOf } from './schemas.ts';

/** A run as it was read. */
export type ReadRun = {
  run: GateRun;
  file: string;
  /** The file is a whole result, and not what a baseline keeps of one. */
  whole: boolean;
  /** The whole result, where it was asked for. */
  result: RunResult | undefined;
  /** The path stands for this run alone: it was meant, and not found in a folder. */
  named: boolean;
};

const runFile: InputKind = {
  name: 'result or run of a baseline',
  bytesMax: 500_000_000,
  hint: 'give a result.json, the folder of a run or of several, or the folder of a baseline',
};

/**
 * Reads the runs that a path stands for: a `result.json`, a run of a baseline, the folder of a run, a folder with folders of
 * runs (as `run --repeat` leaves it), or that of a baseline. In the order of their starts.
 *
 * @param keepResults also the whole results, megabytes each: for curves.
 * @throws HollowmarkError `bad-input` when there is no such path, or a file in it is damaged.
 */
export function readRuns(path: string, keepResults: (index: number) => boolean = () => false): ReadRun[] {
  if (!existsSync(path)) {
    throw new HollowmarkError('bad-input', `${path}: there is no such file or folder`, {
      hint: runFile.hint,
    });
  }
  if (!statSync(path).isDirectory()) return readFiles([path], true, keepResults);
  const ofSet = resultsOfSet(path);
  const own = join(path, resultFileName);
  if (ofSet.length === 0 && existsSync(own)) return readFiles([own], true, keepResults);
  const results = ofSet.length === 0 ? resultsBelow(path) : ofSet;
  return readFiles([...results, ...baselineFiles(path)], false, keepResults);
}

/**
 * As {@link readRuns}, of what others are compared with: a folder that is not there is a baseline that has not been begun. A
 * file that is not there is a slip.
 * @returns undefined of such a folder.
 */
export function readBaseline(path: string): ReadRun[] | undefined {
  return existsSync(path) || path.endsWith('.json') ? readRuns(path) : undefined;
}

/** Reads the files of a baseline alone, whatever else lies in its folder. Oldest first. */
export function readBaselineFiles(dir: string): GateRun[] {
  return readFiles(baselineFiles(dir), false, () => false).map(({ run }) => run);
}

/** Files that may be runs of a baseline, by their names. */
export function baselineFiles(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => name.endsWith('.run.json') && !name.startsWith('.'))
    .map((name) => join(folder, name));
}

function readFiles(
  files: readonly string[],
  named: boolean,
  keepResults: (index: number) => boolean,
): ReadRun[] {
  const runs: ReadRun[] = [];
  for (const file of files) {
    const read = readRun(file);
    if (read === undefined) continue;
    const { run, result } = read;
    const kept = keepResults(runs.length) ? result : undefined;
    runs.push({ run, file, whole: result !== undefined, result: kept, named });
  }
  return byStart(runs);
}

/** Oldest first. */
export function byStart(runs: readonly ReadRun[]): ReadRun[] {
  return runs.toSorted((a, b) => compareText(ageOf(a.run), ageOf(b.run)));
}

/** Runs that began at the same time have an order too. */
const ageOf = ({ startedAt, id }: GateRun): string => `${startedAt} ${id}`;

const compareText = (a: string, b: string): number => (a === b ? 0 : a < b ? -1 : 1);

/** Names of folders in that of a set. */
const folderName = /^[\w-][\w.-]*$/;

/** The results of a set of runs: those that its summary lists, and none that lie there from before. */
function resultsOfSet(folder: string): string[] {
  return [repeatsFileName, noiseFileName]
    .map((name) => join(folder, name))
    .filter((file) => existsSync(file))
    .flatMap((file) => {
      const { runs } = (jsonOf(file) ?? {}) as { runs?: unknown };
      return Array.isArray(runs) ? (runs as unknown[]) : [];
    })
    .map((run) => String((run as { folder?: unknown } | null)?.folder))
    .filter((name) => folderName.test(name))
    .map((name) => join(folder, name, resultFileName))
    .filter((file) => existsSync(file));
}

function resultsBelow(folder: string): string[] {
  return readdirSync(folder)
    .filter((name) => !name.startsWith('.'))
    .map((name) => join(folder, name, resultFileName))
    .filter((file) => existsSync(file));
}

function jsonOf(file: string, text: string = readInputFile(file, runFile)): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw new HollowmarkError('bad-input', `${file} is not JSON: ${errorMessage(cause)}`, {
      hint: runFile.hint,
      cause,
    });
  }
}

/** @returns undefined of a run of a baseline that somebody else has just taken out. */
function readRun(file: string): { run: GateRun; result: RunResult | undefined } | undefined {
  let text: string;
  try {
    text = readInputFile(file, runFile);
  } catch (error) {
    if (file.endsWith('.run.json') && !existsSync(file)) return undefined;
    throw error;
  }
  const document = jsonOf(file, text);
  const schema = (document as { schema?: unknown } | null)?.schema;
  if (typeof schema !== 'string' || !schema.startsWith(baselineRunFamily)) {
    const result = parseResult(text, file);
    return { run: gateRunOf(result), result };
  }
  if (schema !== baselineRunSchemaId) {
    throw new HollowmarkError(
      'bad-input',
      `${file}: written by another version of Hollowmark: $.schema is ${schema}; this one (${tool.version}) reads ${baselineRunSchemaId}`,
      { hint: 'use that version, or begin the baseline anew with `hollowmark baseline accept`' },
    );
  }
  const read = baselineRunOf(document);
  if ('run' in read) return { run: read.run, result: undefined };
  const { fault } = read;
  throw new HollowmarkError('bad-input', `${file}: ${placeOf(fault)} ${fault.reason}`, {
    hint: 'the file was changed or damaged: remove it, or take it from where it was kept',
  });
}

const baselineRunFamily = baselineRunSchemaId.replace(/v\d+$/, '');

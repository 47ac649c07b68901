import { existsSync, statSync } from 'node:fs';
import { join } from 'node:path';
import { errorMessage, HollowmarkError } from '../base/errors.ts';
import { type InputKind, readInputFile } from '../base/input-file.ts';
import { tool } from '../base/package-info.ts';
import { Histogram } from '../metrics/histogram.ts';
import { type RunResult, resultFileName, resultSchemaId } from './result.ts';
import { findSchemaFault } from './schema.ts';
import { upgraded } from './upgrade.ts';

/**
 * Larger files are refused: V8 cannot hold a string of more than 512 MiB, and a run of 5,000 nodes over a day
 * stays under 50 MB.
 */
const resultFile: InputKind = {
  name: 'result file',
  bytesMax: 500_000_000,
  hint: 'give the result.json that a run wrote: reports/<run id>/result.json, or DIR/result.json with --out DIR',
};

/** The `result.json` that a path stands for: the file itself, or the one in a run's folder. */
export function resultFileAt(path: string): string {
  return existsSync(path) && statSync(path).isDirectory() ? join(path, resultFileName) : path;
}

/**
 * Reads and checks a `result.json`, also of an earlier version.
 *
 * @param path the file or the run's folder, absolute or relative to the working directory
 * @throws HollowmarkError `bad-input` when the file is missing, no file, not text, not JSON, of another schema
 *   version, not of the schema's shape, or holds a histogram that does not decode. The message names the file and
 *   the place in it.
 */
export function readResult(path: string): RunResult {
  const file = resultFileAt(path);
  return parseResult(readInputFile(file, resultFile), file);
}

/**
 * As {@link readResult}, for text that is at hand.
 *
 * @param origin named in error messages: a path or an address
 */
export function parseResult(text: string, origin: string): RunResult {
  const value = upgraded(parseJson(text, origin));
  checkVersion(value, origin);
  const fault = findSchemaFault(value);
  if (fault !== undefined) {
    throw unusable(`${origin}: ${fault.path} ${fault.reason}`, {
      hint: 'The file was changed by hand or cut off. Take the original, or run the scenario again.',
    });
  }
  const result = value as RunResult;
  checkTimes(result, origin);
  checkHistograms(result, origin);
  return result;
}

function unusable(message: string, options: { hint: string; cause?: unknown }): HollowmarkError {
  return new HollowmarkError('bad-input', message, options);
}

function parseJson(text: string, origin: string): unknown {
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unusable(`${origin} is not JSON: ${errorMessage(cause).replaceAll(/\s+/g, ' ')}`, {
      hint: 'Give the result.json that a run wrote. If it is that file, it was cut off or changed.',
      cause,
    });
  }
}

/** Says what kind of file it is before the schema complains about its details. */
function checkVersion(value: unknown, origin: string): void {
  const schema =
    typeof value === 'object' && value !== null ? (value as { schema?: unknown }).schema : undefined;
  if (schema === resultSchemaId) return;
  if (typeof schema === 'string' && /^hollowmark\.result\/v\d+$/.test(schema)) {
    throw unusable(
      `${origin}: written by another version of Hollowmark: $.schema is ${schema}; this one (${tool.version}) reads ${resultSchemaId}`,
      { hint: 'Use the version of Hollowmark that wrote the file, or a newer one.' },
    );
  }
  const found = schema === undefined ? 'is missing' : `is ${JSON.stringify(schema).slice(0, 60)}`;
  throw unusable(`${origin} is not a Hollowmark result: $.schema ${found}, not ${resultSchemaId}`, {
    hint: 'Give the result.json that a run wrote.',
  });
}

/** The schema knows the form of a time; that it is one is known only here. */
function checkTimes({ run }: RunResult, origin: string): void {
  for (const field of ['startedAt', 'measuringStartedAt', 'finishedAt'] as const) {
    const at = run[field];
    if (at === undefined || !Number.isNaN(Date.parse(at))) continue;
    throw unusable(`${origin}: $.run.${field} is no time: ${at}`, {
      hint: 'The file was changed or damaged. Take the original, or run the scenario again.',
    });
  }
}

function checkHistograms(result: RunResult, origin: string): void {
  for (const [index, sli] of result.slis.entries()) {
    const place = `${origin}: $.slis[${index}].histogram (${sli.id})`;
    let count: number;
    try {
      count = Histogram.fromBase64(sli.histogram).count;
    } catch (cause) {
      throw unusable(`${place} is not an HDR V2 histogram: ${errorMessage(cause)}`, {
        hint: 'The file was changed or damaged. Take the original, or run the scenario again.',
        cause,
      });
    }
    if (count !== sli.count) {
      throw unusable(`${place} holds ${count} samples, but count says ${sli.count}`, {
        hint: 'The file was changed or damaged. Take the original, or run the scenario again.',
      });
    }
  }
}

import { readFileSync, statSync } from 'node:fs';
import { errorMessage, HollowmarkError } from '../base/errors.ts';
import { Histogram } from '../metrics/histogram.ts';
import { type RunResult, resultSchemaId } from './result.ts';
import { findSchemaFault } from './schema.ts';

/**
 * Larger files are refused: V8 cannot hold a string of more than 512 MiB, and a run of 5,000 nodes over a day
 * stays under 50 MB.
 */
const fileBytesMax = 500_000_000;

/**
 * Reads and checks a `result.json`.
 *
 * @param path the file, absolute or relative to the working directory
 * @throws HollowmarkError `bad-input` when the file is missing, no file, not text, not JSON, of another schema
 *   version, not of the schema's shape, or holds a histogram that does not decode. The message names the file and
 *   the place in it.
 */
export function readResult(path: string): RunResult {
  return parseResult(readText(path), path);
}

/**
 * As {@link readResult}, for text that is at hand.
 *
 * @param origin named in error messages: a path or an address
 */
export function parseResult(text: string, origin: string): RunResult {
  const value = parseJson(text, origin);
  checkVersion(value, origin);
  const fault = findSchemaFault(value);
  if (fault !== undefined) {
    throw unusable(`${origin}: ${fault.path} ${fault.reason}`, {
      hint: 'The file was changed by hand or cut off. Take the original, or run the scenario again.',
    });
  }
  const result = value as RunResult;
  checkHistograms(result, origin);
  return result;
}

function unusable(message: string, options: { hint: string; cause?: unknown }): HollowmarkError {
  return new HollowmarkError('bad-input', message, options);
}

function readText(path: string): string {
  let bytes: Buffer;
  try {
    const stat = statSync(path);
    if (stat.isDirectory()) {
      throw unusable(`${path} is a folder, not a result file`, {
        hint: `Name the file in it: ${path.replace(/\/+$/, '')}/result.json`,
      });
    }
    if (stat.size > fileBytesMax) {
      throw unusable(`${path} has ${stat.size} bytes; a result has at most ${fileBytesMax}`, {
        hint: 'Give the result.json that a run wrote.',
      });
    }
    bytes = readFileSync(path);
  } catch (cause) {
    if (cause instanceof HollowmarkError) throw cause;
    const missing = (cause as NodeJS.ErrnoException).code === 'ENOENT';
    const hint = missing
      ? 'A run writes it to reports/<run id>/result.json, or to DIR/result.json with --out DIR.'
      : 'Check that you may read the file.';
    const what = missing ? 'there is no such file' : errorMessage(cause);
    throw unusable(`cannot read ${path}: ${what}`, { hint, cause });
  }
  try {
    return new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw unusable(`${path} is not text: it holds bytes that are not UTF-8`, {
      hint: 'Give the result.json that a run wrote, unpacked if it was compressed.',
      cause,
    });
  }
}

function parseJson(text: string, origin: string): unknown {
  if (text.trim() === '') {
    throw unusable(`${origin} is empty`, {
      hint: 'The run did not finish writing it. Run the scenario again.',
    });
  }
  try {
    return JSON.parse(text);
  } catch (cause) {
    throw unusable(`${origin} is not JSON: ${errorMessage(cause)}`, {
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
    throw unusable(`${origin}: $.schema is ${schema}; this version of Hollowmark reads ${resultSchemaId}`, {
      hint: 'Use the version of Hollowmark that wrote the file, or a newer one.',
    });
  }
  const found = schema === undefined ? 'is missing' : `is ${JSON.stringify(schema)}`;
  throw unusable(`${origin} is not a Hollowmark result: $.schema ${found}, not ${resultSchemaId}`, {
    hint: 'Give the result.json that a run wrote.',
  });
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

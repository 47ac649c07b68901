import { readFileSync } from 'node:fs';
import { HollowmarkError } from '../../base/errors.ts';

/** Scenarios have some 2 KB; a file larger than this is something else, and the YAML parser would take seconds. */
const fileBytesMax = 256 * 1024;

/**
 * Reads a scenario file as text.
 * @throws HollowmarkError `bad-input` when it is missing, unreadable, a folder, empty, binary or too large.
 */
export function readScenarioText(path: string): string {
  let bytes: Buffer;
  try {
    bytes = readFileSync(path);
  } catch (cause) {
    throw new HollowmarkError('bad-input', `${path}: ${reasonOf(cause)}`, {
      hint: 'name a scenario file, such as scenarios/quickstart.yaml',
      cause,
    });
  }
  return scenarioText(bytes, path);
}

/** As {@link readScenarioText}, of bytes that were read already; `path` is for messages. */
export function scenarioText(bytes: Uint8Array, path: string): string {
  if (bytes.length > fileBytesMax) {
    throw new HollowmarkError('bad-input', `${path}: larger than ${fileBytesMax} bytes, no scenario file`);
  }
  if (bytes.includes(0)) throw new HollowmarkError('bad-input', `${path}: a binary file, not YAML`);
  let text: string;
  try {
    text = new TextDecoder('utf-8', { fatal: true }).decode(bytes);
  } catch (cause) {
    throw new HollowmarkError('bad-input', `${path}: not UTF-8 text, so not YAML`, { cause });
  }
  if (text.trim() === '') {
    throw new HollowmarkError('bad-input', `${path}: the file is empty`, {
      hint: 'start from a copy of scenarios/quickstart.yaml',
    });
  }
  return text;
}

function reasonOf(cause: unknown): string {
  const code = (cause as NodeJS.ErrnoException).code ?? 'unknown error';
  if (code === 'ENOENT' || code === 'ENOTDIR') return 'there is no such file';
  if (code === 'EISDIR') return 'a folder, not a scenario file';
  if (code === 'EACCES' || code === 'EPERM') return 'no permission to read the file';
  return `the file cannot be read (${code})`;
}

import { HollowmarkError, errorMessage } from '../base/errors.ts';
import { type InputKind, readInputFile } from '../base/input-file.ts';
import { gateSchemaId } from './compare.ts';
import type { GateOutcome } from './gate.ts';
import { faultOf, placeOf } from './schemas.ts';

/** What a gate leaves beside the results that it has judged. */
export const gateFileName = 'gate.json';

const gateFile: InputKind = {
  name: 'gate.json',
  bytesMax: 50_000_000,
  hint: 'judge the run again with `hollowmark gate`, or remove the file',
};

/** What a gate has said, and the file's text. @throws HollowmarkError `bad-input` when the file is none, or is damaged. */
export function readOutcome(file: string): { outcome: GateOutcome; text: string } {
  const text = readInputFile(file, gateFile);
  let document: unknown;
  try {
    document = JSON.parse(text);
  } catch (cause) {
    throw unusable(`${file} is not JSON: ${errorMessage(cause)}`);
  }
  const { schema } = (document ?? {}) as { schema?: unknown };
  if (schema !== gateSchemaId) throw unusable(`${file} is no outcome of a gate of this version`);
  const fault = faultOf('gate-outcome.schema.json', document);
  if (fault !== undefined) throw unusable(`${file}: ${placeOf(fault)} ${fault.reason}`);
  return { outcome: document as GateOutcome, text };
}

function unusable(message: string): HollowmarkError {
  return new HollowmarkError('bad-input', message, { hint: gateFile.hint });
}

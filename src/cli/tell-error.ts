import type { HollowmarkError } from '../base/errors.ts';
import { withoutControls } from '../report/plain-text.ts';

/** What was wrong, where, and what to do, on stderr. */
export function tellError({ message, hint }: HollowmarkError): void {
  // Names and values of files: none may move the cursor.
  process.stderr.write(`hollowmark: ${withoutControls(message)}\n`);
  if (hint !== undefined) process.stderr.write(`  ${withoutControls(hint)}\n`);
}

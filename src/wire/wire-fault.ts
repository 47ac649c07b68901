import { HollowmarkError } from '../base/errors.ts';

/** What came over the wire cannot be read. */
export class WireFault extends HollowmarkError {
  constructor(message: string, cause?: unknown) {
    super('internal', message, { cause });
  }
}

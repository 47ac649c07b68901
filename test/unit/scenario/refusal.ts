import { HollowmarkError } from '../../../src/base/errors.ts';

/** The `bad-input` error that `load` ends in. @throws whatever else it throws, and when it ends well. */
export function refusal(load: () => unknown): HollowmarkError {
  try {
    load();
  } catch (error) {
    if (error instanceof HollowmarkError && error.code === 'bad-input') return error;
    throw error;
  }
  throw new Error('was not refused');
}

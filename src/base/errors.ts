/**
 * The closed set of things that can go wrong, as a user would tell them apart. Each maps to one exit code
 * (`cli/exit-codes.ts`).
 */
export type ErrorCode =
  /** A flag, scenario, result file or environment that cannot be used as given. */
  | 'bad-input'
  /** The control plane could not be obtained, started or reached, or was lost during the run. */
  | 'cluster-unavailable'
  /** The user stopped the run. */
  | 'interrupted'
  /** A fault of Hollowmark's own. */
  | 'internal';

/**
 * The one error class. `message` says what was wrong and where, `hint` what to do about it (a command where
 * there is one). `cause` keeps the original error.
 */
export class HollowmarkError extends Error {
  readonly code: ErrorCode;
  readonly hint: string | undefined;

  constructor(code: ErrorCode, message: string, options: { hint?: string; cause?: unknown } = {}) {
    super(message, options.cause === undefined ? undefined : { cause: options.cause });
    this.name = 'HollowmarkError';
    this.code = code;
    this.hint = options.hint;
  }
}

/** Throws an `internal` error when an invariant does not hold. */
export function assert(condition: boolean, message: string): asserts condition {
  if (!condition) throw new HollowmarkError('internal', `invariant broken: ${message}`);
}

/** The message of anything that was thrown. */
export function errorMessage(error: unknown): string {
  return error instanceof Error ? error.message : String(error);
}

/** The parts of a Kubernetes Status object that a client acts on. */
export type ApiStatus = {
  code: number;
  reason: string;
  message: string;
  /** Of each cause, its reason. */
  causes: string[];
};

/** Reads a Status out of an answer's body; `code` falls back to the HTTP status. Never throws. */
export function readStatus(body: unknown, httpStatus: number): ApiStatus {
  const status = (typeof body === 'object' && body !== null ? body : {}) as {
    code?: number;
    reason?: string;
    message?: string;
    details?: { causes?: { reason?: string }[] };
  };
  return {
    code: typeof status.code === 'number' ? status.code : httpStatus,
    reason: status.reason ?? '',
    message: status.message ?? '',
    causes: status.details?.causes?.map(({ reason }) => reason ?? '') ?? [],
  };
}

/** Why a request has no answer. `unsent` ones never reached the server and may be repeated whatever the verb. */
export class NoAnswerError extends Error {
  readonly unsent: boolean;

  constructor(message: string, unsent: boolean, cause?: unknown) {
    super(message, cause === undefined ? undefined : { cause });
    this.name = 'NoAnswerError';
    this.unsent = unsent;
  }
}

/** The system's code for what is behind an error, `ECONNREFUSED` and the like; empty when there is none. */
export function causeCode(error: unknown): string {
  for (let cause = error; cause instanceof Error; cause = cause.cause) {
    if ('code' in cause && typeof cause.code === 'string') return cause.code;
  }
  return '';
}

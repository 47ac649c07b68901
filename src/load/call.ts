import { type Clock, sleep } from '../base/clock.ts';
import { errorMessage } from '../base/errors.ts';
import { NoAnswerError, readStatus } from '../kube/api-error.ts';
import type { ApiClient, ApiRequest, ApiResponse } from '../kube/client.ts';
import type { CallMetrics } from '../metrics/call-metrics.ts';

/** The part of a client that load needs. */
export type LoadClient = Pick<ApiClient, 'request' | 'codec'>;

/** One thing that load does: a request, and what its answers mean. */
export type LoadRequest = {
  /** For messages: `create Deployment hollow-1/fill-00001`. */
  what: string;
  request: Omit<ApiRequest, 'intendedUs' | 'lastAttempt'>;
  /** `create`: 409 after an answer was lost means that it is there. `delete`: 404 means that it is gone. */
  verb: 'create' | 'update' | 'delete' | 'read';
};

export type CallOutcome =
  | {
      type: 'done';
      response: ApiResponse;
      /** When the attempt that succeeded was handed to the client, and when its answer was there. */
      sentUs: number;
      acceptedUs: number;
      retries: number;
      /** The object was there or gone already, through an attempt whose answer was lost. */
      already: boolean;
    }
  | { type: 'failed'; status: number; message: string; retries: number }
  | { type: 'interrupted' };

export type DoneCall = Extract<CallOutcome, { type: 'done' }>;

/**
 * Attempts in all, as clusterloader2 makes them (steps of its RetryWithExponentialBackOff): with the delays below a
 * request is given up after about 36 s.
 */
export const attemptsMax = 6;
const backoffMsMin = 100;
const backoffFactor = 3;
/** A server that asks for more patience than this is asked again all the same. */
const retryAfterMsMax = 30_000;

/** Statuses that say "not now": too many requests, and the server's own troubles. */
const transientStatuses = new Set([429, 500, 502, 503, 504]);

/**
 * Sends a request until it is done, has failed for good, or {@link attemptsMax} attempts were made. A throttled
 * attempt waits as long as the server asks. Never rejects.
 * @param intendedUs latency counts from here until there is an answer; of attempts after an answer from when they were due.
 * @param raw latencies from the actual send are recorded here.
 */
export async function callUntilDone(
  { client, clock, raw }: { client: LoadClient; clock: Clock; raw: CallMetrics },
  load: LoadRequest,
  intendedUs: number,
  signal: AbortSignal,
): Promise<CallOutcome> {
  let lost = false;
  let attemptDueUs = intendedUs;
  for (let attempt = 1; ; attempt++) {
    if (signal.aborted) return { type: 'interrupted' };
    const sentUs = clock.nowUs();
    const retries = attempt - 1;
    let failure: { status: number; message: string; retryAfterMs: number | undefined };
    try {
      const lastAttempt = attempt >= attemptsMax;
      const response = await client.request({ ...load.request, intendedUs: attemptDueUs, lastAttempt });
      const acceptedUs = clock.nowUs();
      raw.record(load.request.kind, response.status, acceptedUs - sentUs);
      const already = isAlready(load, response.status, lost);
      if (already || (response.status >= 200 && response.status < 300)) {
        return { type: 'done', response, sentUs, acceptedUs, retries, already };
      }
      failure = explain(client, response);
      if (!transientStatuses.has(response.status)) return { type: 'failed', ...pick(failure), retries };
    } catch (error) {
      raw.record(load.request.kind, 0, 0);
      // Whatever is no NoAnswerError is a fault of ours, and repeating would hide it.
      if (!(error instanceof NoAnswerError)) {
        return { type: 'failed', status: 0, message: errorMessage(error), retries };
      }
      lost ||= !error.unsent;
      failure = { status: 0, message: error.message, retryAfterMs: undefined };
    }
    if (attempt >= attemptsMax) return { type: 'failed', ...pick(failure), retries };
    const delayMs = failure.retryAfterMs ?? backoffMsMin * backoffFactor ** (attempt - 1);
    try {
      await sleep(clock, delayMs, signal);
    } catch {
      return { type: 'interrupted' };
    }
    // Who asked has no answer yet: without it, the time that a lost one was waited for would be in no latency.
    if (failure.status !== 0) attemptDueUs = clock.nowUs();
  }
}

/** 409 only counts after a lost answer: otherwise somebody else's object has the name. */
function isAlready(load: LoadRequest, status: number, lost: boolean): boolean {
  if (load.verb === 'delete') return status === 404;
  return load.verb === 'create' && status === 409 && lost;
}

function explain(
  client: LoadClient,
  response: ApiResponse,
): { status: number; message: string; retryAfterMs: number | undefined } {
  let body: unknown;
  try {
    body = client.codec.decode(response.body);
  } catch {
    // Priority and fairness answers 429 in plain text.
    body = undefined;
  }
  const status = readStatus(body, response.status);
  const seconds = response.retryAfterSeconds;
  const text = status.message === '' ? response.body.toString('utf8', 0, 200).trim() : status.message;
  return {
    status: response.status,
    message: `HTTP ${response.status}${status.reason === '' ? '' : ` ${status.reason}`}${text === '' ? '' : `: ${text}`}`,
    retryAfterMs: seconds === undefined ? undefined : Math.min(retryAfterMsMax, seconds * 1000),
  };
}

function pick(failure: { status: number; message: string }): { status: number; message: string } {
  return { status: failure.status, message: failure.message };
}

import { NoAnswerError } from '../../../src/kube/api-error.ts';
import type { ApiRequest, ApiResponse } from '../../../src/kube/client.ts';
import type { LoadClient } from '../../../src/load/call.ts';
import { jsonCodec } from '../../../src/wire/json-codec.ts';
import type { FakeClock } from './fake-clock.ts';

export type Seen = {
  method: string;
  path: string;
  body: unknown;
  atUs: number;
  intendedUs: number | undefined;
  lastAttempt: boolean | undefined;
};

/** What a server does with a request: a status with an object, text, or no answer. */
export type Answer = {
  status: number;
  object?: unknown;
  text?: string;
  retryAfterSeconds?: number;
  /** `lost`: carried out, but the connection broke; `unsent`: never arrived. */
  fail?: 'lost' | 'unsent';
  /** Instead of the server's. */
  latencyMs?: number;
};

/** A client whose server answers what a test says, after `latencyMs` of the fake clock. */
export class FakeServer implements LoadClient {
  readonly codec = jsonCodec;
  readonly seen: Seen[] = [];
  latencyMs = 2;
  inFlight = 0;
  inFlightMax = 0;
  answer: (request: Seen, index: number) => Answer = () => ({ status: 200, object: {} });
  private readonly clock: FakeClock;

  constructor(clock: FakeClock) {
    this.clock = clock;
  }

  request(request: ApiRequest): Promise<ApiResponse> {
    const seen: Seen = {
      method: request.method,
      path: request.path,
      body: request.body === undefined ? undefined : JSON.parse(request.body.toString('utf8')),
      atUs: this.clock.nowUs(),
      intendedUs: request.intendedUs,
      lastAttempt: request.lastAttempt,
    };
    const answer = this.answer(seen, this.seen.push(seen) - 1);
    this.inFlight++;
    this.inFlightMax = Math.max(this.inFlightMax, this.inFlight);
    return new Promise((resolve, reject) => {
      this.clock.timer(answer.latencyMs ?? this.latencyMs, () => {
        this.inFlight--;
        if (answer.fail !== undefined) reject(new NoAnswerError('connection lost', answer.fail === 'unsent'));
        else
          resolve({
            status: answer.status,
            contentType: 'application/json',
            retryAfterSeconds: answer.retryAfterSeconds,
            body: Buffer.from(answer.text ?? JSON.stringify(answer.object ?? {})),
          });
      });
    });
  }
}

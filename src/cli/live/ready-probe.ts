import type { Clock } from '../../base/clock.ts';
import type { ApiClient } from '../../kube/client.ts';
import { callClass } from '../../metrics/call-metrics.ts';

/** As long as a load balancer would wait. */
const timeoutMs = 1_000;

/** What was known before that says nothing of now. */
const ageMsMax = 5_000;

const getReadyz = callClass('GET', 'readyz', '', 'cluster');

/** Whether the API server answers, asked when somebody wants to know and told the next time. */
export class ReadyProbe {
  private readonly client: Pick<ApiClient, 'request'>;
  private readonly clock: Clock;
  private isAsking = false;
  private known: { isReady: boolean; atUs: number } | undefined;

  constructor(client: Pick<ApiClient, 'request'>, clock: Clock) {
    this.client = client;
    this.clock = clock;
  }

  /** What came of asking of late, if anything has; asks again meanwhile. */
  isReady(): boolean | undefined {
    if (!this.isAsking) void this.ask();
    if (this.known === undefined) return undefined;
    return this.clock.nowUs() - this.known.atUs > ageMsMax * 1000 ? undefined : this.known.isReady;
  }

  private async ask(): Promise<void> {
    this.isAsking = true;
    let isReady = false;
    try {
      const { status } = await this.client.request({
        method: 'GET',
        path: '/readyz',
        kind: getReadyz,
        timeoutMs,
      });
      // Who may not ask has been answered all the same.
      isReady = status < 500;
    } catch {
      // Nothing came, which is what is to be known.
    }
    this.known = { isReady, atUs: this.clock.nowUs() };
    this.isAsking = false;
  }
}

import type { Clock } from '../../base/clock.ts';
import type { LiveFeed } from '../../dashboard/live/live-feed.ts';
import type { RunStatus, RunView } from '../../scenario/run-reporter.ts';
import type { Display } from '../display.ts';
import { RunSource } from './run-source.ts';

/** A display that tells the live page too what it is told. */
export class LiveDisplay implements Display {
  private readonly inner: Display;
  private readonly feed: LiveFeed;
  private readonly nodeCount: number;
  private readonly clock: Clock;
  private source: RunSource | undefined;
  private failures: RunView['failures'] = [];
  private failuresTold = 0;

  /** @param nodeCount nodes that there will be */
  constructor(inner: Display, feed: LiveFeed, nodeCount: number, clock: Clock) {
    this.inner = inner;
    this.feed = feed;
    this.nodeCount = nodeCount;
    this.clock = clock;
  }

  step(text: string): void {
    this.inner.step(text);
    this.feed.event('step', text);
  }

  progress(text: string, fraction?: number): void {
    this.inner.progress(text, fraction);
  }

  info(text: string): void {
    this.inner.info(text);
    this.feed.event('info', text);
  }

  warn(text: string): void {
    this.inner.warn(text);
    this.feed.event('warning', text);
  }

  status(status: RunStatus): void {
    this.inner.status(status);
    if (this.source !== undefined) this.source.status = status;
    for (const { where, message } of this.failures.slice(this.failuresTold)) {
      this.failuresTold++;
      this.feed.event('failure', `${where}: ${message}`);
    }
  }

  measuring(view: RunView): void {
    this.inner.measuring?.(view);
    this.failures = view.failures;
    this.source = new RunSource(view, this.nodeCount, this.clock);
    this.feed.source = this.source;
    this.feed.logs(view.cluster.logPaths?.() ?? {});
  }

  close(): void {
    this.inner.close();
  }
}

import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock } from '../../base/clock.ts';
import { errorMessage } from '../../base/errors.ts';
import { packageRoot } from '../../base/package-info.ts';
import type { ComponentEndpoint } from '../../kube/component-endpoint.ts';
import { shownBy } from '../../kube/identity.ts';
import type { Instrument, Told } from '../instrument.ts';
import type { Threshold, WindowSettings } from '../slo.ts';
import type { ScraperCommand, ScraperConfig, ScraperMessage, ToldByComponents } from './messages.ts';

/** The worker's own limit for an answer is 30 s; one that takes longer itself has a fault. */
const answerTimeoutMs = 45_000;

/** What is needed of a worker thread. */
export type ScraperPort = {
  on(event: 'message', listener: (message: ScraperMessage) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  postMessage(command: ScraperCommand): void;
  terminate(): Promise<unknown>;
};

export type ComponentMetricsOptions = {
  components: readonly ComponentEndpoint[];
  thresholds: readonly Threshold[];
  windows: WindowSettings;
  clock: Clock;
  /** Windows that the components' metrics end, as lines of their log. */
  onWindows: (lines: string) => void;
  /** The number of the run's last step, once the load has ended. */
  lastStep: () => number;
  /** Starts the worker; a test has its own. */
  startWorker?: (config: ScraperConfig) => ScraperPort;
};

function startThread(config: ScraperConfig): ScraperPort {
  const entry = join(packageRoot, 'dist/measure/scraper/worker.js');
  return new Worker(entry, { workerData: config, execArgv: [], name: 'scraper' });
}

/**
 * What the components of the control plane tell of themselves. A worker thread asks them when the run begins, at the end of
 * each step of the windows, and when it is over: answers of 2 to 10 MB are read and taken apart there, so that it does not
 * show in what is measured here, where a few kilobytes of lines arrive once a minute.
 */
export class ComponentMetrics implements Instrument {
  private readonly options: ComponentMetricsOptions;
  private worker: ScraperPort | undefined;
  /** Settles what the worker was asked for. */
  private answer: ((message: ScraperMessage | undefined) => void) | undefined;
  private reading: Promise<unknown> = Promise.resolve();
  private isReading = false;
  private stopped = false;
  private told: ToldByComponents | undefined;
  /** Why the worker tells nothing (more). */
  private fault: string | undefined = 'not asked for';

  constructor(options: ComponentMetricsOptions) {
    this.options = options;
  }

  /** Whether the API server told its latencies of the whole run: then they alone are what is judged. */
  get serverIsKnown(): boolean {
    return this.told?.serverIsKnown === true;
  }

  /** The first reading; a component that does not answer does not hold up the run for longer than 30 s. */
  async start(): Promise<void> {
    const { components, thresholds, windows, startWorker = startThread } = this.options;
    if (components.length === 0 || this.stopped) return;
    const targets = components.map(({ component, endpoint, identity }) => ({
      component,
      endpoint,
      shown: shownBy(identity),
    }));
    const worker = startWorker({ targets, thresholds, windows });
    this.worker = worker;
    this.fault = undefined;
    worker.on('message', (message) => this.answer?.(message));
    worker.on('error', (error) => this.lost(errorMessage(error)));
    worker.on('exit', (code) => this.lost(`its thread ended with code ${code}`));
    await this.read(0);
  }

  /** A step of the windows has ended. Left out while the reading before is still under way. */
  step(step: number): void {
    if (!this.isReading) this.reading = this.read(step);
  }

  /** Does not wait for components that have not answered. */
  giveUp(): void {
    this.post({ type: 'give-up' });
  }

  async finish(): Promise<void> {
    await this.reading;
    await this.read(this.options.lastStep());
    const answer = await this.ask({ type: 'tell' });
    if (answer?.type === 'told') this.told = answer.told;
  }

  tell(): Told {
    if (this.told !== undefined) {
      const { slis = [], figures = [], notes = [] } = this.told;
      return { slis, figures, notes };
    }
    return {
      notes: [
        `There are no latencies of the API server itself (${this.fault ?? 'its metrics were not read'}): API calls are judged by what the load generator measured.`,
      ],
    };
  }

  stop(): void {
    this.stopped = true;
    this.lost('the run ended');
    void this.worker?.terminate();
  }

  private async read(step: number): Promise<void> {
    this.isReading = true;
    const shown = this.options.components.map(({ identity }) => shownBy(identity));
    const answer = await this.ask({ type: 'read', step, shown });
    this.isReading = false;
    if (answer?.type !== 'read') return;
    this.options.onWindows(answer.lines);
    for (const index of answer.refused) this.options.components[index]?.identity.refused?.();
  }

  /** @returns undefined when the worker is not there, or no longer. */
  private ask(command: ScraperCommand): Promise<ScraperMessage | undefined> {
    if (this.fault !== undefined) return Promise.resolve(undefined);
    return new Promise((resolve) => {
      const deadline = this.options.clock.timer(answerTimeoutMs, () =>
        this.lost('its thread does not answer'),
      );
      this.answer = (message) => {
        deadline.cancel();
        this.answer = undefined;
        resolve(message);
      };
      this.post(command);
    });
  }

  private post(command: ScraperCommand): void {
    this.worker?.postMessage(command);
  }

  private lost(why: string): void {
    this.fault ??= why;
    this.answer?.(undefined);
  }
}

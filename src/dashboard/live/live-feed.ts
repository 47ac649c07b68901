import { join } from 'node:path';
import { Worker } from 'node:worker_threads';
import type { Clock, TimerHandle } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import { packageRoot } from '../../base/package-info.ts';
import type { LiveCommand, LiveConfig, LiveMessage } from './messages.ts';
import type { LiveAnswer, LiveEnd, LiveEvent, LiveQuestion, LiveSnapshot } from './snapshot.ts';

const intervalMs = 1000;

/** A snapshot that took so long is followed by a pause of a hundred times that: looking on costs 1 % of a core at most. */
const pauseFactor = 100;

/** What a snapshot costs is the least that one of so many took: in the others the thread may have waited for a core. */
const costsKept = 3;

/** Of a kind, in a second: a cluster that breaks says so in a thousand places. */
const eventsPerSecondMax = 20;

/** Answers in a second: each takes up to a millisecond of the thread that measures. */
const answersPerSecondMax = 5;

const textLengthMax = 500;

/** The worker has the modules to load; a machine under load takes its time. */
const startTimeoutMs = 30_000;

/** A message of a line to browsers on this machine; a run that is over does not wait longer for them. */
const farewellTimeoutMs = 1_000;

/** What there is to be shown; asked only while somebody looks. */
export type LiveSource = {
  snapshot(): LiveSnapshot;
  answer(question: LiveQuestion): LiveAnswer;
};

/** What is needed of a worker thread. */
export type LivePort = {
  on(event: 'message', listener: (message: LiveMessage) => void): unknown;
  on(event: 'error', listener: (error: Error) => void): unknown;
  on(event: 'exit', listener: (code: number) => void): unknown;
  postMessage(command: LiveCommand): void;
  terminate(): Promise<unknown>;
};

export type LiveFeedOptions = {
  config: LiveConfig;
  clock: Clock;
  /** The page is gone, and the run goes on. */
  onLost: (why: string) => void;
  /** Starts the worker; a test has its own. */
  startWorker?: (config: LiveConfig) => LivePort;
};

function startThread(config: LiveConfig): LivePort {
  const entry = join(packageRoot, 'dist/dashboard/live/worker.js');
  return new Worker(entry, { workerData: config, execArgv: [], name: 'live' });
}

/**
 * The main thread's end of the live page. A worker thread serves it and holds what browsers have not taken; here a snapshot
 * is made once a second, while somebody looks and the worker has taken the one before. Nothing that a browser does or does
 * not do is waited for, and nothing piles up.
 */
export class LiveFeed {
  /** Set as soon as there is something to show. */
  source: LiveSource | undefined;
  /** What came of the run, for those who look on when it ends. */
  outcome: LiveEnd = null;
  url = '';
  private readonly clock: Clock;
  private readonly worker: LivePort;
  private readonly onLost: (why: string) => void;
  private isWatched = false;
  private isTaken = true;
  private isOver = false;
  private onEnded: () => void = () => {};
  private nextUs = 0;
  private costsMs: number[] = [];
  private timer: TimerHandle | undefined;
  private readonly spent = { second: 0, events: 0, answers: 0 };

  private constructor({ config, clock, onLost, startWorker = startThread }: LiveFeedOptions) {
    this.clock = clock;
    this.onLost = onLost;
    this.worker = startWorker(config);
  }

  /** @throws HollowmarkError `bad-input` when the port is in use. */
  static async start(options: LiveFeedOptions): Promise<LiveFeed> {
    const feed = new LiveFeed(options);
    try {
      feed.url = await feed.served();
    } catch (error) {
      await feed.close();
      throw error;
    }
    return feed;
  }

  event(kind: LiveEvent['kind'], text: string): void {
    if (!this.mayDo('events', eventsPerSecondMax)) return;
    const event = { wallMs: this.clock.wallMs(), kind, text: text.slice(0, textLengthMax) };
    this.post({ type: 'event', event });
  }

  logs(paths: Readonly<Record<string, string>>): void {
    this.post({ type: 'logs', paths });
  }

  /** Tells those who look on that it is over, and ends the page; the thread is gone when it resolves. */
  async close(): Promise<void> {
    if (this.isWatched && !this.isOver) await this.farewell();
    this.isOver = true;
    this.timer?.cancel();
    await this.worker.terminate();
  }

  private farewell(): Promise<void> {
    return new Promise((resolve) => {
      const deadline = this.clock.timer(farewellTimeoutMs, resolve);
      this.onEnded = () => {
        deadline.cancel();
        resolve();
      };
      this.post({ type: 'end', json: JSON.stringify(this.outcome) });
    });
  }

  private served(): Promise<string> {
    return new Promise((resolve, reject) => {
      const refuse = (message: string, hint?: string): void =>
        reject(
          new HollowmarkError('bad-input', `the live page: ${message}`, hint === undefined ? {} : { hint }),
        );
      const deadline = this.clock.timer(startTimeoutMs, () =>
        refuse('its thread did not start', 'leave --live out'),
      );
      this.worker.on('message', (message) => {
        if (message.type === 'serving') {
          deadline.cancel();
          resolve(message.url);
        } else if (message.type === 'refused') {
          deadline.cancel();
          refuse(message.message, message.hint);
        } else this.hear(message);
      });
      const lost = (why: string): void => {
        deadline.cancel();
        refuse(why);
        this.lost(why);
      };
      this.worker.on('error', (error) => lost(errorMessage(error)));
      this.worker.on('exit', (code) => lost(`its thread ended with code ${code}`));
    });
  }

  private hear(message: LiveMessage): void {
    if (message.type === 'audience') {
      this.isWatched = message.isWatched;
      this.timer?.cancel();
      // Pages that are loaded again and again have no more snapshots made than one that stays.
      if (this.isWatched) this.arm();
    } else if (message.type === 'taken') this.isTaken = true;
    else if (message.type === 'ended') this.onEnded();
    else if (message.type === 'ask') this.answer(message.id, message.question);
  }

  private tick(): void {
    if (this.isOver || !this.isWatched) return;
    const beginUs = this.clock.nowUs();
    if (this.isTaken && this.source !== undefined) {
      this.isTaken = false;
      this.post({ type: 'snapshot', json: JSON.stringify(this.source.snapshot()) });
      this.costsMs = [...this.costsMs, (this.clock.nowUs() - beginUs) / 1000].slice(-costsKept);
    }
    const pauseMs = this.costsMs.length === 0 ? 0 : Math.min(...this.costsMs) * pauseFactor;
    this.nextUs = beginUs + Math.max(intervalMs, pauseMs) * 1000;
    this.arm();
  }

  private arm(): void {
    const delayMs = Math.max(0, (this.nextUs - this.clock.nowUs()) / 1000);
    this.timer = this.clock.timer(delayMs, () => this.tick());
  }

  private answer(id: number, question: LiveQuestion): void {
    const { source } = this;
    const mayAnswer = source !== undefined && this.mayDo('answers', answersPerSecondMax);
    this.post({ type: 'answer', id, json: JSON.stringify(mayAnswer ? source.answer(question) : null) });
  }

  private mayDo(what: 'events' | 'answers', perSecondMax: number): boolean {
    const second = Math.floor(this.clock.nowUs() / 1e6);
    if (this.spent.second !== second) Object.assign(this.spent, { second, events: 0, answers: 0 });
    return this.spent[what]++ < perSecondMax;
  }

  private post(command: LiveCommand): void {
    if (!this.isOver) this.worker.postMessage(command);
  }

  private lost(why: string): void {
    if (this.isOver) return;
    this.isOver = true;
    this.timer?.cancel();
    this.onLost(why);
  }
}

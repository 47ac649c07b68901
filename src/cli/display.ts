import { createLogUpdate } from 'log-update';
import { type TimerHandle, systemClock } from '../base/clock.ts';
import type { RunReporter, RunStatus } from '../scenario/run-reporter.ts';

export type DisplayMode = 'live' | 'plain' | 'quiet' | 'json';

/** Where output goes: `run --quiet`, `--json`, a terminal or a file decide between the displays. */
export function displayMode(options: { quiet: boolean; json: boolean }): DisplayMode {
  if (options.json) return 'json';
  if (options.quiet) return 'quiet';
  return process.stderr.isTTY && process.env['TERM'] !== 'dumb' ? 'live' : 'plain';
}

export interface Display extends RunReporter {
  /** Ends the live part of the display; what is written afterwards stays. */
  close(): void;
}

export function createDisplay(mode: DisplayMode): Display {
  switch (mode) {
    case 'live':
      return new LiveDisplay();
    case 'plain':
      return new PlainDisplay();
    case 'quiet':
      return new QuietDisplay();
    case 'json':
      return new JsonDisplay();
  }
}

/** Plain lines say how things stand this often. */
const plainIntervalUs = 5_000_000;

class PlainDisplay implements Display {
  private readonly startUs = systemClock.nowUs();
  private statusUs = 0;
  private phase = '';

  step(text: string): void {
    this.line(text);
  }

  progress(text: string): void {
    const nowUs = systemClock.nowUs();
    if (nowUs - this.statusUs < plainIntervalUs) return;
    this.statusUs = nowUs;
    this.line(`  ${text}`);
  }

  info(text: string): void {
    this.line(text);
  }

  warn(text: string): void {
    this.line(`warning: ${text}`);
  }

  status(status: RunStatus): void {
    const nowUs = systemClock.nowUs();
    if (status.phase === this.phase && nowUs - this.statusUs < plainIntervalUs) return;
    this.phase = status.phase;
    this.statusUs = nowUs;
    this.line(`  ${statusLine(status)}`);
  }

  close(): void {}

  private line(text: string): void {
    const seconds = (systemClock.nowUs() - this.startUs) / 1e6;
    process.stderr.write(`${seconds.toFixed(1).padStart(6)}s  ${text}\n`);
  }
}

class QuietDisplay implements Display {
  step(): void {}
  progress(): void {}
  info(): void {}
  warn(text: string): void {
    process.stderr.write(`warning: ${text}\n`);
  }
  status(): void {}
  close(): void {}
}

/** JSON lines on stdout; the last one carries the outcome (written by the command). */
class JsonDisplay implements Display {
  step(text: string): void {
    this.line({ type: 'step', text });
  }
  progress(text: string, fraction?: number): void {
    this.line({ type: 'progress', text, ...(fraction === undefined ? {} : { fraction }) });
  }
  info(text: string): void {
    this.line({ type: 'info', text });
  }
  warn(text: string): void {
    this.line({ type: 'warning', text });
  }
  status(status: RunStatus): void {
    this.line({ type: 'status', ...status });
  }
  close(): void {}

  private line(value: unknown): void {
    process.stdout.write(`${JSON.stringify(value)}\n`);
  }
}

const tickMs = 250;

const spinner = ['⠋', '⠙', '⠹', '⠸', '⠼', '⠴', '⠦', '⠧', '⠇', '⠏'];

/** The last lines of the terminal, drawn anew; what is finished scrolls up above them. */
class LiveDisplay implements Display {
  private readonly update = createLogUpdate(process.stderr, { showCursor: false });
  private readonly startUs = systemClock.nowUs();
  private stepText = '';
  private progressText = '';
  private fraction: number | undefined;
  private current: RunStatus | undefined;
  private frame = 0;
  private drawnUs = 0;
  private ticking: TimerHandle;

  constructor() {
    // The clock on the screen goes on while nothing is told.
    const tick = (): void => {
      this.ticking = systemClock.timer(tickMs, tick);
      this.draw(false);
    };
    this.ticking = systemClock.timer(tickMs, tick);
  }

  step(text: string): void {
    if (this.stepText !== '') this.keep(`✓ ${this.stepText}`);
    this.stepText = text;
    this.progressText = '';
    this.fraction = undefined;
    this.draw(true);
  }

  progress(text: string, fraction?: number): void {
    this.progressText = text;
    this.fraction = fraction;
    this.draw(false);
  }

  info(text: string): void {
    this.keep(`  ${text}`);
    this.draw(true);
  }

  warn(text: string): void {
    this.keep(`! ${text}`);
    this.draw(true);
  }

  status(status: RunStatus): void {
    this.current = status;
    this.draw(false);
  }

  close(): void {
    this.ticking.cancel();
    if (this.stepText !== '') this.keep(`✓ ${this.stepText}`);
    this.stepText = '';
    this.update.clear();
    this.update.done();
  }

  private keep(line: string): void {
    this.update.clear();
    process.stderr.write(`${line}\n`);
  }

  private draw(now: boolean): void {
    // Before the first step there is nothing to wait for, and after the end.
    if (this.stepText === '') return;
    const nowUs = systemClock.nowUs();
    if (!now && nowUs - this.drawnUs < 100_000) return;
    this.drawnUs = nowUs;
    const mark = spinner[this.frame++ % spinner.length] ?? '';
    const seconds = ((nowUs - this.startUs) / 1e6).toFixed(0);
    const lines = [`${mark} ${this.stepText} (${seconds} s)`];
    if (this.current !== undefined) lines.push(...statusLines(this.current));
    else if (this.progressText !== '') {
      lines.push(`  ${this.fraction === undefined ? '' : `${bar(this.fraction)} `}${this.progressText}`);
    }
    this.update(lines.join('\n'));
  }
}

const barWidth = 24;

function bar(fraction: number): string {
  const filled = Math.round(Math.min(1, Math.max(0, fraction)) * barWidth);
  return `${'█'.repeat(filled)}${'░'.repeat(barWidth - filled)}`;
}

function statusLines(status: RunStatus): string[] {
  const pods = Math.max(1, status.podsExpected);
  return [
    `  nodes ${bar(status.nodesReady / Math.max(1, status.nodesRequested))} ${status.nodesReady}/${status.nodesRequested} ready`,
    `  pods  ${bar(status.podsStarted / pods)} ${status.podsStarted}/${status.podsExpected} started, ${status.podsDeleted} deleted`,
    `  ${rateText(status)} · startup p99 ${latencyText(status.podStartupP99Us)} · ${remainingText(status.remainingMs)}`,
  ];
}

function statusLine(status: RunStatus): string {
  return [
    `[${status.phaseIndex + 1}/${status.phaseCount} ${status.phase}]`,
    `nodes ${status.nodesReady}/${status.nodesRequested} ready,`,
    `pods ${status.podsStarted}/${status.podsExpected} started, ${status.podsDeleted} deleted,`,
    `${rateText(status)}, startup p99 ${latencyText(status.podStartupP99Us)}, ${remainingText(status.remainingMs)}`,
  ].join(' ');
}

const rateText = (status: RunStatus): string => `${status.podsPerSecond.toFixed(0)} pods/s`;

const latencyText = (us: number | null): string => (us === null ? '–' : `${(us / 1e6).toFixed(2)} s`);

const remainingText = (ms: number | null): string =>
  ms === null ? 'time left unknown' : `about ${Math.ceil(ms / 1000)} s left`;

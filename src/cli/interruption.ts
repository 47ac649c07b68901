import { systemClock } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { leadsSession } from '../journal/process-identity.ts';
import { exitCodes } from './exit-codes.ts';

/** Signals closer together than this are one: nobody presses Ctrl-C twice as fast. */
const repeatUs = 500_000;

const parentIntervalMs = 1_000;

/**
 * Turns signals, and the end of whoever started this process, into one AbortSignal: the first asks for an orderly end,
 * the second ends the process at once (the journal and its guardian then take away what it has made).
 */
export class Interruption {
  private readonly controller = new AbortController();
  /** Set by a command that has something to end in order; without one the first signal ends the process. */
  private onFirst: ((signal: string) => void) | undefined;
  private firstUs = 0;
  /** The exit code that the first signal calls for; that of SIGINT before any came. */
  exitCode: number = exitCodes.interrupted;

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  /** Takes over SIGINT, SIGHUP and SIGTERM, and watches the parent. Called once, by the program's entry. */
  listen(): void {
    process.on('SIGINT', () => this.received('SIGINT', exitCodes.interrupted));
    process.on('SIGHUP', () => this.received('SIGHUP', exitCodes.interrupted));
    process.on('SIGTERM', () => this.received('SIGTERM', exitCodes.terminated));
    this.watchParent();
  }

  /** @param onFirst tells the user that the end has begun. */
  handle(onFirst: (signal: string) => void): void {
    this.onFirst = onFirst;
  }

  /**
   * Without its parent (a closed terminal, an `npm` that was killed, a CI job that was cancelled) nobody can end this
   * process. One that init has started, or that leads a session of its own (`setsid`), is meant to stay.
   */
  private watchParent(): void {
    const parent = process.ppid;
    if (parent <= 1 || leadsSession(process.pid)) return;
    const look = (): void => {
      if (process.ppid === parent) systemClock.timer(parentIntervalMs, look);
      // A terminal that is closed sends SIGHUP as well: that is not a second one.
      else if (!this.controller.signal.aborted)
        this.received('end of the parent process', exitCodes.interrupted);
    };
    systemClock.timer(parentIntervalMs, look);
  }

  private received(signal: string, exitCode: number): void {
    if (this.controller.signal.aborted) {
      // A terminal and npm may both hand on the same Ctrl-C.
      if (systemClock.nowUs() - this.firstUs < repeatUs) return;
      process.exit(this.exitCode);
    }
    this.firstUs = systemClock.nowUs();
    this.exitCode = exitCode;
    if (this.onFirst === undefined) process.exit(exitCode);
    this.onFirst(signal);
    this.controller.abort(new HollowmarkError('interrupted', `interrupted by ${signal}`));
  }
}

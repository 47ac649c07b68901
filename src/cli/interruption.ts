import { systemClock } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { exitCodes } from './exit-codes.ts';

/** Signals closer together than this are one: nobody presses Ctrl-C twice as fast. */
const repeatUs = 500_000;

/**
 * Turns signals into one AbortSignal: the first asks for an orderly end, the second ends the process at once (the control
 * plane's guardian and the fleet's IPC channel then take the child processes down).
 */
export class Interruption {
  private readonly controller = new AbortController();
  private readonly onFirst: (signal: string) => void;
  private firstUs = 0;
  /** The exit code that the first signal calls for; that of SIGINT before any came. */
  exitCode: number = exitCodes.interrupted;

  constructor(onFirst: (signal: string) => void) {
    this.onFirst = onFirst;
    process.on('SIGINT', () => this.received('SIGINT', exitCodes.interrupted));
    process.on('SIGHUP', () => this.received('SIGHUP', exitCodes.interrupted));
    process.on('SIGTERM', () => this.received('SIGTERM', exitCodes.terminated));
  }

  get signal(): AbortSignal {
    return this.controller.signal;
  }

  private received(signal: string, exitCode: number): void {
    if (this.controller.signal.aborted) {
      // A terminal and npm may both hand on the same Ctrl-C.
      if (systemClock.nowUs() - this.firstUs < repeatUs) return;
      process.exit(this.exitCode);
    }
    this.firstUs = systemClock.nowUs();
    this.exitCode = exitCode;
    this.onFirst(signal);
    this.controller.abort(new HollowmarkError('interrupted', `interrupted by ${signal}`));
  }
}

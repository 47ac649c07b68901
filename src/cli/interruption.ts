import { HollowmarkError } from '../base/errors.ts';
import { exitCodes } from './exit-codes.ts';

/**
 * Turns signals into one AbortSignal: the first asks for an orderly end, the second ends the process at once (the control
 * plane's guardian and the fleet's IPC channel then take the child processes down).
 */
export class Interruption {
  private readonly controller = new AbortController();
  private readonly onFirst: (signal: string) => void;
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
    if (this.controller.signal.aborted) process.exit(this.exitCode);
    this.exitCode = exitCode;
    this.onFirst(signal);
    this.controller.abort(new HollowmarkError('interrupted', `interrupted by ${signal}`));
  }
}

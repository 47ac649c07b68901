import type { Interruption } from './interruption.ts';

/** What main hands to a command: a place for its exit code, and the signals. */
export class CommandContext {
  private readonly signals: Interruption;
  private outcome: Promise<number> | undefined;

  constructor(signals: Interruption) {
    this.signals = signals;
  }

  /** The command's work, which ends in an exit code; main waits for it. */
  finish(outcome: Promise<number>): void {
    this.outcome = outcome;
  }

  /**
   * From now on the first signal no longer ends the process, but aborts: the command ends in order.
   * `onFirst` tells the user that the end has begun.
   */
  interruption(onFirst: (signal: string) => void): Interruption {
    this.signals.handle(onFirst);
    return this.signals;
  }

  /** The exit code that an interruption calls for. */
  get interruptedExitCode(): number {
    return this.signals.exitCode;
  }

  exitCode(): Promise<number> {
    return this.outcome ?? Promise.resolve(0);
  }
}

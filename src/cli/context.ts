import { Interruption } from './interruption.ts';

/** What main hands to a command: a place for its exit code, and the signals. */
export class CommandContext {
  private outcome: Promise<number> | undefined;
  private installed: Interruption | undefined;

  /** The command's work, which ends in an exit code; main waits for it. */
  finish(outcome: Promise<number>): void {
    this.outcome = outcome;
  }

  /** Takes over SIGINT, SIGTERM and SIGHUP. `onFirst` tells the user that the end has begun. */
  interruption(onFirst: (signal: string) => void): Interruption {
    this.installed = new Interruption(onFirst);
    return this.installed;
  }

  /** The exit code that an interruption calls for. */
  get interruptedExitCode(): number {
    return this.installed?.exitCode ?? 130;
  }

  exitCode(): Promise<number> {
    return this.outcome ?? Promise.resolve(0);
  }
}

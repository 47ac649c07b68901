import { systemClock } from '../base/clock.ts';
import { Journal } from '../journal/journal.ts';
import { type ForeignLeftover, sweepLeftovers } from '../journal/sweep.ts';
import type { CommandContext } from './context.ts';
import { type Display, createDisplay, displayMode } from './display.ts';
import type { Interruption } from './interruption.ts';
import { newRunId } from './options.ts';

/** What a command that makes things has around it. */
export type Session = {
  runId: string;
  journal: Journal;
  /** Runs of this machine that were killed on clusters of others. */
  leftovers: readonly ForeignLeftover[];
  display: Display;
  interruption: Interruption;
};

export type SessionOptions = {
  /** The run's id has it in it. */
  name: string;
  quiet: boolean;
  json: boolean;
  /** Worth saying first. */
  warnings?: readonly string[];
  /** What is said when a signal asks for the end. */
  onSignal: string;
};

/**
 * Takes away what killed runs have left on this machine, opens a journal, does the work, and closes all again, whatever
 * comes of it.
 * @returns what `work` gives.
 */
export async function inSession<T>(
  context: CommandContext,
  options: SessionOptions,
  work: (session: Session) => Promise<T>,
): Promise<T> {
  const display = createDisplay(displayMode(options));
  const interruption = context.interruption((signal) => display.warn(`${signal}: ${options.onSignal}`));
  try {
    for (const warning of options.warnings ?? []) display.warn(warning);
    const leftovers = await sweepLeftovers({ clock: systemClock, reporter: display });
    const runId = newRunId(options.name);
    const journal = Journal.open(runId);
    try {
      return await work({ runId, journal, leftovers, display, interruption });
    } finally {
      await journal.close(display);
    }
  } finally {
    display.close();
  }
}

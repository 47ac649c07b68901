import type { Argv } from 'yargs';
import { systemClock } from '../../base/clock.ts';
import { LiveFeed } from '../../dashboard/live/live-feed.ts';
import { portNumber } from '../options.ts';
import type { Session } from '../session.ts';
import { usageError } from '../usage.ts';
import { LiveDisplay } from './live-display.ts';

/** Who else may see a run decides a tunnel or a proxy of the user's, not a flag. */
const host = '127.0.0.1';

export type LiveFlags = { live: boolean; livePort: number | undefined };

/** Flags of commands that can be looked at while they go on. */
export function liveOptions<T>(yargs: Argv<T>): Argv<T & LiveFlags> {
  return yargs
    .option('live', {
      type: 'boolean',
      default: false,
      describe: 'Serve a page on this machine that shows how things stand',
    })
    .option('live-port', {
      type: 'number',
      defaultDescription: 'any that is free',
      describe: 'Port of that page',
      requiresArg: true,
    }) as unknown as Argv<T & LiveFlags>;
}

/**
 * Does the work with a live page beside it where one is asked for; the page ends with it.
 * @param work is given the feed, and a session whose display tells the page too
 */
export async function withLive<T>(
  { live, livePort, quiet, json }: LiveFlags & { quiet: boolean; json: boolean },
  nodeCount: number,
  session: Session,
  work: (session: Session, feed: LiveFeed | undefined) => Promise<T>,
): Promise<T> {
  if (!live && livePort !== undefined) throw usageError('--live-port is for --live');
  if (!live) return work(session, undefined);
  const { display, runId } = session;
  const feed = await LiveFeed.start({
    config: { host, port: portNumber('--live-port', livePort ?? 0), title: runId },
    clock: systemClock,
    onLost: (why) => display.warn(`the live page is gone, the run goes on: ${why}`),
  });
  try {
    if (json) process.stdout.write(`${JSON.stringify({ type: 'live', url: feed.url })}\n`);
    else if (quiet) process.stderr.write(`live page: ${feed.url}\n`);
    else display.info(`Live page: ${feed.url}`);
    const told = new LiveDisplay(display, feed, nodeCount, systemClock);
    return await work({ ...session, display: told }, feed);
  } finally {
    await feed.close();
  }
}

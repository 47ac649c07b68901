import { createHash } from 'node:crypto';
import { existsSync, statSync } from 'node:fs';
import { join, resolve } from 'node:path';
import type { Argv, CommandModule } from 'yargs';
import { aborted } from '../../base/aborted.ts';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import { cacheRoot } from '../../control-plane/sources/cache.ts';
import { HistoryPages } from '../../dashboard/history/history-pages.ts';
import { RunIndex } from '../../dashboard/history/run-index.ts';
import { startServer } from '../../dashboard/http/server.ts';
import type { CommandContext } from '../context.ts';
import { portNumber } from '../options.ts';

/** Below the ephemeral range, and of no service that is known. */
const usualPort = 8470;

type ServeFlags = { reports: string; host: string; port: number; json: boolean };

/** `serve`: the runs of a folder as pages, until it is interrupted. */
export function serveCommand(context: CommandContext): CommandModule<object, ServeFlags> {
  return {
    command: 'serve [reports]',
    describe: 'Show the runs of a folder in a browser: list, trends, comparison',
    builder: (yargs: Argv) =>
      yargs
        .positional('reports', {
          type: 'string',
          default: 'reports',
          describe: 'Folder with the folders of runs',
        })
        .option('host', {
          type: 'string',
          default: '127.0.0.1',
          describe: 'Address to listen on; whoever reaches it can read all reports',
          requiresArg: true,
        })
        .option('port', {
          type: 'number',
          default: usualPort,
          describe: 'Port to listen on; 0: any that is free',
          requiresArg: true,
        })
        .option('json', { type: 'boolean', default: false, describe: 'Say the address as JSON on stdout' })
        .example('$0 serve', 'The runs in reports/, until Ctrl-C')
        .example('$0 serve nightly --port 0', 'Of another folder, on any free port'),
    handler: (flags) => context.finish(serve(flags, context)),
  };
}

async function serve(flags: ServeFlags, context: CommandContext): Promise<number> {
  const port = portNumber('--port', flags.port);
  const root = resolve(flags.reports);
  checkFolder(flags.reports, root);
  const { signal } = context.interruption(() => {});
  const index = new RunIndex({ root, cachePath: cachePathOf(root), clock: systemClock });
  const pages = new HistoryPages(index);
  const onFault = (error: unknown): void => {
    process.stderr.write(`warning: ${errorMessage(error)}\n`);
  };
  const server = await startServer({
    host: flags.host,
    port,
    handle: (request) => pages.handle(request),
    onFault,
  });
  const { url } = server;
  process.stdout.write(
    flags.json ? `${JSON.stringify({ type: 'serving', url, reports: root })}\n` : `${url}\n`,
  );
  // What is new is being read by the time that somebody opens the page.
  index.refresh().catch(onFault);
  await aborted(signal).catch(() => {});
  await Promise.all([index.stop(), server.close()]);
  return context.interruptedExitCode;
}

function checkFolder(given: string, root: string): void {
  if (existsSync(root) && statSync(root).isDirectory()) return;
  throw new HollowmarkError('bad-input', `${given}: there is no such folder`, {
    hint: 'give the folder that runs write their reports to: reports, where `hollowmark run` was called',
  });
}

/** Undefined for a user without a home folder: then all is read anew at each start. */
function cachePathOf(root: string): string | undefined {
  const name = createHash('sha256').update(root).digest('hex').slice(0, 16);
  try {
    return join(cacheRoot(process.env, 'history'), `${name}.json`);
  } catch {
    return undefined;
  }
}

import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { HollowmarkError, errorMessage } from '../../base/errors.ts';
import { startServer } from '../http/server.ts';
import { LivePages } from './live-pages.ts';
import type { LiveCommand, LiveConfig, LiveMessage } from './messages.ts';

/** Below everything that a run consists of: who looks on waits. */
const niceness = 10;

async function main(port: MessagePort): Promise<void> {
  // Linux has a niceness for each thread; elsewhere this would be the whole process's.
  if (process.platform === 'linux') setPriority(niceness);
  const { host, port: asked, title } = workerData as LiveConfig;
  const post = (message: LiveMessage): void => port.postMessage(message);
  const pages = new LivePages({ title, clock: systemClock, post });
  port.on('message', (command: LiveCommand) => pages.obey(command));
  try {
    const server = await startServer({
      host,
      port: asked,
      handle: (request) => pages.handle(request),
      // The page says that it failed; a run's terminal is not the place for it.
      onFault: () => {},
    });
    post({ type: 'serving', url: server.url });
  } catch (error) {
    const hint = error instanceof HollowmarkError ? error.hint : undefined;
    post({ type: 'refused', message: errorMessage(error), hint });
  }
}

if (parentPort !== null) void main(parentPort);

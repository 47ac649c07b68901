import { setFlagsFromString } from 'node:v8';
import { MessageChannel, type MessagePort } from 'node:worker_threads';
import { Piscina } from 'piscina';
import { errorMessage } from '../base/errors.ts';
import type { FleetCommand, FleetMessage, ShardCommand, ShardConfig, ShardReport } from './messages.ts';
import { collectionFlags } from './v8-flags.ts';

/**
 * The fleet's own process: a Piscina pool with one worker thread a shard. Apart from the conductor's process so that the
 * simulated side can run at a lower priority than the measuring side, and so that its memory and CPU can be told apart.
 * It lives no longer than its parent: when the IPC channel closes it exits.
 */
/**
 * Room for short-lived objects in a worker. Requests and their answers die young when there is enough of it: with V8's
 * own 48 MB a fifth of the fleet's CPU went into copying them (measured at 60 pods a second on a busy machine). 128 MB
 * saved little more and showed in the memory of a large fleet.
 */
const youngGenerationMb = 64;

function send(message: FleetMessage): void {
  if (process.connected) process.send?.(message);
}

async function runShards(shards: ShardConfig[], ports: MessagePort[]): Promise<void> {
  const pool = new Piscina({
    filename: new URL('shard-worker.js', import.meta.url).href,
    minThreads: shards.length,
    maxThreads: shards.length,
    concurrentTasksPerWorker: 1,
    resourceLimits: { maxYoungGenerationSizeMb: youngGenerationMb },
  });
  // A worker that dies does not end its task's promise in every case: the pool's own error does.
  pool.on('error', (error) => send({ type: 'failed', shard: -1, message: errorMessage(error) }));
  const tasks = shards.map(async (config) => {
    const { port1, port2 } = new MessageChannel();
    ports.push(port1);
    port1.on('message', (report: ShardReport) => send(report));
    try {
      await pool.run({ config, port: port2 }, { transferList: [port2] });
    } catch (error) {
      send({ type: 'failed', shard: config.shard, message: errorMessage(error) });
    }
    // Keep the port open until its last message has been handed over.
    await new Promise((resolve) => setImmediate(resolve));
    port1.close();
  });
  await Promise.all(tasks);
  await pool.destroy();
}

function main(): void {
  for (const flag of collectionFlags) setFlagsFromString(flag);
  const ports: MessagePort[] = [];
  process.on('disconnect', () => process.exit(0));
  // The conductor decides when to stop: a service manager sends its signals to every process of a service.
  for (const signal of ['SIGINT', 'SIGTERM', 'SIGHUP'] as const) process.on(signal, () => {});
  process.on('message', (command: FleetCommand) => {
    if (command.type === 'start') {
      runShards(command.shards, ports).then(
        () => process.disconnect(),
        (error: unknown) => send({ type: 'failed', shard: -1, message: errorMessage(error) }),
      );
    } else {
      const forwarded: ShardCommand = command;
      for (const port of ports) port.postMessage(forwarded);
    }
  });
}

main();

import type { MessagePort } from 'node:worker_threads';
import { systemClock } from '../base/clock.ts';
import { LoopDelayRecorder } from '../metrics/loop-delay.ts';
import type { ShardCommand, ShardConfig, ShardReport } from './messages.ts';
import { Shard } from './shard.ts';

/** Reports four times a second at most; statistics, whose encoding costs CPU, every twentieth time. */
const reportIntervalMs = 250;
const statisticsEvery = 20;

/**
 * The one long-lived task of a Piscina worker: runs a shard until it is told to stop. A worker with no task in flight
 * may block in Atomics.wait, which would freeze its sockets; hence one task that does not end.
 */
export default async function runShard(task: { config: ShardConfig; port: MessagePort }): Promise<void> {
  const { config, port } = task;
  const shard = new Shard(config, systemClock);
  const recorder = new LoopDelayRecorder(systemClock);
  let ticks = 0;
  let last = '';
  const report = (complete: boolean): void => {
    const message: ShardReport = shard.report();
    if (complete || ++ticks % statisticsEvery === 0) {
      const { loopDelay, gcPause } = recorder.drain();
      message.statistics = { ...shard.drainStatistics(complete), loopDelay, gcPause };
    }
    const totals = JSON.stringify(message.totals);
    if (message.statistics === undefined && message.startedUids.length === 0 && totals === last) return;
    last = totals;
    port.postMessage(message, [message.startedTimesUs.buffer as ArrayBuffer]);
  };
  await new Promise<void>((resolve, reject) => {
    const tick = (): void => {
      report(false);
      timer = systemClock.timer(reportIntervalMs, tick);
    };
    let timer = systemClock.timer(reportIntervalMs, tick);
    port.on('message', (command: ShardCommand) => {
      if (command.type === 'flush') {
        report(true);
        return;
      }
      if (command.type === 'credentials') {
        shard.updateCredentials(command.credentials);
        return;
      }
      if (command.type === 'fail') {
        shard.fail(command.nodes, command.failure);
        return;
      }
      if (command.type === 'heal') {
        shard.heal(command.nodes);
        return;
      }
      timer.cancel();
      shard.stop();
      report(true);
      resolve();
    });
    shard.start().catch(reject);
  });
  recorder.stop();
  port.close();
}

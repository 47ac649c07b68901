import { setPriority } from 'node:os';
import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { tool } from '../../base/package-info.ts';
import { Prng } from '../../base/prng.ts';
import { ApiClient } from '../../kube/client.ts';
import { HandshakeGate } from '../../kube/handshake-gate.ts';
import { RelayedIdentity } from '../../kube/identity.ts';
import { CallMetrics } from '../../metrics/call-metrics.ts';
import { jsonCodec } from '../../wire/json-codec.ts';
import { type ComponentConnection, ComponentReader } from './component-reader.ts';
import type { ScraperCommand, ScraperConfig, ScraperMessage, ScraperTarget } from './messages.ts';

/**
 * How much lower than load generator and observer this thread is scheduled (nice): below them and the control plane, which
 * it must delay neither, above the fleet, whose shards would starve it.
 */
const niceness = 4;

/** Connections of its own: what it waits for delays nobody, and is not among what is measured. */
function connect(target: ScraperTarget, onRefused: () => void): ComponentConnection {
  const { component, endpoint, shown } = target;
  const identity = new RelayedIdentity(endpoint, shown, onRefused);
  const client = new ApiClient({
    endpoint,
    identity,
    codec: jsonCodec,
    userAgent: `hollowmark-scraper/${tool.version}`,
    clock: systemClock,
    prng: new Prng(`client/scraper/${component}`),
    metrics: new CallMetrics(),
    handshakes: new HandshakeGate(1),
    transportsMax: 1,
  });
  return { client, update: (now) => identity.update(now), close: () => client.close() };
}

function main(port: MessagePort): void {
  // Linux has a niceness for each thread; elsewhere this would be the whole process's.
  if (process.platform === 'linux') setPriority(niceness);
  const reader = new ComponentReader({ config: workerData as ScraperConfig, clock: systemClock, connect });
  const answer = async (command: ScraperCommand): Promise<ScraperMessage | undefined> => {
    switch (command.type) {
      case 'read':
        return { type: 'read', ...(await reader.read(command.step, command.shown)) };
      case 'tell':
        return { type: 'told', told: reader.tell() };
      case 'give-up':
        reader.giveUp();
        return undefined;
    }
  };
  const obey = async (command: ScraperCommand): Promise<void> => {
    const message = await answer(command);
    if (message !== undefined) port.postMessage(message);
  };
  // What is thrown in it ends the thread, which the conductor hears of.
  port.on('message', (command: ScraperCommand) => void obey(command));
}

if (parentPort !== null) main(parentPort);

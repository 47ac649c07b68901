import { type MessagePort, parentPort, workerData } from 'node:worker_threads';
import { systemClock } from '../../base/clock.ts';
import { DelayingProxy } from '../../fidelity/trend/delaying-proxy.ts';
import type { ProxyConfig } from './proxy-thread.ts';

async function serve(port: MessagePort, { targetPort }: ProxyConfig): Promise<void> {
  const proxy = await DelayingProxy.start(targetPort, systemClock);
  port.on('message', (delayMs: number) => proxy.delay(delayMs));
  port.postMessage(proxy.port);
}

// What is thrown in it ends the thread, which its owner hears of.
if (parentPort !== null) void serve(parentPort, workerData as ProxyConfig);

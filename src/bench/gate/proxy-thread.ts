import { Worker } from 'node:worker_threads';
import { HollowmarkError } from '../../base/errors.ts';

export type ProxyConfig = { targetPort: number };

/** A delaying proxy in a thread of its own: the one that measures must not wait for it. */
export class ProxyThread {
  readonly port: number;
  private readonly worker: Worker;

  private constructor(worker: Worker, port: number) {
    this.worker = worker;
    this.port = port;
  }

  static async start(config: ProxyConfig): Promise<ProxyThread> {
    const entry = new URL('./proxy-worker.js', import.meta.url);
    const worker = new Worker(entry, { workerData: config, execArgv: [], name: 'proxy' });
    const port = await new Promise<number>((resolve, reject) => {
      worker.once('message', resolve);
      worker.once('error', reject);
      worker.once('exit', () =>
        reject(new HollowmarkError('internal', 'the thread of the delaying proxy has ended')),
      );
    });
    return new ProxyThread(worker, port);
  }

  /** From now on, in each direction. */
  delay(delayMs: number): void {
    this.worker.postMessage(delayMs);
  }

  async stop(): Promise<void> {
    await this.worker.terminate();
  }
}

import { Session } from 'node:inspector';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/*
 * Loaded before everything else by `--import`, in every thread of the fleet whose memory is measured: when the process gets a
 * SIGUSR2, all of them collect their garbage and give its pages back. Left alone, V8 does so once a process has been calm for
 * 100 s, or when its heap has grown enough: which it is says how large the heap was before, not what nodes and pods take.
 */
const session = new Session();
session.connect();
/** What V8 does when memory is low; `gc()` collects as well but keeps the pages. */
const collect = (): void => session.post('HeapProfiler.collectGarbage');
const channel = new BroadcastChannel('hollowmark-bench-collect');
if (isMainThread) {
  process.on('SIGUSR2', () => {
    channel.postMessage('');
    collect();
  });
} else {
  channel.onmessage = collect;
}
channel.unref();

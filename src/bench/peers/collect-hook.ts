import { setFlagsFromString } from 'node:v8';
import { runInNewContext } from 'node:vm';
import { BroadcastChannel, isMainThread } from 'node:worker_threads';

/*
 * Loaded before everything else by `--import`, in every thread of the fleet whose memory is measured: collects the garbage of
 * all of them when the process gets a SIGUSR2. Left alone, V8 does so once a process has been calm for 100 s, or when its
 * heap has grown enough: which it is says how large the heap was before, not what nodes and pods take.
 */
setFlagsFromString('--expose-gc');
const collect = runInNewContext('gc') as () => void;
const channel = new BroadcastChannel('hollowmark-bench-collect');
if (isMainThread) {
  process.on('SIGUSR2', () => {
    channel.postMessage('');
    collect();
  });
} else {
  // Without an argument: with one, such as the event, it would collect the young generation only.
  channel.onmessage = () => collect();
}
channel.unref();

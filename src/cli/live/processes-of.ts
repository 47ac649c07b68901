import type { LiveProcess } from '../../dashboard/live/snapshot.ts';
import { isStopped } from '../../journal/process-identity.ts';
import type { ResourceInterval } from '../../measure/resources.ts';

/**
 * All processes that are known of: those that have used something lately, and the cluster's components, also when they are
 * gone or the system tells nothing of them.
 */
export function processesOf(
  { cpuCores, rssBytes }: ResourceInterval,
  components: Readonly<Record<string, number>>,
): LiveProcess[] {
  const names = new Set([...Object.keys(rssBytes), ...Object.keys(components)]);
  return [...names].map((name) => {
    const pid = components[name];
    const state = pid === undefined ? 'running' : stateOf(pid);
    if (state === 'ended') return { name, state, cpuCores: null, rssBytes: null };
    return { name, state, cpuCores: cpuCores[name] ?? null, rssBytes: rssBytes[name] ?? null };
  });
}

function stateOf(pid: number): LiveProcess['state'] {
  try {
    process.kill(pid, 0);
  } catch {
    return 'ended';
  }
  return isStopped(pid) ? 'stopped' : 'running';
}

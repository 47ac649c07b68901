import { type Clock, sleep } from '../../base/clock.ts';
import { HollowmarkError } from '../../base/errors.ts';
import { NoAnswerError } from '../../kube/api-error.ts';
import { callClass } from '../../metrics/call-metrics.ts';
import type { SideOptions } from '../side.ts';
import type { SideProcesses } from './side-processes.ts';

/** A real node takes 2 s on an idle machine, ten of kubemark 10 s. */
const readyLimitMs = 180_000;
const pollIntervalMs = 250;

const getNode = callClass('GET', 'nodes', '', 'resource');

type NodeObject = {
  status?: { conditions?: { type: string; status: string; lastHeartbeatTime?: string }[] };
};

/**
 * Waits until each node is Ready and has said so itself after `sinceWallMs`: the object of a node that left is Ready for
 * a while all the same.
 * @param sinceWallMs milliseconds since the epoch.
 * @throws HollowmarkError `cluster-unavailable` when a process ends or the limit passes; the signal's reason.
 */
export async function nodesBecomeReady(
  { admin, nodeNames, signal }: Pick<SideOptions, 'admin' | 'nodeNames' | 'signal'>,
  processes: SideProcesses,
  sinceWallMs: number,
  clock: Clock,
): Promise<void> {
  const deadlineUs = clock.nowUs() + readyLimitMs * 1000;
  const waiting = new Set(nodeNames);
  for (;;) {
    for (const name of [...waiting]) {
      if (isReadySince(await readNode(admin, name), sinceWallMs)) waiting.delete(name);
    }
    if (waiting.size === 0) return;
    await processes.requireAll();
    const [name = ''] = waiting;
    if (clock.nowUs() >= deadlineUs) {
      throw new HollowmarkError(
        'cluster-unavailable',
        `node ${name} is not Ready after ${readyLimitMs / 1000} s; the last log lines of its kubelet:\n` +
          (await processes.lastWords(kubeletName(name))),
      );
    }
    await sleep(clock, pollIntervalMs, signal);
  }
}

/** How a node's kubelet is called among the processes of a side. */
export function kubeletName(nodeName: string): string {
  return `kubelet-${nodeName}`;
}

/** @returns undefined when it is not there, or there was no answer. */
async function readNode(admin: SideOptions['admin'], name: string): Promise<NodeObject | undefined> {
  try {
    const { status, body } = await admin.request({
      method: 'GET',
      path: `/api/v1/nodes/${name}`,
      kind: getNode,
      accept: 'application/json',
    });
    return status === 200 ? (JSON.parse(body.toString('utf8')) as NodeObject) : undefined;
  } catch (error) {
    if (error instanceof NoAnswerError) return undefined;
    throw error;
  }
}

/** Kubernetes writes times in whole seconds, cut off. */
export function isReadySince(node: NodeObject | undefined, sinceWallMs: number): boolean {
  const ready = node?.status?.conditions?.find(({ type }) => type === 'Ready');
  const heartbeatMs = Date.parse(ready?.lastHeartbeatTime ?? '');
  return ready?.status === 'True' && heartbeatMs + 1_000 > sinceWallMs;
}

import { sleep } from '../../base/clock.ts';
import type { ProcessSample } from '../../metrics/process-stats.ts';
import { PeerCluster, type PeerOptions, namespaceCount } from './peer-cluster.ts';

/** How long pods that are not Ready are given to become so when all others are; a kubelet needs a few seconds. */
const readyWaitMs = 120_000;

/** Some thousand nodes filled with pods as fast as the control plane goes. */
export type Headline = {
  contender: string;
  nodes: number;
  pods: number;
  nodesReadyMs: number;
  /** From the first Deployment's creation until every pod has been seen with all its containers started. */
  podsStartedMs: number;
  notReadyEvents: number;
  podsNotReady: number;
  /** What those who play the nodes used, and each component of the control plane. */
  nodesUsage: ProcessSample;
  controlPlaneUsage: Record<string, ProcessSample>;
};

export type HeadlineOptions = PeerOptions & {
  podsPerNode: number;
  podsPerDeployment: number;
  /** Pods that are asked for and have not started, at most; more would only queue, and leases with them. */
  startingMax: number;
};

/** Nodes, then pods in Deployments, each of which is created as soon as the control plane has room for it. */
export function measureHeadline(options: HeadlineOptions): Promise<Headline> {
  const { clock, contender, nodes, podsPerDeployment, podsPerNode, startingMax } = options;
  return PeerCluster.with(options, async (peer) => {
    const nodesReadyMs = await peer.startNodes();
    peer.say(`${nodes} nodes Ready after ${(nodesReadyMs / 1000).toFixed(1)} s`);
    await peer.makeNamespaces();
    const pods = nodes * podsPerNode;
    const startUs = clock.nowUs();
    let told = 0;
    const started = (count: number): Promise<void> =>
      peer.until('pods started', () => {
        const seconds = (clock.nowUs() - startUs) / 1e6;
        if (seconds - told >= 30) {
          told = seconds;
          peer.say(`${peer.pods.running} of ${pods} pods after ${seconds.toFixed(0)} s`);
        }
        return peer.pods.running >= count;
      });
    for (let made = 0, index = 0; made < pods; index++) {
      const replicas = Math.min(podsPerDeployment, pods - made);
      made += replicas;
      await started(made - startingMax);
      await peer.startDeployment(1 + (index % namespaceCount), `deployment-${index + 1}`, replicas);
    }
    await started(pods);
    const podsStartedMs = (clock.nowUs() - startUs) / 1000;
    const nodesUsage = peer.usage();
    const controlPlaneUsage = peer.controlPlaneUsage();
    const deadlineUs = clock.nowUs() + readyWaitMs * 1000;
    let podsNotReady = await peer.podsNotReady();
    while (podsNotReady > 0 && clock.nowUs() < deadlineUs) {
      await sleep(clock, 5_000);
      podsNotReady = await peer.podsNotReady();
    }
    const notReadyEvents = await peer.notReadyEvents();
    peer.say(
      `${pods} pods after ${(podsStartedMs / 1000).toFixed(0)} s; ${notReadyEvents} NodeNotReady events, ${podsNotReady} pods not Ready`,
    );
    return {
      contender,
      nodes,
      pods,
      nodesReadyMs,
      podsStartedMs,
      notReadyEvents,
      podsNotReady,
      nodesUsage,
      controlPlaneUsage,
    };
  });
}

/** A Markdown table, one line a contender. */
export function renderHeadline(results: readonly Headline[]): string {
  const components = Object.keys(results[0]?.controlPlaneUsage ?? {});
  const usage = ({ cpuSeconds, rssBytes }: ProcessSample): string =>
    `${cpuSeconds.toFixed(0)} s, ${(rssBytes / 1e9).toFixed(2)} GB`;
  const head = ['', 'nodes Ready', 'pods started', 'NodeNotReady events', 'pods not Ready', 'nodes'];
  const lines = results.map((result) => [
    result.contender,
    `${result.nodes} in ${(result.nodesReadyMs / 1000).toFixed(0)} s`,
    `${result.pods} in ${(result.podsStartedMs / 1000).toFixed(0)} s`,
    String(result.notReadyEvents),
    String(result.podsNotReady),
    usage(result.nodesUsage),
    ...components.map((name) => usage(result.controlPlaneUsage[name] ?? { cpuSeconds: 0, rssBytes: 0 })),
  ]);
  const row = (cells: readonly string[]): string => `| ${cells.join(' | ')} |`;
  const columns = [...head, ...components];
  return `${[row(columns), `|${columns.map(() => '---').join('|')}|`, ...lines.map(row)].join('\n')}\n`;
}

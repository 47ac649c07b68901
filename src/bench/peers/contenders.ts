import { join } from 'node:path';
import { pathToFileURL } from 'node:url';
import { sleep, systemClock } from '../../base/clock.ts';
import { packageRoot } from '../../base/package-info.ts';
import { silentReporter } from '../../base/reporter.ts';
import type { LocalCluster } from '../../cluster/local-cluster.ts';
import { KubemarkNodes } from '../../fidelity/reference/kubemark.ts';
import { KwokNodes } from '../../fidelity/reference/kwok.ts';
import type { NodeSide, SideOptions } from '../../fidelity/side.ts';
import { Fleet } from '../../fleet/fleet.ts';
import type { WireProfileName } from '../../hollow/wire-profile.ts';
import type { ChildRegister } from '../../journal/guardian.ts';
import type { ApiClient } from '../../kube/client.ts';
import { parseScenario } from '../../scenario/load-scenario.ts';
import { nodeConfigs } from '../../scenario/nodes.ts';
import type { WireFormat } from '../../wire/codec.ts';

/** What a contender is given, new for each measurement. */
export type ContenderOptions = {
  cluster: LocalCluster;
  client: ApiClient;
  nodes: number;
  /** A folder of its own, which is there. */
  dir: string;
  children: ChildRegister;
  /** Hears of reference nodes that end by themselves. */
  onLost: (error: Error) => void;
};

/** Makes a process collect its garbage when told to. */
const collectHook = pathToFileURL(join(packageRoot, 'dist/bench/peers/collect-hook.js')).href;

/** A collection of some 200 MB, and the return of its pages to the kernel. */
const collectMs = 5_000;

/** Something that plays nodes, each with room for 110 pods. */
export interface Contender {
  /** Begins to bring the nodes up; whether they are Ready the API server tells. */
  start(): Promise<void>;
  /** Ids of all processes that play nodes: their memory and CPU are what is measured. */
  pids(): number[];
  /** Lets go of garbage, where its collector can be told to; else it has to be taken as it is. */
  collect?(): Promise<void>;
  /** Watches that it holds open now; undefined where it does not tell. */
  watches(): number | undefined;
  stop(): Promise<void>;
}

/** Takes part when asked for: what protobuf is worth in a run. */
export const jsonContender = 'Hollowmark kubelet, JSON';

/** Who can take part, and how many of its nodes stand for one of the others': kubemark's are 143 MB each. */
export const contenders: Readonly<
  Record<string, { make: (options: ContenderOptions) => Contender; nodesShare: number }>
> = {
  'Hollowmark kubelet': { make: (options) => new HollowmarkContender('kubelet', options), nodesShare: 1 },
  'Hollowmark kubemark': { make: (options) => new HollowmarkContender('kubemark', options), nodesShare: 1 },
  [jsonContender]: { make: (options) => new HollowmarkContender('kubelet', options, 'json'), nodesShare: 1 },
  'Hollowmark lite': { make: (options) => new HollowmarkContender('lite', options), nodesShare: 1 },
  KWOK: {
    make: (options) => new SideContender(new KwokNodes(sideOptions(options, 'kwok', false))),
    nodesShare: 1,
  },
  kubemark: {
    make: (options) => new SideContender(new KubemarkNodes(sideOptions(options, 'kubemark', true))),
    nodesShare: 0.01,
  },
};

const scenarioText = 'name: bench\nnodes: {count: 1}\nphases: [{type: steady, duration: 1s}]\n';

/** Hollowmark's own fleet, with proxies. */
class HollowmarkContender implements Contender {
  private readonly profile: WireProfileName;
  private readonly wire: WireFormat;
  private readonly options: ContenderOptions;
  private fleet: Fleet | undefined;

  constructor(profile: WireProfileName, options: ContenderOptions, wire: WireFormat = 'protobuf') {
    this.profile = profile;
    this.wire = wire;
    this.options = options;
  }

  start(): Promise<void> {
    const { cluster, nodes, children } = this.options;
    const { scenario } = parseScenario(scenarioText, 'bench', { nodes, sets: [] });
    const pooled = { type: 'pooled' as const, credentials: { certificate: cluster.controlPlane.admin } };
    const before = process.env['NODE_OPTIONS'];
    process.env['NODE_OPTIONS'] = `${before ?? ''} --import=${collectHook}`;
    this.fleet = new Fleet({
      nodes: nodeConfigs(scenario, cluster.version, 'bench'),
      proxies: true,
      wire: this.wire,
      profile: this.profile,
      seed: 'bench',
      endpoint: cluster.endpoint,
      identities: this.profile === 'lite' ? pooled : cluster.nodeIdentities,
      clock: systemClock,
      onReport: () => {},
    });
    if (before === undefined) delete process.env['NODE_OPTIONS'];
    else process.env['NODE_OPTIONS'] = before;
    children.add('fleet', this.fleet.pid);
    return Promise.resolve();
  }

  pids(): number[] {
    return this.fleet === undefined ? [] : [this.fleet.pid];
  }

  async collect(): Promise<void> {
    if (this.fleet === undefined) return;
    process.kill(this.fleet.pid, 'SIGUSR2');
    await sleep(systemClock, collectMs);
  }

  watches(): number | undefined {
    return this.fleet?.totals().watches;
  }

  async stop(): Promise<void> {
    await this.fleet?.stop();
  }
}

/** Reference nodes. */
class SideContender implements Contender {
  private readonly side: NodeSide & { pids(): Record<string, number> };

  constructor(side: NodeSide & { pids(): Record<string, number> }) {
    this.side = side;
  }

  start(): Promise<void> {
    return this.side.start();
  }

  pids(): number[] {
    return Object.values(this.side.pids());
  }

  watches(): number | undefined {
    return undefined;
  }

  stop(): Promise<void> {
    return this.side.stop();
  }
}

function sideOptions(
  { cluster, client, nodes, dir, children, onLost }: ContenderOptions,
  name: string,
  proxies: boolean,
): SideOptions {
  return {
    endpoint: cluster.endpoint,
    admin: client,
    authority: cluster.controlPlane.clientAuthority,
    version: cluster.version,
    nodeNames: Array.from({ length: nodes }, (_, index) => `${name}-${index + 1}`),
    proxies,
    stateDir: join(dir, name),
    children,
    onLost,
    reporter: silentReporter,
    signal: new AbortController().signal,
  };
}

import { type Clock, sleep } from '../base/clock.ts';
import { HollowmarkError } from '../base/errors.ts';
import { Fleet } from '../fleet/fleet.ts';
import type { NodeConfig } from '../hollow/context.ts';
import type { RuntimeProfile } from '../hollow/runtime/runtime-profile.ts';
import type { WireProfileName } from '../hollow/wire-profile.ts';
import { pauseImage, workImage } from './reference/images.ts';
import type { NodeSide, SideOptions } from './side.ts';
import { absentImage } from './work/objects.ts';

/** What kubemark says that each of its nodes has. */
const kubemarkCapacity = { cpu: '1', memory: '3840Mi', 'ephemeral-storage': '0', pods: '110' };

/** Some machine's, with what a real kubelet says of any. */
const realCapacity = {
  cpu: '8',
  memory: '32Gi',
  'ephemeral-storage': '100Gi',
  'hugepages-1Gi': '0',
  'hugepages-2Mi': '0',
  pods: '110',
};

const readyTimeoutMs = 120_000;
const pollMs = 50;

/** How hollow nodes do as those do with which they are compared. */
export type HollowSideOptions = {
  profile: WireProfileName;
  /** Undefined: the wire profile's own. */
  runtime: RuntimeProfile | undefined;
  clock: Clock;
};

/** Hollowmark's own nodes, in a process of theirs as in a run. */
export class HollowSide implements NodeSide {
  readonly kind = 'hollow';
  private readonly options: SideOptions;
  private readonly clock: Clock;
  private readonly profile: WireProfileName;
  private readonly runtime: RuntimeProfile | undefined;
  private fleet: Fleet | undefined;

  constructor(options: SideOptions, { profile, runtime, clock }: HollowSideOptions) {
    this.options = options;
    this.profile = profile;
    this.runtime = runtime;
    this.clock = clock;
  }

  async start(): Promise<void> {
    const { nodeNames, endpoint, authority, proxies, children } = this.options;
    const fleet = new Fleet({
      nodes: nodeNames.map((name, index) => this.nodeConfig(name, index)),
      runtimes: {
        profiles: this.runtime === undefined ? {} : { [this.runtime.name]: this.runtime },
        images: { [absentImage]: { fails: 'Unreachable' } },
        // Kubemark's runtime knows of no image before it is asked for one.
        presentImages: this.profile === 'kubemark' ? [] : [pauseImage, workImage],
      },
      proxies,
      wire: 'protobuf',
      profile: this.profile,
      seed: 'fidelity',
      endpoint,
      identities: { type: 'authority', authority },
      clock: this.clock,
      onReport: () => {},
    });
    children.add('fleet', fleet.pid);
    this.fleet = fleet;
    fleet.died.catch((error: Error) => {
      if (this.fleet === fleet) this.options.onLost(error);
    });
    await Promise.race([this.untilReady(fleet), fleet.died]);
  }

  async leave(): Promise<void> {
    const { fleet } = this;
    if (fleet === undefined) return;
    this.fleet = undefined;
    await fleet.stop();
    this.options.children.remove(fleet.pid);
  }

  return(): Promise<void> {
    return this.start();
  }

  stop(): Promise<void> {
    return this.leave();
  }

  private async untilReady(fleet: Fleet): Promise<void> {
    const { nodeNames, signal } = this.options;
    const deadlineUs = this.clock.nowUs() + readyTimeoutMs * 1000;
    while (fleet.totals().nodesReady < nodeNames.length) {
      if (this.fleet !== fleet) return;
      if (this.clock.nowUs() > deadlineUs) {
        throw new HollowmarkError(
          'cluster-unavailable',
          `${fleet.totals().nodesReady} of ${nodeNames.length} hollow nodes Ready after ${readyTimeoutMs / 1000} s`,
        );
      }
      await sleep(this.clock, pollMs, signal);
    }
  }

  private nodeConfig(name: string, index: number): NodeConfig {
    return {
      name,
      capacity: this.profile === 'kubemark' ? kubemarkCapacity : realCapacity,
      labels: {},
      taints: [],
      address: `100.64.0.${index + 1}`,
      kubeletVersion: this.options.version,
      runtime: this.runtime?.name,
    };
  }
}

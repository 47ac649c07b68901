import type { Prng } from '../../base/prng.ts';
import type { ApiClient } from '../../kube/client.ts';
import type { ClientIdentity } from '../../kube/identity.ts';
import { Reflector, type WatchSpec } from '../../kube/reflector.ts';
import { callClass } from '../../metrics/call-metrics.ts';
import { type NodeConfig, labelled, microTimestamp } from '../context.ts';
import { type ShardEnvironment, clientOf } from '../environment.ts';
import { eventSuffix } from '../event-recorder.ts';

const createEvent = callClass('POST', 'events', '', 'resource');

/** kube-proxy's watches (kubelet-wire.md): informers, so 5 to 10 minutes each. */
const watches: Record<string, (node: string) => Omit<WatchSpec, 'timeoutSecondsMin' | 'sendsTimeout'>> = {
  servicecidrs: () => ({ path: '/apis/networking.k8s.io/v1/servicecidrs', selector: '' }),
  services: () => ({
    path: '/api/v1/services',
    selector:
      'fieldSelector=spec.clusterIP%21%3DNone&labelSelector=%21service.kubernetes.io%2Fservice-proxy-name',
  }),
  endpointslices: () => ({
    path: '/apis/discovery.k8s.io/v1/endpointslices',
    selector: 'labelSelector=%21service.kubernetes.io%2Fheadless',
  }),
  nodes: (node) => ({ path: '/api/v1/nodes', selector: `fieldSelector=metadata.name%3D${node}` }),
};

/**
 * A hollow kube-proxy: its watches and its one `Starting` event, on a connection of its own. It programs no rules; it
 * counts the changes that would have made it do so.
 */
export class HollowProxy {
  private readonly environment: ShardEnvironment;
  private readonly node: NodeConfig;
  private readonly client: ApiClient;
  private readonly reflectors: Reflector[] = [];
  private readonly onReady: () => void;
  private unsynced = Object.keys(watches).length;
  /** Service and endpoint slice changes seen after the first listing. */
  changesSeen = 0;

  /** `onReady` is called once, when all watches have been listed. */
  constructor(
    environment: ShardEnvironment,
    node: NodeConfig,
    identity: ClientIdentity,
    prng: Prng,
    onReady: () => void,
  ) {
    this.onReady = onReady;
    this.environment = environment;
    this.node = node;
    this.client = clientOf(
      environment,
      identity,
      `kube-proxy/${node.kubeletVersion} (linux/amd64) hollowmark`,
      prng,
    );
  }

  get watchCount(): number {
    return this.reflectors.length;
  }

  start(): void {
    this.sendStartingEvent();
    for (const [key, spec] of Object.entries(watches)) {
      const programs = key === 'services' || key === 'endpointslices';
      let synced = false;
      this.reflectors.push(
        new Reflector(
          this.client,
          { ...spec(this.node.name), timeoutSecondsMin: 300, sendsTimeout: true },
          {
            onListing: () => {},
            onSynced: () => {
              if (!synced && --this.unsynced === 0) this.onReady();
              synced = true;
            },
            onEvent: () => {
              if (programs && synced) this.changesSeen++;
            },
            onInterrupted: (reason) => this.environment.observer.onWatchInterrupted(`proxy/${key}`, reason),
          },
        ),
      );
    }
  }

  stop(): void {
    for (const reflector of this.reflectors) reflector.stop();
    this.client.close();
  }

  dropConnections(): void {
    this.client.dropConnections();
  }

  private sendStartingEvent(): void {
    const { clock, codec } = this.environment;
    const { name, objectLabels } = this.node;
    const wallMs = clock.wallMs();
    const us = clock.nowUs();
    const event = {
      kind: 'Event',
      apiVersion: 'events.k8s.io/v1',
      metadata: {
        name: `${name}.${eventSuffix(wallMs, us, 0)}`,
        namespace: 'default',
        ...labelled(objectLabels),
      },
      eventTime: microTimestamp(wallMs, us),
      reportingController: 'kube-proxy',
      reportingInstance: `kube-proxy-${name}`,
      action: 'StartKubeProxy',
      reason: 'Starting',
      regarding: { kind: 'Node', name, uid: name },
      note: '',
      type: 'Normal',
    };
    this.client
      .request({
        method: 'POST',
        path: '/apis/events.k8s.io/v1/namespaces/default/events',
        kind: createEvent,
        body: codec.encode(event),
      })
      .catch(() => {
        // The event is a courtesy: kube-proxy does not repeat it either.
      });
  }
}

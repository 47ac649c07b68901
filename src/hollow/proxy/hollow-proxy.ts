import type { Prng } from '../../base/prng.ts';
import type { ClientIdentity } from '../../kube/identity.ts';
import type { WatchHandler, WatchSpec } from '../../kube/reflector.ts';
import { callClass } from '../../metrics/call-metrics.ts';
import type { RawWatchEvent } from '../../wire/codec.ts';
import { type NodeConfig, labelled, microTimestamp, runtimeOf, userAgent } from '../context.ts';
import { NodeConnections, type ShardEnvironment, type ShardObserver, openWatch } from '../environment.ts';
import { eventName, eventTime } from '../event-recorder.ts';
import { CollectionView, type SharedCollection } from './collection-view.ts';
import { Programmer } from './programmer.ts';
import { type ServiceRecord, type SliceRecord, readEndpointSlice, readService } from './proxied-objects.ts';
import { type Rule, rulesOf } from './rules.ts';
import { ObjectPool, SharedTables } from './shared-table.ts';
import type { OpenWatch } from '../shared-watches.ts';
import type { DeliveryTap } from '../watch-delivery.ts';
import { type WireProfile, wireProfile } from '../wire-profile.ts';

const createEvent = callClass('POST', 'events', '', 'resource');

/** kube-proxy's watches (kubelet-wire.md): informers, so 5 to 10 minutes each. */
const watches: Record<
  'servicecidrs' | 'services' | 'endpointslices' | 'nodes',
  (node: string) => Omit<WatchSpec, 'timeoutSecondsMin' | 'sendsTimeout'>
> = {
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

/** What the proxies of a shard have between them: every object decoded once, every table once. */
export type SharedProxyState = {
  services: SharedCollection<ServiceRecord>;
  slices: SharedCollection<SliceRecord>;
};

export function sharedProxyState(): SharedProxyState {
  return {
    services: { pool: new ObjectPool(readService), tables: new SharedTables() },
    slices: { pool: new ObjectPool(readEndpointSlice), tables: new SharedTables() },
  };
}

type ProxyView = CollectionView<ServiceRecord> | CollectionView<SliceRecord>;

export type ProxyOptions = {
  node: NodeConfig;
  identity: ClientIdentity;
  prng: Prng;
  shared: SharedProxyState;
  /** Called once, when all watches have been listed. */
  onReady: () => void;
  /** A change of endpoints is in place on this node, so many microseconds after what triggered it. */
  onProgrammed: (latencyUs: number) => void;
};

/**
 * A hollow kube-proxy: its watches, its one `Starting` event and its table of rules, on a connection of its own. The
 * table is kept as kube-proxy keeps it, and no rule is made.
 */
export class HollowProxy {
  private readonly environment: ShardEnvironment;
  private readonly options: ProxyOptions;
  readonly connections: NodeConnections;
  private readonly wire: WireProfile;
  private readonly watches: OpenWatch[] = [];
  private readonly services: CollectionView<ServiceRecord>;
  private readonly slices: CollectionView<SliceRecord>;
  private readonly programmer: Programmer;
  /** Watches that have not been listed yet. */
  private readonly unsynced = new Set<string>();
  /** Changes of services and endpoint slices seen after the first listing. */
  changesSeen = 0;

  constructor(environment: ShardEnvironment, options: ProxyOptions) {
    this.environment = environment;
    this.options = options;
    const { node, identity, prng, shared } = options;
    this.wire = wireProfile(node.wireProfile);
    const agent = userAgent(this.wire.proxyAgent, node, environment.runtimes.of(runtimeOf(node)));
    this.connections = new NodeConnections(environment, identity, agent, prng, true);
    this.programmer = new Programmer({
      clock: environment.clock,
      delays: environment.delays,
      seen: () => ({ services: this.services.table, slices: this.slices.table }),
      onProgrammed: options.onProgrammed,
    });
    this.services = new CollectionView(shared.services, (before, after) => {
      if (!this.unsynced.has('services')) this.changesSeen++;
      this.programmer.onService(before, after);
    });
    this.slices = new CollectionView(shared.slices, (before, after) => {
      if (!this.unsynced.has('endpointslices')) this.changesSeen++;
      this.programmer.onSlice(before, after);
    });
  }

  get watchCount(): number {
    return this.watches.length;
  }

  /** What is programmed on the node, by port of a Service; undefined before the first sync. */
  rules(): Map<string, Rule> | undefined {
    const { programmed } = this.programmer;
    return programmed === undefined ? undefined : rulesOf(programmed);
  }

  start(): void {
    if (this.wire.sendsProxyEvent) this.sendStartingEvent();
    this.watch('servicecidrs');
    this.watch('services', this.services);
    this.watch('endpointslices', this.slices);
    if (this.wire.proxyWatchesNode) this.watch('nodes');
  }

  stop(): void {
    this.programmer.stop();
    for (const watch of this.watches) watch.stop();
    this.connections.close();
  }

  /** Opens a watch. Without a `view` its objects do not matter: they are not even decoded. */
  private watch(key: keyof typeof watches, view?: ProxyView): void {
    const { name } = this.options.node;
    this.unsynced.add(key);
    this.watches.push(
      openWatch(
        this.environment,
        this.connections.client,
        name,
        { ...watches[key](name), timeoutSecondsMin: 300, sendsTimeout: true },
        new ProxyWatch(
          key,
          view,
          this.environment.observer,
          this.onSynced,
          key === 'services' ? this.environment.delivery?.tap('proxy', name) : undefined,
        ),
      ),
    );
  }

  private readonly onSynced = (key: string): void => {
    const { unsynced } = this;
    if (!unsynced.delete(key)) return;
    const programs = key === 'services' || key === 'endpointslices';
    if (programs && !unsynced.has('services') && !unsynced.has('endpointslices')) this.programmer.begin();
    if (unsynced.size === 0) this.options.onReady();
  };

  private sendStartingEvent(): void {
    const { clock, codec } = this.environment;
    const { name, objectLabels } = this.options.node;
    const wallMs = clock.wallMs();
    const us = clock.nowUs();
    const event = {
      kind: 'Event',
      apiVersion: 'events.k8s.io/v1',
      metadata: {
        name: eventName(name, eventTime(wallMs, us, 0)),
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
    this.connections.client
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

/** Tells a view what a watch tells. */
class ProxyWatch implements WatchHandler {
  private readonly key: string;
  private readonly view: ProxyView | undefined;
  private readonly observer: ShardObserver;
  private readonly synced: (key: string) => void;
  private readonly tap: DeliveryTap | undefined;

  constructor(
    key: string,
    view: ProxyView | undefined,
    observer: ShardObserver,
    synced: (key: string) => void,
    tap: DeliveryTap | undefined,
  ) {
    this.key = key;
    this.view = view;
    this.observer = observer;
    this.synced = synced;
    this.tap = tap;
  }

  onListing(): void {
    this.view?.onListing();
  }

  onEvent(event: RawWatchEvent): void {
    this.tap?.onEvent(event);
    this.view?.onEvent(event);
  }

  onSynced(): void {
    this.tap?.onSynced();
    this.view?.onSynced();
    this.synced(this.key);
  }

  onInterrupted(reason: string): void {
    this.observer.onWatchInterrupted(`proxy/${this.key}`, reason);
  }

  onFault(error: unknown): void {
    this.observer.onError(error);
  }
}

import type { RequestVerb } from '../kube/client.ts';
import type { WatchSpec } from '../kube/reflector.ts';
import type { CallClass } from '../metrics/call-metrics.ts';
import type { PodStartTimes } from '../metrics/pod-start-times.ts';
import type { RawWatchEvent } from '../wire/codec.ts';
import type { Pressure } from './node-failure.ts';
import type { View } from '../wire/view.ts';
import { claimView, identityView, leaseView, podStatusView, wholeNodeView } from './views.ts';

/**
 * The clients a kubelet has (cmd/kubelet/app/server.go): pods and tokens share one limiter (50 QPS, burst 100),
 * events have another of the same size, lease and node status have none. Watches take no token of any.
 */
export type ClientName = 'api' | 'events' | 'heartbeat';

/** Whom an answer is for, and what it answers. */
export type Tag =
  | { to: 'start-up'; step: 'clear-slices' }
  | { to: 'registration'; step: 'create-node' | 'get-node' }
  | { to: 'csi-node'; step: 'probe' | 'get-node' | 'get' | 'create' }
  | { to: 'lease'; step: 'get' | 'get-node' | 'create' | 'update' }
  | { to: 'node-status'; step: 'get' | 'patch' }
  | { to: 'event' }
  | { to: 'status'; step: 'get' | 'patch' | 'delete'; uid: string }
  | { to: 'token'; uid: string }
  | { to: 'claim'; step: 'claim' | 'volume'; uid: string };

/** What is read of the answer's object; of the others (events, tokens, PATCHes, deletions) nothing is even decoded. */
export function bodyView(tag: Tag): View | undefined {
  switch (tag.to) {
    case 'registration':
      return identityView;
    case 'csi-node':
      return tag.step === 'get-node' ? identityView : undefined;
    case 'lease':
      return tag.step === 'get-node' ? identityView : leaseView;
    case 'status':
      return tag.step === 'get' ? podStatusView : undefined;
    case 'node-status':
      return tag.step === 'get' ? wholeNodeView : undefined;
    case 'claim':
      // Of a volume it is enough that it is there: a claim that is bound has one that is.
      return tag.step === 'claim' ? claimView : undefined;
    case 'start-up':
    case 'event':
    case 'token':
      return undefined;
  }
}

export type KubeletRequest = {
  method: RequestVerb;
  path: string;
  kind: CallClass;
  /** With apiVersion and kind, unless it is a patch. */
  body?: unknown;
  /** PATCH bodies are JSON strategic merge patches under every codec. */
  patch?: boolean;
  timeoutMs?: number;
};

export type TimerName =
  | { of: 'start-up'; step: 'runtime' | 'pods' }
  | { of: 'registration'; step: 'create-node' | 'get-node' }
  | { of: 'csi-node'; step: 'probe' | 'get-node' | 'get' | 'create' }
  | { of: 'lease' }
  | { of: 'node-status'; loop: 'sync' | 'fast' | 'update' }
  | { of: 'status-loops' }
  | { of: 'event-retry' }
  | { of: 'status-sync' }
  | { of: 'token'; uid: string }
  | { of: 'claims' }
  | { of: 'token-refresh' }
  | { of: 'runtime'; generation: number }
  | { of: 'eviction' }
  | { of: 'pod'; uid: string; wake: PodWake; key: number };

/** What a pod's worker is woken for; `key` of the timer says which container, or which of several timers counts. */
export type PodWake = 'volumes' | 'sync' | 'seen' | 'pulled' | 'exit' | 'probe' | 'stopped' | 'cleanup';

/** Keys of a kubelet's watches; ConfigMaps and Secrets have one each by `configmaps/<namespace>/<name>`. */
export type WatchKey = string;

/** What a state machine wants done. The one loop in `hollow-kubelet.ts` does it. */
export type Effect =
  | { type: 'request'; via: ClientName; request: KubeletRequest; tag: Tag }
  | { type: 'watch'; key: WatchKey; spec: WatchSpec }
  | { type: 'unwatch'; key: WatchKey }
  | { type: 'after'; delayMs: number; timer: TimerName }
  /** Nothing of the pod is left on the node: its timers are of no use. */
  | { type: 'pod-gone'; uid: string }
  | { type: 'drop-connections' }
  /** The API server has the node. */
  | { type: 'node-registered' }
  | { type: 'node-ready' }
  | { type: 'pod-started'; started: PodStarted }
  | { type: 'pod-deleted' }
  /** A fault of ours: something threw. */
  | { type: 'failed'; error: unknown };

/** A pod whose start the API server has acknowledged. */
export type PodStarted = { uid: string; times: PodStartTimes };

/** What happens to a kubelet. */
export type KubeletEvent =
  | { type: 'start' }
  /** The node begins to be short of something, until it has evicted so many pods; undefined: it ceases to be. */
  | { type: 'pressure'; condition: Pressure; evictions: number | undefined }
  | { type: 'answer'; tag: Tag; status: number; body: unknown }
  | { type: 'timer'; timer: TimerName }
  | { type: 'listing'; key: WatchKey }
  | { type: 'synced'; key: WatchKey }
  | { type: 'object'; key: WatchKey; change: 'ADDED' | 'MODIFIED' | 'DELETED'; event: ObjectEvent };

/** A watch event's object: its metadata cheaply, or all of it. */
export type ObjectEvent = Pick<RawWatchEvent, 'metadata' | 'object'>;

/** One instant, on both clocks. */
export type Now = { us: number; wallMs: number };

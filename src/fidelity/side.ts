import type { Clock } from '../base/clock.ts';
import type { Reporter } from '../base/reporter.ts';
import type { BinariesOptions } from '../control-plane/control-plane.ts';
import type { ChildRegister } from '../journal/guardian.ts';
import type { ApiClient } from '../kube/client.ts';
import type { SigningAuthority } from '../kube/identity.ts';
import type { Reference } from './references.ts';

/** One kind of nodes, to which the work of a comparison is given. */
export interface NodeSide {
  readonly kind: 'kubelet' | 'kubemark' | 'kwok' | 'hollow';
  /** Starts the nodes; resolves when the API server has had each of them as Ready. */
  start(): Promise<void>;
  /** Ends the nodes' processes at once, without a word to the API server. Their objects stay. */
  leave(): Promise<void>;
  /** The same nodes come back. */
  return(): Promise<void>;
  /** Ends everything and leaves nothing behind. Safe to call twice. */
  stop(): Promise<void>;
}

export type SideOptions = {
  /** Where the nodes find their API server: the recorder's address. */
  endpoint: { url: string; caPem: string };
  /** The administrator's client, past the recorder: asks whether the nodes are Ready. */
  admin: Pick<ApiClient, 'request'>;
  /** Signs the nodes' client certificates. */
  authority: SigningAuthority;
  /** `v1.36.3`. */
  version: string;
  nodeNames: readonly string[];
  proxies: boolean;
  /** A folder of the side's own, not there yet. */
  stateDir: string;
  children: ChildRegister;
  /** Hears of nodes that end by themselves, with their last words. */
  onLost: (error: Error) => void;
  reporter: Reporter;
  signal: AbortSignal;
};

/** A control plane of its own with one kind of nodes, whatever these are given to do. */
export type NodesRunOptions = {
  kind: Reference;
  makeSide: (options: SideOptions) => NodeSide;
  proxies: boolean;
  binaries: Pick<BinariesOptions, 'version' | 'binariesDir' | 'releaseUrl'>;
  /** Not there yet; gone again afterwards. */
  stateDir: string;
  children: ChildRegister;
  clock: Clock;
  reporter: Reporter;
  signal: AbortSignal;
};

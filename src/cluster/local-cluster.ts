import { join } from 'node:path';
import { loopback } from '../control-plane/argv/config.ts';
import type { ControlPlane, ControlPlaneOptions, LocalEndpoint } from '../control-plane/control-plane.ts';
import { startControlPlane } from '../control-plane/start.ts';
import type { ComponentEndpoint } from '../kube/component-endpoint.ts';
import { type ClientCertificate, type ClientIdentity, certificateIdentity } from '../kube/identity.ts';
import type { IdentityPlan } from '../kube/identity-issuer.ts';
import type { Cluster, IdentityMode, OwnPodRanges } from './cluster.ts';
import { givesPodRanges } from './gives-pod-ranges.ts';

/**
 * How much lower than load generator and observer the control plane is scheduled. On two cores it takes all the CPU
 * there is, and who measures it must not wait behind it; see docs/decisions.
 */
const controlPlaneNiceness = 3;

/** A control plane of our own on this machine, which lives as long as the run. */
export class LocalCluster implements Cluster {
  readonly controlPlane: ControlPlane;
  readonly identityMode: IdentityMode;
  readonly foreign = undefined;
  readonly components: readonly ComponentEndpoint[];
  readonly admin: ClientIdentity;
  readonly harnessIdentities: IdentityPlan;
  readonly nodeIdentities: IdentityPlan;

  private constructor(controlPlane: ControlPlane, identityMode: IdentityMode) {
    this.controlPlane = controlPlane;
    this.identityMode = identityMode;
    this.admin = certificateIdentity(controlPlane.endpoint, controlPlane.admin);
    this.components = componentsOf(controlPlane);
    const authority = { type: 'authority' as const, authority: controlPlane.clientAuthority };
    this.harnessIdentities = authority;
    this.nodeIdentities =
      identityMode === 'certificate'
        ? authority
        : { type: identityMode, credentials: { certificate: controlPlane.admin } };
  }

  /** @throws HollowmarkError as `startControlPlane` does; nothing is left behind. */
  static async start(options: ControlPlaneOptions, identityMode: IdentityMode): Promise<LocalCluster> {
    const controlPlane = await startControlPlane({ ...options, niceness: controlPlaneNiceness });
    return new LocalCluster(controlPlane, identityMode);
  }

  get version(): string {
    return this.controlPlane.version;
  }

  get source(): string {
    return this.controlPlane.source;
  }

  get profile(): string {
    return this.controlPlane.profile;
  }

  get argv(): Readonly<Record<string, string[]>> {
    return this.controlPlane.argv;
  }

  get ownPodRanges(): OwnPodRanges | undefined {
    const flags = this.argv['kube-controller-manager'] ?? [];
    return givesPodRanges(flags) ? undefined : { family: 4, afterMs: 0 };
  }

  get endpoint(): ControlPlane['endpoint'] {
    return this.controlPlane.endpoint;
  }

  get kubeconfigPath(): string {
    return this.controlPlane.kubeconfigPath;
  }

  get died(): Promise<never> {
    return this.controlPlane.died;
  }

  /** Certificates of our own authority outlive every run. */
  onCredentials(): void {}

  pids(): Record<string, number> {
    return this.controlPlane.pids();
  }

  logPaths(): Record<string, string> {
    const names = Object.keys(this.pids());
    return Object.fromEntries(names.map((name) => [name, join(this.controlPlane.logDir, `${name}.log`)]));
  }

  /** Everything ends with the cluster. */
  clearLoad(): Promise<void> {
    return Promise.resolve();
  }

  stop(): Promise<void> {
    return this.controlPlane.stop();
  }
}

/**
 * All four. The administrator's requests are exempt from priority and fairness: metrics of a server that turns others away
 * can still be read.
 */
export function componentsOf({ endpoint, etcd, ports, admin }: ControlPlane): ComponentEndpoint[] {
  const of = (component: string, server: LocalEndpoint, client: ClientCertificate): ComponentEndpoint => ({
    component,
    endpoint: server,
    identity: certificateIdentity(server, client),
  });
  const beside = (['kube-scheduler', 'kube-controller-manager'] as const).map((component) =>
    of(component, { ...endpoint, url: `https://${loopback}:${ports[component]}` }, admin),
  );
  return [of('kube-apiserver', endpoint, admin), of('etcd', etcd.endpoint, etcd.client), ...beside];
}

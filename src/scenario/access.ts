import type { Clock } from '../base/clock.ts';
import { tool } from '../base/package-info.ts';
import { Prng } from '../base/prng.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ApiClient } from '../kube/client.ts';
import type { ComponentEndpoint } from '../kube/component-endpoint.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import type { ClientIdentity } from '../kube/identity.ts';
import { IdentityIssuer } from '../kube/identity-issuer.ts';
import { type WorkloadKinds, ensureLoadIdentity, loadSubject, observerSubject } from '../load/identity.ts';
import { createRuntimeClasses } from '../load/runtime-class.ts';
import { loadTransportsMax } from '../load/sender.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import type { Codec } from '../wire/codec.ts';
import { jsonCodec } from '../wire/json-codec.ts';
import { runtimeClasses } from './runtimes.ts';
import type { Scenario } from './scenario.ts';
import { protobufCodec } from '../wire/protobuf-codec.ts';

/** The conductor's clients: each its own identity or connection, so that what one waits for does not delay another. */
export type RunClients = {
  load: ApiClient;
  loadMetrics: CallMetrics;
  observer: ApiClient;
  probe: ApiClient;
  observerMetrics: CallMetrics;
  /** Looks at what the run needs to know, and is not measured itself. */
  scraper: ApiClient;
  /** Watches Jobs, StatefulSets and claims, where there are any. */
  workloads: ApiClient;
  /** Makes one that asks whether the API server is there, and is not measured itself. Whoever takes it closes it. */
  availability: () => ApiClient;
  /** Components that may be asked for their metrics. */
  components: readonly ComponentEndpoint[];
  close(): void;
};

/**
 * Makes what pods refer to before there are any.
 * @throws HollowmarkError `cluster-unavailable` when the API server refuses.
 */
export async function prepareCluster(
  cluster: Cluster,
  scenario: Scenario,
  runId: string,
  clock: Clock,
): Promise<void> {
  const classes = runtimeClasses(scenario);
  if (classes.length === 0) return;
  const admin = new ApiClient({
    endpoint: cluster.endpoint,
    identity: cluster.admin,
    codec: jsonCodec,
    userAgent: `hollowmark-setup/${tool.version}`,
    clock,
    prng: new Prng('client/prepare'),
    metrics: new CallMetrics(),
    handshakes: new HandshakeGate(1),
    transportsMax: 1,
  });
  try {
    await createRuntimeClasses(admin, classes, { runId, confined: cluster.foreign !== undefined });
  } finally {
    admin.close();
  }
}

/**
 * Gives load and observer their identities, and their rights on the cluster.
 * @param workloadKinds what the scenario makes beside Deployments and single pods.
 * @param signal ends it at once: nothing is made after that.
 * @throws HollowmarkError `cluster-unavailable` when the API server refuses, or on abort.
 */
export async function openAccess(
  cluster: Cluster,
  runId: string,
  workloadKinds: WorkloadKinds,
  clock: Clock,
  signal: AbortSignal,
): Promise<RunClients> {
  const { endpoint, harnessIdentities } = cluster;
  const handshakes = new HandshakeGate(4);
  const client = (
    identity: ClientIdentity,
    name: string,
    metrics = new CallMetrics(),
    transportsMax = 2,
    codec: Codec = jsonCodec,
    gate = handshakes,
  ): ApiClient =>
    new ApiClient({
      endpoint,
      identity,
      codec,
      userAgent: `hollowmark-${name}/${tool.version}`,
      clock,
      prng: new Prng(`client/${name}`),
      metrics,
      handshakes: gate,
      transportsMax,
    });
  // A pooled identity has the rights that it has.
  if (harnessIdentities.type !== 'pooled') {
    const admin = client(cluster.admin, 'setup');
    const end = (): void => admin.close();
    signal.addEventListener('abort', end, { once: true });
    try {
      await ensureLoadIdentity(admin, runId, workloadKinds);
    } finally {
      signal.removeEventListener('abort', end);
      admin.close();
    }
    signal.throwIfAborted();
  }
  const issuer = await IdentityIssuer.open(harnessIdentities, endpoint, {
    clock,
    prng: new Prng('client/identities'),
    metrics: new CallMetrics(),
    handshakes,
    userAgent: `hollowmark-setup/${tool.version}`,
  });
  const end = (): void => issuer.close();
  signal.addEventListener('abort', end, { once: true });
  // From the first moment: credentials may be renewed while certificates are waited for.
  cluster.onCredentials((credentials) => issuer.update(credentials));
  try {
    const observerIdentity = await issuer.identityOf(observerSubject);
    const loadIdentity = await issuer.identityOf(loadSubject);
    const loadMetrics = new CallMetrics();
    const observerMetrics = new CallMetrics();
    const load = client(loadIdentity, 'load', loadMetrics, loadTransportsMax);
    // It reads every change of every pod: from protobuf in less than half the time (docs/decisions/protobuf.md).
    const observer = client(observerIdentity, 'observer', observerMetrics, 2, protobufCodec);
    const probe = client(observerIdentity, 'probe', observerMetrics);
    const scraper = client(observerIdentity, 'scraper');
    const workloads = client(observerIdentity, 'workloads', observerMetrics);
    // A server that does not answer must not keep the others waiting for their turn to connect.
    const gate = new HandshakeGate(2);
    return {
      load,
      loadMetrics,
      observer,
      probe,
      observerMetrics,
      scraper,
      workloads,
      availability: () => client(observerIdentity, 'availability', new CallMetrics(), 1, jsonCodec, gate),
      // Of a cluster of others, the API server can be asked by who may read its metrics.
      components:
        cluster.components.length > 0
          ? cluster.components
          : [{ component: 'kube-apiserver', endpoint, identity: observerIdentity }],
      close() {
        for (const each of [load, observer, probe, scraper, workloads, issuer]) each.close();
      },
    };
  } catch (error) {
    issuer.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

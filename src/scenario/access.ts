import type { Clock } from '../base/clock.ts';
import { tool } from '../base/package-info.ts';
import { Prng } from '../base/prng.ts';
import type { Cluster } from '../cluster/cluster.ts';
import { ApiClient } from '../kube/client.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import type { ClientIdentity } from '../kube/identity.ts';
import { IdentityIssuer } from '../kube/identity-issuer.ts';
import { ensureLoadIdentity, loadSubject, observerSubject } from '../load/identity.ts';
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
  /** Reads metrics, and is not measured itself. */
  scraper: ApiClient;
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
 * @param signal ends it at once: nothing is made after that.
 * @throws HollowmarkError `cluster-unavailable` when the API server refuses, or on abort.
 */
export async function openAccess(
  cluster: Cluster,
  runId: string,
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
  ): ApiClient =>
    new ApiClient({
      endpoint,
      identity,
      codec,
      userAgent: `hollowmark-${name}/${tool.version}`,
      clock,
      prng: new Prng(`client/${name}`),
      metrics,
      handshakes,
      transportsMax,
    });
  // A pooled identity has the rights that it has.
  if (harnessIdentities.type !== 'pooled') {
    const admin = client(cluster.admin, 'setup');
    const end = (): void => admin.close();
    signal.addEventListener('abort', end, { once: true });
    try {
      await ensureLoadIdentity(admin, runId);
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
    return {
      load,
      loadMetrics,
      observer,
      probe,
      observerMetrics,
      scraper,
      close() {
        for (const each of [load, observer, probe, scraper, issuer]) each.close();
      },
    };
  } catch (error) {
    issuer.close();
    throw error;
  } finally {
    signal.removeEventListener('abort', end);
  }
}

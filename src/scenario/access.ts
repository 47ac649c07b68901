import type { Clock } from '../base/clock.ts';
import { tool } from '../base/package-info.ts';
import { Prng } from '../base/prng.ts';
import type { ControlPlane } from '../control-plane/control-plane.ts';
import { CertificateIssuer } from '../kube/certificates.ts';
import { ApiClient } from '../kube/client.ts';
import { HandshakeGate } from '../kube/handshake-gate.ts';
import { type ClientCertificate, certificateIdentity } from '../kube/identity.ts';
import { ensureLoadIdentity, loadSubject, observerSubject } from '../load/identity.ts';
import { loadTransportsMax } from '../load/sender.ts';
import { CallMetrics } from '../metrics/call-metrics.ts';
import { jsonCodec } from '../wire/json-codec.ts';

/** Holds the Lease that the observer measures its own lag with; must not be one that the run deletes. */
export const probeNamespace = 'default';

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
 * Gives load and observer their identities and rights on a control plane of our own.
 * @throws HollowmarkError `cluster-unavailable` when the API server refuses.
 */
export async function openAccess(
  controlPlane: ControlPlane,
  runId: string,
  clock: Clock,
): Promise<RunClients> {
  const client = (
    certificate: ClientCertificate,
    name: string,
    metrics: CallMetrics,
    transportsMax = 2,
  ): ApiClient =>
    new ApiClient({
      endpoint: controlPlane.endpoint,
      identity: certificateIdentity(controlPlane.endpoint, certificate),
      codec: jsonCodec,
      userAgent: `hollowmark-${name}/${tool.version}`,
      clock,
      prng: new Prng(`client/${name}`),
      metrics,
      handshakes: new HandshakeGate(4),
      transportsMax,
    });
  const admin = client(controlPlane.admin, 'setup', new CallMetrics());
  try {
    await ensureLoadIdentity(admin, runId, probeNamespace);
  } finally {
    admin.close();
  }
  const issuer = await CertificateIssuer.open(controlPlane.clientAuthority, () => clock.wallMs());
  const observerCertificate = await issuer.issueClient(observerSubject);
  const loadMetrics = new CallMetrics();
  const observerMetrics = new CallMetrics();
  const load = client(await issuer.issueClient(loadSubject), 'load', loadMetrics, loadTransportsMax);
  const observer = client(observerCertificate, 'observer', observerMetrics);
  const probe = client(observerCertificate, 'probe', observerMetrics);
  const scraper = client(observerCertificate, 'scraper', new CallMetrics());
  return {
    load,
    loadMetrics,
    observer,
    probe,
    observerMetrics,
    scraper,
    close() {
      load.close();
      observer.close();
      probe.close();
      scraper.close();
    },
  };
}

import type { ClientCertificate } from '../kube/identity.ts';
import type { LocalEndpoint } from './control-plane.ts';

/**
 * A kubeconfig with everything inline, as JSON: JSON is YAML, so kubectl and client-go read it.
 * @param user a name for the client, shown by `kubectl config`.
 */
export function kubeconfigText(endpoint: LocalEndpoint, user: string, client: ClientCertificate): string {
  const base64 = (text: string): string => Buffer.from(text).toString('base64');
  const kubeconfig = {
    apiVersion: 'v1',
    kind: 'Config',
    clusters: [
      {
        name: 'hollowmark',
        cluster: { server: endpoint.url, 'certificate-authority-data': base64(endpoint.caPem) },
      },
    ],
    users: [
      {
        name: user,
        user: {
          'client-certificate-data': base64(client.certPem),
          'client-key-data': base64(client.keyPem),
        },
      },
    ],
    contexts: [{ name: 'hollowmark', context: { cluster: 'hollowmark', user } }],
    'current-context': 'hollowmark',
  };
  return `${JSON.stringify(kubeconfig, undefined, 2)}\n`;
}

import type { TableEvent } from '../../../../src/hollow/proxy/shared-table.ts';

type Metadata = { uid: string; resourceVersion: string };

/** A Service of one port as the API server shows it. */
export function service(name: string, version: number, changes: object = {}, uid = `svc-${name}`): object {
  return {
    metadata: { uid, resourceVersion: String(version), namespace: 'ns', name },
    spec: {
      type: 'ClusterIP',
      clusterIP: '10.96.0.1',
      ports: [{ name: 'http', protocol: 'TCP', port: 80, targetPort: 8080 }],
      ...changes,
    },
  };
}

export type Endpoint = { address: string; ready?: boolean; serving?: boolean; terminating?: boolean };

/** A slice of the Service `name`; `triggerWallMs` becomes its annotation. */
export function slice(
  name: string,
  version: number,
  endpoints: Endpoint[],
  options: { suffix?: string; triggerWallMs?: number; addressType?: string; ports?: object[] } = {},
): object {
  const { suffix = 'a', triggerWallMs, addressType = 'IPv4' } = options;
  const annotations =
    triggerWallMs === undefined
      ? {}
      : { 'endpoints.kubernetes.io/last-change-trigger-time': new Date(triggerWallMs).toISOString() };
  return {
    metadata: {
      uid: `slice-${name}-${suffix}`,
      resourceVersion: String(version),
      namespace: 'ns',
      name: `${name}-${suffix}`,
      labels: { 'kubernetes.io/service-name': name },
      annotations,
    },
    addressType,
    ports: options.ports ?? [{ name: 'http', protocol: 'TCP', port: 8080 }],
    endpoints: endpoints.map(({ address, ...conditions }) => ({ addresses: [address], conditions })),
  };
}

export function event(type: TableEvent['type'], object: object, resourceVersion?: number): TableEvent {
  const { metadata } = object as { metadata: Metadata };
  return {
    type,
    resourceVersion: String(resourceVersion ?? metadata.resourceVersion),
    metadata: () => ({ uid: metadata.uid, generation: 0, deleting: false }),
    object: () => object,
  };
}

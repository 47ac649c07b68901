/** What a rule is made of, out of a Service: the rest of it does not concern kube-proxy. */
export type ServiceRecord = {
  /** `<namespace>/<name>` */
  key: string;
  clusterIp: string;
  ports: { name: string; protocol: string; port: number }[];
  /** All fields that a rule depends on, as one text: equal texts, equal rules. */
  rules: string;
};

export type EndpointRecord = { address: string; ready: boolean; serving: boolean; terminating: boolean };

/** An EndpointSlice of IPv4 addresses that belongs to a Service. */
export type SliceRecord = {
  /** `<namespace>/<name>` of its Service. */
  service: string;
  ports: { name: string; protocol: string; port: number }[];
  endpoints: EndpointRecord[];
  /** When the change happened that this version came of, milliseconds since the epoch; undefined when it is not told. */
  triggerWallMs: number | undefined;
};

type ObjectMeta = {
  namespace?: string;
  name?: string;
  labels?: Record<string, string>;
  annotations?: Record<string, string>;
};

type Service = {
  metadata?: ObjectMeta;
  spec?: {
    type?: string;
    clusterIP?: string;
    ports?: { name?: string; protocol?: string; port?: number; nodePort?: number }[];
    sessionAffinity?: string;
    sessionAffinityConfig?: unknown;
    externalIPs?: string[];
    externalTrafficPolicy?: string;
    internalTrafficPolicy?: string;
    trafficDistribution?: string;
    healthCheckNodePort?: number;
    loadBalancerSourceRanges?: string[];
  };
  status?: { loadBalancer?: unknown };
};

type EndpointSlice = {
  metadata?: ObjectMeta;
  addressType?: string;
  ports?: { name?: string | null; protocol?: string; port?: number | null }[] | null;
  endpoints?:
    | { addresses?: string[]; conditions?: { ready?: boolean; serving?: boolean; terminating?: boolean } }[]
    | null;
};

const serviceNameLabel = 'kubernetes.io/service-name';
const triggerAnnotation = 'endpoints.kubernetes.io/last-change-trigger-time';

/**
 * Undefined for a Service that kube-proxy leaves alone: without a cluster IP, or of type ExternalName.
 * Source: pkg/proxy/util/utils.go, pkg/proxy/serviceport.go, v1.36.
 */
export function readService(object: unknown): ServiceRecord | undefined {
  const { metadata, spec, status } = object as Service;
  const clusterIp = spec?.clusterIP ?? '';
  if (spec === undefined || clusterIp === '' || clusterIp === 'None' || spec.type === 'ExternalName') {
    return undefined;
  }
  const ports = spec.ports ?? [];
  return {
    key: `${metadata?.namespace}/${metadata?.name}`,
    clusterIp,
    ports: ports.map(({ name = '', protocol = 'TCP', port = 0 }) => ({ name, protocol, port })),
    rules: JSON.stringify([
      clusterIp,
      ports.map(({ name, protocol, port, nodePort }) => [name, protocol, port, nodePort]),
      spec.sessionAffinity,
      spec.sessionAffinityConfig,
      spec.externalIPs,
      spec.externalTrafficPolicy,
      spec.internalTrafficPolicy,
      spec.trafficDistribution,
      spec.healthCheckNodePort,
      spec.loadBalancerSourceRanges,
      status?.loadBalancer,
    ]),
  };
}

/**
 * Undefined for a slice that kube-proxy leaves alone: of another address type than IPv4, or of no Service. Conditions
 * that are not told count as ready, serving, not terminating. Source: pkg/proxy/endpointslicecache.go, v1.36.
 */
export function readEndpointSlice(object: unknown): SliceRecord | undefined {
  const { metadata, addressType, ports, endpoints } = object as EndpointSlice;
  const service = metadata?.labels?.[serviceNameLabel] ?? '';
  if (addressType !== 'IPv4' || service === '') return undefined;
  const triggerWallMs = Date.parse(metadata?.annotations?.[triggerAnnotation] ?? '');
  return {
    service: `${metadata?.namespace}/${service}`,
    // A port without a number stands for all ports, which kube-proxy does not program.
    ports: (ports ?? []).flatMap(({ name, protocol = 'TCP', port }) =>
      port === undefined || port === null || port === 0 ? [] : [{ name: name ?? '', protocol, port }],
    ),
    endpoints: (endpoints ?? []).flatMap(({ addresses, conditions }) => {
      const address = addresses?.[0];
      if (address === undefined) return [];
      const { ready = true, serving = true, terminating = false } = conditions ?? {};
      return [{ address, ready, serving, terminating }];
    }),
    triggerWallMs: Number.isNaN(triggerWallMs) ? undefined : triggerWallMs,
  };
}

import type { EndpointRecord, ServiceRecord, SliceRecord } from './proxied-objects.ts';
import type { Table } from './shared-table.ts';

/** What a proxy has programmed: all Services and endpoint slices at one time. */
export type RuleTable = { services: Table<ServiceRecord>; slices: Table<SliceRecord> };

/** One port of a Service, and where kube-proxy would send its connections: `<address>:<port>`, in order. */
export type Rule = { clusterIp: string; port: number; endpoints: string[] };

/**
 * The rules of a table by `<namespace>/<name>:<port name>/<protocol>`, as kube-proxy has them for traffic from within
 * the cluster: endpoints of all slices of a Service once each, those that are ready; where none is, those that serve
 * while they end. Topology hints and traffic policies are left out.
 * Source: pkg/proxy/endpointslicecache.go and topology.go, v1.36.
 */
export function rulesOf({ services, slices }: RuleTable): Map<string, Rule> {
  const slicesOf = new Map<string, SliceRecord[]>();
  for (const { value } of slices.objects()) {
    if (value === undefined) continue;
    const others = slicesOf.get(value.service);
    if (others === undefined) slicesOf.set(value.service, [value]);
    else others.push(value);
  }
  const rules = new Map<string, Rule>();
  for (const { value } of services.objects()) {
    if (value === undefined) continue;
    const own = slicesOf.get(value.key) ?? [];
    for (const { name, protocol, port } of value.ports) {
      rules.set(`${value.key}:${name}/${protocol}`, {
        clusterIp: value.clusterIp,
        port,
        endpoints: endpointsOf(own, name, protocol),
      });
    }
  }
  return rules;
}

function endpointsOf(slices: readonly SliceRecord[], name: string, protocol: string): string[] {
  const found = new Map<string, EndpointRecord>();
  for (const { ports, endpoints } of slices) {
    for (const port of ports) {
      if (port.name !== name || port.protocol !== protocol) continue;
      for (const endpoint of endpoints) {
        const target = `${endpoint.address}:${port.port}`;
        // A pod that runs comes before one that ends and had the same address.
        if (!endpoint.terminating || !found.has(target)) found.set(target, endpoint);
      }
    }
  }
  const targets = [...found];
  const ready = targets.filter(([, endpoint]) => endpoint.ready);
  const used =
    ready.length > 0 ? ready : targets.filter(([, { serving, terminating }]) => serving && terminating);
  return used.map(([target]) => target).toSorted();
}

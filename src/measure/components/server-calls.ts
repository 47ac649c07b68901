import { apiCallObjective, resourceName } from '../slo.ts';
import type { HistogramSpec, Labels } from './spec.ts';

/** The family that the SLO is defined on: without webhooks and without queueing for priority and fairness. */
export const serverFamily = 'apiserver_request_sli_duration_seconds';

export const serverCallsId = 'api-call-server';

/**
 * Latencies of API calls as the API server tells them. Series that differ in group, version or component only are added
 * up, as clusterloader2 does.
 */
export const serverCalls: HistogramSpec = {
  family: serverFamily,
  id: serverCallsId,
  labels: callOf,
  definition:
    'From receipt of the request until the last byte of the answer, without webhooks and without queueing for priority and fairness; calls of all clients to the API server that is read, streams left out. One SLI for each verb, resource, subresource and scope, where the SLO has (resource, verb) and (resource, scope).',
  resolution:
    'nothing below 50 ms; between two bucket bounds latencies are taken as evenly spread, as Prometheus does; of several API servers behind one address, the one that answers',
  objective: ({ verb = '', resource = '', subresource = '', scope = '' }) =>
    apiCallObjective({ verb, resource, subresource, scope }),
};

function callOf(labels: Labels): Record<string, string> | undefined {
  const text = (label: string): string => labels[label] ?? '';
  // Paths that are no resources: /healthz, /openapi/v3, …
  if (text('resource') === '') return undefined;
  return {
    verb: text('verb'),
    resource: resourceName(text('group'), text('resource')),
    subresource: text('subresource'),
    scope: text('scope'),
  };
}

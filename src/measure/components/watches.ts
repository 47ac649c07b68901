import { resourceName } from '../slo.ts';
import { type ComponentSpec, type Labels, type NumberSpec, summed } from './spec.ts';

/** Until v1.33 these families had no group, and its resource in it: `deployments.apps`. */
function resourceOf(labels: Labels): Record<string, string> {
  const [resource = '', ...group] = (labels['resource'] ?? '').split('.');
  return { resource: resourceName(labels['group'] ?? group.join('.'), resource) };
}

const counter = (family: string, id: string, definition: string): NumberSpec => ({
  family,
  id,
  labels: resourceOf,
  unit: 'count',
  kind: 'increase',
  definition,
});

/** Watchers and watch caches. Source of the families: k8s.io/apiserver pkg/storage/cacher/metrics/metrics.go, v1.36. */
export const watches: ComponentSpec = {
  histograms: [],
  numbers: [
    {
      family: 'apiserver_longrunning_requests',
      id: 'watchers',
      labels: (labels) => (labels['verb'] === 'WATCH' ? resourceOf(labels) : undefined),
      unit: 'count',
      kind: 'largest',
      definition: 'Watches of one resource that are open, of all clients, the largest reading.',
    },
    {
      family: 'apiserver_terminated_watchers_total',
      id: 'terminated-watchers',
      labels: summed,
      unit: 'count',
      kind: 'increase',
      always: true,
      definition: 'Watches that the API server closed over the run because they did not read their events.',
    },
    counter(
      'apiserver_terminated_watchers_total',
      'terminated-watchers',
      'Watches of one resource that the API server closed over the run because they did not read their events.',
    ),
    {
      family: 'watch_cache_capacity',
      id: 'watch-cache-capacity',
      labels: resourceOf,
      unit: 'count',
      kind: 'largest',
      definition: 'Events of one resource for which its watch cache has room, the largest reading.',
    },
    counter(
      'apiserver_watch_cache_initializations_total',
      'watch-cache-initializations',
      'Times that the watch cache of one resource was filled anew over the run.',
    ),
    counter(
      'apiserver_watch_cache_events_received_total',
      'watch-cache-events',
      'Events of one resource that its watch cache received from etcd over the run.',
    ),
    counter(
      'apiserver_watch_cache_events_dispatched_total',
      'watch-cache-events-dispatched',
      'Events of one resource that its watch cache handed on to those that watch it over the run, each event once.',
    ),
  ],
};

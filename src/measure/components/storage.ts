import { type ComponentSpec, only, summed } from './spec.ts';

/** etcd as the API server sees it. Source of the families: k8s.io/apiserver pkg/storage/etcd3/metrics/metrics.go, v1.36. */
export const storage: ComponentSpec = {
  histograms: [
    {
      family: 'etcd_request_duration_seconds',
      id: 'etcd-request',
      labels: only('operation'),
      definition:
        'One request of the API server to etcd, from its send to the answer, whatever it is about; by operation.',
      resolution: 'nothing below 5 ms',
    },
  ],
  numbers: [
    {
      family: 'etcd_request_errors_total',
      id: 'etcd-request-errors',
      labels: only('operation'),
      unit: 'count',
      kind: 'increase',
      definition: 'Requests of the API server to etcd that failed, by operation.',
    },
    {
      family: 'apiserver_storage_size_bytes',
      id: 'storage-size',
      labels: summed,
      unit: 'bytes',
      kind: 'largest',
      definition:
        "Size of etcd's database file as etcd tells the API server, of all etcd clusters together, the largest reading.",
    },
  ],
};

import { type ComponentSpec, only, summed } from './spec.ts';

/**
 * API priority and fairness. What it rejects and delays is a result of a run, not a fault of it.
 * Source of the families: k8s.io/apiserver pkg/util/flowcontrol/metrics/metrics.go, v1.36.
 */
export const flowControl: ComponentSpec = {
  histograms: [
    {
      family: 'apiserver_flowcontrol_request_wait_duration_seconds',
      id: 'priority-level-wait',
      labels: only('priority_level'),
      definition:
        'Time that a request of one priority level waited in its queue, whether it was executed in the end or not; one that did not wait counts as under 5 ms, spread evenly over them.',
      resolution: 'nothing below 5 ms, nothing beyond 30 s',
    },
    {
      family: 'apiserver_flowcontrol_request_execution_seconds',
      id: 'priority-level-execution',
      labels: only('priority_level'),
      definition:
        'Time that a request of one priority level took once it was let through; of a watch, its beginning only.',
      resolution: 'nothing below 5 ms, nothing beyond 30 s',
    },
  ],
  numbers: [
    {
      family: 'apiserver_flowcontrol_rejected_requests_total',
      id: 'priority-level-rejected',
      labels: summed,
      unit: 'count',
      kind: 'increase',
      always: true,
      definition: 'Requests that priority and fairness rejected over the run, of all clients.',
    },
    {
      family: 'apiserver_flowcontrol_rejected_requests_total',
      id: 'priority-level-rejected',
      labels: only('priority_level', 'reason'),
      unit: 'count',
      kind: 'increase',
      definition: 'Requests of one priority level that were rejected over the run, by reason.',
    },
    {
      family: 'apiserver_flowcontrol_dispatched_requests_total',
      id: 'priority-level-dispatched',
      labels: only('priority_level'),
      unit: 'count',
      kind: 'increase',
      definition: 'Requests of one priority level that were let through over the run.',
    },
    {
      family: 'apiserver_flowcontrol_current_inqueue_requests',
      id: 'priority-level-queued',
      labels: only('priority_level'),
      unit: 'count',
      kind: 'largest',
      definition: 'Requests of one priority level that wait in its queues, the largest reading.',
    },
  ],
};

import { type ComponentSpec, only, summed } from './spec.ts';

/** kube-scheduler. Source of the families: k8s.io/kubernetes pkg/scheduler/metrics/metrics.go, v1.36. */
export const scheduler: ComponentSpec = {
  histograms: [
    {
      family: 'scheduler_pod_scheduling_sli_duration_seconds',
      id: 'scheduling',
      labels: summed,
      definition:
        'From the moment a pod enters the scheduling queue until it is bound, over all attempts; time in which scheduling gates hold the pod back is left out.',
      resolution: 'nothing below 10 ms; bucket bounds double',
    },
    {
      family: 'scheduler_scheduling_attempt_duration_seconds',
      id: 'scheduling-attempt',
      labels: only('result'),
      definition:
        'One attempt to schedule a pod, algorithm and binding, without the wait in the queue; by its result.',
      resolution: 'nothing below 1 ms; bucket bounds double',
    },
    {
      family: 'scheduler_framework_extension_point_duration_seconds',
      id: 'scheduling-extension-point',
      labels: only('extension_point'),
      definition:
        'All plugins of one extension point of the scheduling framework for one pod, whatever their status.',
      resolution: 'nothing below 0.1 ms; bucket bounds double, up to 0.2 s',
    },
  ],
  numbers: [
    {
      family: 'scheduler_schedule_attempts_total',
      id: 'scheduling-attempts',
      labels: only('result'),
      unit: 'count',
      kind: 'increase',
      definition: 'Attempts to schedule a pod over the run, by result.',
    },
    {
      family: 'scheduler_schedule_attempts_total',
      id: 'scheduling-throughput',
      labels: ({ result }) => (result === 'scheduled' ? {} : undefined),
      unit: 'per-second',
      kind: 'rate',
      definition: 'Pods scheduled a second, the mean over the run.',
    },
    {
      family: 'scheduler_schedule_attempts_total',
      id: 'scheduling-throughput-busiest',
      labels: ({ result }) => (result === 'scheduled' ? {} : undefined),
      unit: 'per-second',
      kind: 'busiest',
      definition: 'Pods scheduled a second, the mean between the two readings in a row where that was most.',
    },
    {
      family: 'scheduler_queue_incoming_pods_total',
      id: 'scheduling-queue-incoming',
      labels: only('queue', 'event'),
      unit: 'count',
      kind: 'increase',
      definition:
        'Pods put into a queue of the scheduler over the run, by queue and by the event that put them there.',
    },
    {
      family: 'scheduler_pending_pods',
      id: 'scheduling-queue-pending',
      labels: only('queue'),
      unit: 'count',
      kind: 'largest',
      definition: 'Pods in a queue of the scheduler, the largest reading.',
    },
  ],
};

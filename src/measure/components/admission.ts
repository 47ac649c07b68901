import { type ComponentSpec, only } from './spec.ts';

/** Source of the families: k8s.io/apiserver pkg/admission/metrics/metrics.go, v1.36. */
export const admission: ComponentSpec = {
  histograms: [
    {
      family: 'apiserver_admission_step_admission_duration_seconds',
      id: 'admission',
      labels: only('operation', 'type'),
      definition:
        'All admission plugins of one step (admit: those that change objects, validate: those that judge them) for one request, webhooks included, whether it was rejected or not.',
      resolution: 'nothing below 5 ms, nothing beyond 2.5 s',
    },
    {
      family: 'apiserver_admission_webhook_admission_duration_seconds',
      id: 'admission-webhook',
      labels: ({ name = '', type = '' }) => ({ webhook: name, type }),
      definition: 'One admission webhook for one request, whether it was rejected or not.',
      resolution: 'nothing below 5 ms, nothing beyond 25 s',
    },
  ],
  numbers: [
    {
      family: 'apiserver_admission_controller_admission_duration_seconds_sum',
      per: 'apiserver_admission_controller_admission_duration_seconds_count',
      id: 'admission-controller',
      labels: ({ name = '', type = '' }) => ({ controller: name, type }),
      unit: 'us',
      kind: 'ratio',
      factor: 1e6,
      definition:
        'Time that one admission controller takes of one request, the mean over the run; most take less than the smallest bucket of their histogram.',
    },
    {
      family: 'apiserver_admission_webhook_rejection_count',
      id: 'admission-webhook-rejections',
      labels: ({ name = '', error_type = '' }) => ({ webhook: name, error_type }),
      unit: 'count',
      kind: 'increase',
      definition:
        'Requests that an admission webhook rejected, or that were rejected because it could not be asked.',
    },
  ],
};

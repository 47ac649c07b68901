import { admission } from './admission.ts';
import { etcd } from './etcd.ts';
import { flowControl } from './flow-control.ts';
import { processSpec } from './process.ts';
import { scheduler } from './scheduler.ts';
import { serverCalls } from './server-calls.ts';
import type { ComponentSpec } from './spec.ts';
import { storage } from './storage.ts';
import { watches } from './watches.ts';

export const apiServer = 'kube-apiserver';

/** What is told of each component beside its process. A new subject is a word here. */
const subjects: Readonly<Record<string, readonly ComponentSpec[]>> = {
  [apiServer]: [{ histograms: [serverCalls], numbers: [] }, admission, storage, flowControl, watches],
  etcd: [etcd],
  'kube-scheduler': [scheduler],
  'kube-controller-manager': [],
};

/** The components of a control plane. */
export const componentNames: readonly string[] = Object.keys(subjects);

export function specOf(component: string): ComponentSpec {
  const parts = [...(subjects[component] ?? []), processSpec(component)];
  return {
    histograms: parts.flatMap(({ histograms }) => histograms),
    numbers: parts.flatMap(({ numbers }) => numbers),
  };
}

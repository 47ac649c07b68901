/** On everything that a run makes; its value is the run's id. Cleaning up goes by it, and by nothing else. */
export const runLabel = 'hollowmark.dev/run';

/** The name of the phase that made an object. */
export const phaseLabel = 'hollowmark.dev/phase';

/**
 * What a pod is there for: `load` (made by a Deployment, fills the cluster), `latency` (made directly, its startup
 * is what is measured) or `failing` (as `load`, made so as to fail). Deployments and Jobs say what their pods are there for.
 */
export const purposeLabel = 'hollowmark.dev/purpose';

export type PodPurpose = 'load' | 'latency' | 'failing';

/** The taint that keeps the pods of others off hollow nodes of a shared cluster. Our load tolerates it. */
export const hollowTaintKey = 'hollowmark.dev/hollow';

/** On nodes with a runtime that is chosen by RuntimeClass: the name of both. */
export const runtimeLabel = 'hollowmark.dev/runtime';

/** Run ids end in four random digits. */
const runSuffixLength = 4;

/** What names on a cluster that others use too carry of their run, so that no two runs share any. */
export function runSuffix(runId: string): string {
  return runId.slice(-runSuffixLength);
}

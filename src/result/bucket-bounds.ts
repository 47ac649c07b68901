const doubling = (first: number, count: number): number[] =>
  Array.from({ length: count }, (_, index) => first * 2 ** index);

const seconds = (bounds: readonly number[]): number[] => bounds.map((bound) => Math.round(bound * 1e6));

const ofCalls = seconds([
  0.05, 0.1, 0.2, 0.4, 0.6, 0.8, 1, 1.25, 1.5, 2, 3, 4, 5, 6, 8, 10, 15, 20, 30, 45, 60,
]);
const ofFlowControl = seconds([0.005, 0.02, 0.05, 0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30]);
const ofEtcd = doubling(1000, 14);

/**
 * Bounds of the histograms that components tell, in microseconds, by SLI. A quantile lies somewhere between two of them,
 * whatever it is said to be.
 * Sources: k8s.io/apiserver pkg/endpoints/metrics, pkg/storage/etcd3/metrics, pkg/admission/metrics and
 * pkg/util/flowcontrol/metrics, k8s.io/kubernetes pkg/scheduler/metrics, all v1.36; etcd server/storage, v3.6.
 */
export const bucketBoundsUs: ReadonlyMap<string, readonly number[]> = new Map([
  ['api-call-server', ofCalls],
  ['etcd-request', [...seconds([0.005, 0.025]), ...ofCalls]],
  ['admission', seconds([0.005, 0.025, 0.1, 0.5, 1, 2.5])],
  ['admission-webhook', seconds([0.005, 0.025, 0.1, 0.5, 1, 2.5, 10, 25])],
  ['priority-level-wait', ofFlowControl],
  ['priority-level-execution', ofFlowControl],
  ['scheduling', doubling(10_000, 20)],
  ['scheduling-attempt', doubling(1000, 15)],
  ['scheduling-extension-point', doubling(100, 12)],
  ['etcd-wal-fsync', ofEtcd],
  ['etcd-backend-commit', ofEtcd],
]);

/**
 * What a value of this SLI is only known to be less than: it lies below the first bound, where nothing is told apart.
 * Undefined for all others.
 */
export function toldBelow(id: string, value: number): number | undefined {
  const [first] = bucketBoundsUs.get(id) ?? [];
  return first !== undefined && value <= first ? first : undefined;
}

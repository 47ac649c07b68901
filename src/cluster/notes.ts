import type { Cluster } from './cluster.ts';

/** What a reader must know of a cluster to read the figures of a run on it. */
export function clusterNotes({ foreign, identityMode }: Pick<Cluster, 'foreign' | 'identityMode'>): string[] {
  return [
    ...(foreign !== undefined
      ? [
          'The cluster was not started for this run: others may have used it meanwhile, and its control plane was only seen from outside.',
        ]
      : []),
    ...(identityMode === 'pooled'
      ? [
          'All hollow nodes were one user (--identity pooled): the Node authorizer had no part in it, so figures do not compare with those of other runs.',
        ]
      : []),
  ];
}

import type { Cluster } from './cluster.ts';

const noFsync = /^--unsafe-no-fsync(?:=(.*))?$/;

/** What the flags of a control plane of our own make of its figures: the last one of a name prevails. */
export function flagNotes({ argv }: Pick<Cluster, 'argv'>): string[] {
  const last = (argv['etcd'] ?? []).map((flag) => noFsync.exec(flag)).findLast((found) => found !== null);
  if (last === undefined || last === null || last[1] === 'false') return [];
  return ['etcd ran with --unsafe-no-fsync: figures on disk writes mean nothing.'];
}

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

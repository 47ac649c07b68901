import type { ComponentSpec } from './spec.ts';
import { summed } from './spec.ts';

const resolution = 'nothing below 1 ms; bucket bounds double, up to 8 s';

/**
 * etcd. Source of the families: etcd server/storage/wal, server/storage/backend and server/storage/mvcc, metrics.go, v3.6.
 * A control plane of our own does not wait for fsync, and has no such samples unless a scenario's extraFlags say otherwise.
 */
export const etcd: ComponentSpec = {
  histograms: [
    {
      family: 'etcd_disk_wal_fsync_duration_seconds',
      id: 'etcd-wal-fsync',
      labels: summed,
      definition:
        'One fsync of the write-ahead log. There are none with --unsafe-no-fsync, which etcd of a control plane of ours has unless a scenario turns it off.',
      resolution,
    },
    {
      family: 'etcd_disk_backend_commit_duration_seconds',
      id: 'etcd-backend-commit',
      labels: summed,
      definition: 'One commit of the database: the writes of up to 100 ms, together.',
      resolution,
    },
  ],
  numbers: [
    {
      family: 'etcd_mvcc_db_total_size_in_bytes',
      id: 'etcd-database-size',
      labels: () => ({ part: 'total' }),
      unit: 'bytes',
      kind: 'largest',
      definition: 'Size of the database file, free pages included, the largest reading.',
    },
    {
      family: 'etcd_mvcc_db_total_size_in_use_in_bytes',
      id: 'etcd-database-size',
      labels: () => ({ part: 'in-use' }),
      unit: 'bytes',
      kind: 'largest',
      definition: 'Size of the pages of the database that are in use, the largest reading.',
    },
    {
      family: 'etcd_server_proposals_pending',
      id: 'etcd-proposals-pending',
      labels: summed,
      unit: 'count',
      kind: 'largest',
      definition: 'Writes that wait to be committed, the largest reading.',
    },
  ],
};

import { mkdtempSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { silentReporter } from '../base/reporter.ts';
import { LocalCluster } from '../cluster/local-cluster.ts';
import { defaultVersion, officialReleaseUrl } from '../control-plane/control-plane.ts';
import { Guardian } from '../journal/guardian.ts';

/** What a benchmark stands on. */
export type BenchCluster = {
  cluster: LocalCluster;
  /** A folder of its own, which goes with it. */
  dir: string;
  children: Guardian;
};

/** Brings up a control plane with the flags `scale`, has `work` done on it, and takes all down. */
export async function withBenchCluster<T>(work: (bench: BenchCluster) => Promise<T>): Promise<T> {
  const dir = mkdtempSync(join(tmpdir(), 'hollowmark-bench-'));
  const children = new Guardian(dir);
  try {
    const cluster = await LocalCluster.start(
      {
        version: defaultVersion,
        binariesDir: undefined,
        releaseUrl: officialReleaseUrl,
        profile: 'scale',
        extraFlags: {},
        stateDir: join(dir, 'control-plane'),
        reporter: silentReporter,
        signal: new AbortController().signal,
        children,
      },
      'certificate',
    );
    try {
      return await work({ cluster, dir, children });
    } finally {
      await cluster.stop();
    }
  } finally {
    await children.release();
    rmSync(dir, { recursive: true, force: true });
  }
}

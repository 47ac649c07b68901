import { SystemFiles } from './system-files.ts';

export type CgroupLimits = {
  /** CPU time a second, in cores. */
  quotaCores: number | undefined;
  memoryLimitBytes: number | undefined;
  memoryAvailableBytes: number | undefined;
  threadsMax: number | undefined;
  threadsNow: number | undefined;
};

/** Version 1 writes "no limit" as the largest multiple of a page below 2^63. */
const unlimitedV1Bytes = 2 ** 60;

/**
 * The tightest limits of the cgroups that this process is in, version 1 or 2: a limit holds for all below it, so all
 * folders from the process's own up to the root of what is mounted are asked. Within a container that root is the
 * container's own, and a path that is not there is passed over.
 */
export function readCgroup(files: SystemFiles): CgroupLimits {
  const quotas: (number | undefined)[] = [];
  const memories: { limit: number; available: number | undefined }[] = [];
  const threads: { max: number; now: number | undefined }[] = [];
  for (const { controller, folders } of hierarchies(files)) {
    for (const folder of folders) {
      if (controller === '' || controller === 'cpu') quotas.push(quotaOf(files, folder));
      if (controller === '' || controller === 'memory') {
        const memory = memoryOf(files, folder);
        if (memory !== undefined) memories.push(memory);
      }
      if (controller === '' || controller === 'pids') {
        const max = files.number(`${folder}/pids.max`);
        if (max !== undefined && Number.isFinite(max)) {
          threads.push({ max, now: files.number(`${folder}/pids.current`) });
        }
      }
    }
  }
  const memory = memories.toSorted((a, b) => (a.available ?? a.limit) - (b.available ?? b.limit))[0];
  const pids = threads.toSorted((a, b) => a.max - (a.now ?? 0) - (b.max - (b.now ?? 0)))[0];
  const quota = Math.min(...quotas.map((cores) => cores ?? Number.POSITIVE_INFINITY));
  return {
    quotaCores: Number.isFinite(quota) ? quota : undefined,
    memoryLimitBytes: memory?.limit,
    memoryAvailableBytes: memory?.available,
    threadsMax: pids?.max,
    threadsNow: pids?.now,
  };
}

/** CPU time a second, in cores, that the cgroups of this process allow it; undefined where none limits it. */
export function readQuotaCores(root = '/'): number | undefined {
  return readCgroup(new SystemFiles(root)).quotaCores;
}

/**
 * The lines of proc_pid_cgroup(5), `4:memory:/a/b`, one for each controller that matters, as folders from `/a/b` up to
 * the mount. Version 2 has one line, `0::/a/b`, and no controller's name.
 */
function hierarchies(files: SystemFiles): { controller: string; folders: string[] }[] {
  const lines = (files.text('/proc/self/cgroup') ?? '').split('\n');
  return lines.flatMap((line) => {
    const [, names, ...rest] = line.split(':');
    const path = rest.join(':');
    if (names === undefined || !path.startsWith('/')) return [];
    if (names === '') {
      // Beside version 1 the second version is mounted elsewhere, and holds no controllers.
      return [{ controller: '', folders: upwards('/sys/fs/cgroup', path) }];
    }
    const wanted = names.split(',').filter((name) => ['cpu', 'memory', 'pids'].includes(name));
    // `cpu,cpuacct` is mounted under both names together and linked from each.
    return wanted.map((controller) => ({
      controller,
      folders: upwards(`/sys/fs/cgroup/${controller}`, path),
    }));
  });
}

function upwards(mount: string, path: string): string[] {
  const parts = path.split('/').filter((part) => part !== '');
  return Array.from({ length: parts.length + 1 }, (_, i) =>
    [mount, ...parts.slice(0, parts.length - i)].join('/'),
  );
}

/** `cpu.max` holds `200000 100000` or `max 100000`; version 1 has two files, and -1 for none. */
function quotaOf(files: SystemFiles, folder: string): number | undefined {
  const [quota, period] = (files.text(`${folder}/cpu.max`) ?? '').split(' ').map(Number);
  const quotaV1 = files.number(`${folder}/cpu.cfs_quota_us`);
  const periodV1 = files.number(`${folder}/cpu.cfs_period_us`);
  const cores = (quotaV1 ?? quota ?? Number.NaN) / (periodV1 ?? period ?? Number.NaN);
  return cores > 0 && Number.isFinite(cores) ? cores : undefined;
}

/** What is left: files that the kernel could drop do not count as used (Kubernetes' working set). */
function memoryOf(
  files: SystemFiles,
  folder: string,
): { limit: number; available: number | undefined } | undefined {
  const limit = files.number(`${folder}/memory.max`) ?? files.number(`${folder}/memory.limit_in_bytes`);
  if (limit === undefined || limit >= unlimitedV1Bytes) return undefined;
  const used = files.number(`${folder}/memory.current`) ?? files.number(`${folder}/memory.usage_in_bytes`);
  const statistics = files.text(`${folder}/memory.stat`) ?? '';
  const droppable =
    /^total_inactive_file (\d+)$/m.exec(statistics) ?? /^inactive_file (\d+)$/m.exec(statistics);
  const available =
    used === undefined ? undefined : Math.max(0, limit - Math.max(0, used - Number(droppable?.[1] ?? 0)));
  return { limit, available };
}

import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';

/**
 * Removes cgroups when its standard input ends, which it does however the harness ends; the kernel lets go of a cgroup
 * only when the last of its processes is gone. Exit code 1 when that was not so within 10 s.
 */
const script = `
trap '' HUP INT TERM
PATH=$PATH:/usr/bin:/bin
cat > /dev/null
tries=0
while :; do
  left=
  for dir in "$@"; do
    [ -d "$dir" ] || continue
    find "$dir" -depth -type d -exec rmdir {} \\;
    [ -d "$dir" ] && left=1
  done
  [ -z "$left" ] && exit 0
  tries=$((tries + 1))
  [ $tries -ge 100 ] && exit 1
  sleep 0.1
done
`;

/** The mount points of cgroup file systems in `/proc/self/mountinfo`: one, or one for each controller of version 1. */
export function cgroupMounts(mountinfo: string): string[] {
  const points = mountinfo.split('\n').flatMap((line) => {
    // proc(5): fields, ` - `, type of the file system; blanks in paths are written \\040.
    const [fields = '', tail = ''] = line.split(' - ');
    const isCgroup = /^cgroup2? /.test(tail);
    return isCgroup ? [(fields.split(' ')[4] ?? '').replaceAll('\\040', ' ')] : [];
  });
  return [...new Set(points)];
}

/** Those that a kubelet wants below its root. */
const kubeletControllers = new Set(['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'pids']);

/**
 * In version 2, a cgroup has the controllers that its parent hands down; here, a root hands down what it has. Version 1
 * has no such files.
 */
export async function offerControllers(mount: string): Promise<void> {
  const words = async (name: string): Promise<string[]> =>
    (await readFile(join(mount, name), 'utf8').catch(() => '')).trim().split(/\s+/);
  const handedDown = new Set(await words('cgroup.subtree_control'));
  for (const controller of await words('cgroup.controllers')) {
    if (!kubeletControllers.has(controller) || handedDown.has(controller)) continue;
    await writeFile(join(mount, 'cgroup.subtree_control'), `+${controller}`);
  }
}

/** A cgroup of our own in every hierarchy, below which a kubelet puts its pods. */
export type OwnCgroup = {
  /** As the kubelet's `cgroupRoot` has it: `/hollowmark-…`. */
  path: string;
  /** Removes it with all below, once their processes are gone. @returns whether it is gone. */
  remove(): Promise<boolean>;
};

/**
 * Makes the cgroup, and starts what removes it also when this process is killed.
 * @throws Error of the file system.
 */
export async function makeCgroup(name: string): Promise<OwnCgroup> {
  const mounts = cgroupMounts(await readFile('/proc/self/mountinfo', 'utf8'));
  const dirs = mounts.map((mount) => join(mount, name));
  const remover = spawn('/bin/sh', ['-c', script, 'hollowmark-cgroups', ...dirs], {
    cwd: '/',
    detached: true,
    stdio: ['pipe', 'ignore', 'ignore'],
  });
  const gone = new Promise<boolean>((resolve) => {
    remover.once('error', () => resolve(false));
    remover.once('exit', (code) => resolve(code === 0));
  });
  // It must not keep a harness that ends without a word from ending.
  remover.unref();
  (remover.stdin as Socket).unref();
  remover.stdin.on('error', () => {});
  const remove = (): Promise<boolean> => {
    remover.ref();
    remover.stdin.end();
    return gone;
  };
  try {
    for (const mount of mounts) await offerControllers(mount);
    for (const dir of dirs) await mkdir(dir);
  } catch (error) {
    await remove();
    throw error;
  }
  return { path: `/${name}`, remove };
}

import { spawn } from 'node:child_process';
import { mkdir, readFile, writeFile } from 'node:fs/promises';
import type { Socket } from 'node:net';
import { join } from 'node:path';

/**
 * Removes cgroups when its standard input ends, which it does however the harness ends; the kernel lets go of a cgroup
 * only when the last of its processes is gone. Exit code 1 when that was not so within 10 s. Arguments that begin with
 * `-` are what is to be written afterwards, and where: `-cpu:/sys/fs/cgroup/cgroup.subtree_control`. Whoever hands the
 * controller on by then keeps it, as the kernel then refuses.
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
  [ -z "$left" ] && break
  tries=$((tries + 1))
  [ $tries -ge 100 ] && exit 1
  sleep 0.1
done
for undo in "$@"; do
  case $undo in -*) printf %s "\${undo%%:*}" > "\${undo#*:}" ;; esac
done
exit 0
`;

/**
 * The mount points of cgroup file systems in `/proc/self/mountinfo`: one, or one for each controller of version 1.
 * @param controller leaves out those of version 1 that are another's; of version 2 only its own files say what it has.
 */
export function cgroupMounts(mountinfo: string, controller?: string): string[] {
  const points = mountinfo.split('\n').flatMap((line) => {
    // proc(5): fields, ` - `, type, source and options of the file system; blanks in paths are written \\040.
    const [fields = '', tail = ''] = line.split(' - ');
    const [type, , options = ''] = tail.split(' ');
    const has = controller === undefined || options.split(',').includes(controller);
    const isOne = type === 'cgroup2' || (type === 'cgroup' && has);
    return isOne ? [(fields.split(' ')[4] ?? '').replaceAll('\\040', ' ')] : [];
  });
  return [...new Set(points)];
}

/** Those that a kubelet wants below its root. */
const kubeletControllers = new Set(['cpu', 'cpuset', 'hugetlb', 'io', 'memory', 'pids']);

/** In version 2, what a cgroup hands down to its children. */
const handedDownFile = 'cgroup.subtree_control';
const controllersFile = 'cgroup.controllers';

/** The controllers of version 2 that a root has and does not hand down to its children. Version 1 has no such files. */
async function keptControllers(mount: string, wanted: ReadonlySet<string>): Promise<string[]> {
  const handedDown = new Set(await words(join(mount, handedDownFile)));
  const there = (await words(join(mount, controllersFile))) ?? [];
  return there.filter((controller) => wanted.has(controller) && !handedDown.has(controller));
}

/** Version 1 has a mount for each, which its options tell. */
async function hasController(mount: string, controller: string): Promise<boolean> {
  return (await words(join(mount, controllersFile)))?.includes(controller) ?? true;
}

/** @returns undefined when there is no such file. */
async function words(path: string): Promise<string[] | undefined> {
  return readFile(path, 'utf8').then(
    (text) => text.trim().split(/\s+/),
    () => undefined,
  );
}

/** A cgroup of our own in each of some hierarchies. */
export type OwnCgroup = {
  /** As the kubelet's `cgroupRoot` has it: `/hollowmark-…`. */
  path: string;
  /** Removes it with all below, once their processes are gone. @returns whether it is gone. */
  remove(): Promise<boolean>;
};

/** One in every hierarchy, below which a kubelet puts its pods. @throws Error of the file system. */
export async function kubeletCgroup(name: string): Promise<OwnCgroup> {
  return makeCgroup(name, cgroupMounts(await readMountinfo()), kubeletControllers);
}

/** One in which CPU time can be limited, in no hierarchy that has nothing to do with it. @throws Error of the file system. */
export async function cpuCgroup(name: string): Promise<OwnCgroup & { mounts: readonly string[] }> {
  const candidates = cgroupMounts(await readMountinfo(), 'cpu');
  const has = await Promise.all(candidates.map((mount) => hasController(mount, 'cpu')));
  const mounts = candidates.filter((_, index) => has[index]);
  return { ...(await makeCgroup(name, mounts, new Set(['cpu']))), mounts };
}

function readMountinfo(): Promise<string> {
  return readFile('/proc/self/mountinfo', 'utf8');
}

/**
 * Makes the cgroup, and starts what removes it also when this process is killed. Controllers that a root of version 2 did
 * not hand down before are taken back then.
 * @throws Error of the file system.
 */
export async function makeCgroup(
  name: string,
  mounts: readonly string[],
  controllers: ReadonlySet<string>,
): Promise<OwnCgroup> {
  const dirs = mounts.map((mount) => join(mount, name));
  const kept = await Promise.all(
    mounts.map(async (mount) =>
      (await keptControllers(mount, controllers)).map((controller) => ({
        controller,
        file: join(mount, handedDownFile),
      })),
    ),
  ).then((all) => all.flat());
  const undo = kept.map(({ controller, file }) => `-${controller}:${file}`);
  const remover = spawn('/bin/sh', ['-c', script, 'hollowmark-cgroups', ...dirs, ...undo], {
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
    for (const { controller, file } of kept) await writeFile(file, `+${controller}`);
    for (const dir of dirs) await mkdir(dir);
  } catch (error) {
    await remove();
    throw error;
  }
  return { path: `/${name}`, remove };
}

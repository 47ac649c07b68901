import { access, constants, readFile } from 'node:fs/promises';
import { join } from 'node:path';
import { HollowmarkError } from '../../base/errors.ts';

/** Where the programs of the system lie that a user's PATH may lack. */
const systemFolders = ['/usr/local/sbin', '/usr/sbin', '/sbin', '/usr/bin', '/bin'];

/** Where Debian puts CNI plugins, and where everybody else does. */
const cniFolders = ['/usr/lib/cni', '/opt/cni/bin'];

/** Those that the node's network is made of. */
const cniPlugins = ['ptp', 'host-local', 'loopback'];

/** Programs that must be in PATH, and the Debian package that has each. */
const packages: Readonly<Record<string, string>> = {
  containerd: 'containerd',
  'containerd-shim-runc-v2': 'containerd',
  ctr: 'containerd',
  runc: 'runc',
  busybox: 'busybox-static',
  unshare: 'util-linux',
  nsenter: 'util-linux',
  mount: 'mount',
  tar: 'tar',
};

/** What of this machine a real node needs. */
export type HostPrograms = {
  /** Path of a statically linked busybox, of which the image of pods is made. */
  busybox: string;
  /** Folder of the CNI plugins. */
  cniDir: string;
  /** The environment in which all of it is found. */
  env: NodeJS.ProcessEnv;
};

/** An environment with the folders of the system at the end of PATH. */
export function systemEnvironment(env: NodeJS.ProcessEnv, folders = systemFolders): NodeJS.ProcessEnv {
  return { ...env, PATH: [env['PATH'] ?? '', ...folders].filter((part) => part !== '').join(':') };
}

/**
 * @param nodes for messages: `a real node`.
 * @throws HollowmarkError `bad-input` where there are no namespaces to keep the nodes in.
 */
export function requireLinux(nodes: string): void {
  if (process.platform === 'linux') return;
  throw new HollowmarkError('bad-input', `${nodes} cannot run on ${process.platform}, only on Linux`);
}

/**
 * @param given the environment to look in. @param folders where else programs are looked for.
 * @throws HollowmarkError `bad-input` when this is not Linux, the user is not root or a program is missing, with the
 * command that installs all of them.
 */
export async function requireHostPrograms(
  given: NodeJS.ProcessEnv = process.env,
  folders = systemFolders,
): Promise<HostPrograms> {
  requireLinux('a real node');
  if (process.getuid?.() !== 0) {
    throw new HollowmarkError('bad-input', 'a real node needs root: its kubelet makes cgroups and mounts', {
      hint: 'run the command as root (`sudo`), or compare with kubemark: --against kubemark',
    });
  }
  const env = systemEnvironment(given, folders);
  const missing = new Map<string, string>();
  for (const [program, from] of Object.entries(packages)) {
    if ((await findProgram(program, env)) === undefined) missing.set(program, from);
  }
  const cniDir = await findCniDir();
  if (cniDir === undefined)
    missing.set(`CNI plugins ${cniPlugins.join(', ')}`, 'containernetworking-plugins');
  const busybox = await findProgram('busybox', env);
  if (busybox !== undefined && !(await isStatic(busybox))) {
    missing.set('a statically linked busybox', 'busybox-static');
  }
  if (missing.size > 0 || busybox === undefined || cniDir === undefined) {
    const what = [...missing.keys()].join(', ');
    throw new HollowmarkError(
      'bad-input',
      `a real node needs programs that are not on this machine: ${what}`,
      {
        hint: `apt-get install -y ${[...new Set(missing.values())].join(' ')}`,
      },
    );
  }
  return { busybox, cniDir, env };
}

async function findProgram(name: string, env: NodeJS.ProcessEnv): Promise<string | undefined> {
  for (const dir of (env['PATH'] ?? '').split(':')) {
    const path = join(dir, name);
    if (dir !== '' && (await isExecutable(path))) return path;
  }
  return undefined;
}

async function findCniDir(): Promise<string | undefined> {
  for (const dir of cniFolders) {
    const there = await Promise.all(cniPlugins.map((name) => isExecutable(join(dir, name))));
    if (there.every(Boolean)) return dir;
  }
  return undefined;
}

async function isExecutable(path: string): Promise<boolean> {
  try {
    await access(path, constants.X_OK);
    return true;
  } catch {
    return false;
  }
}

/** A program that is linked dynamically names its loader, which no image of ours has. */
async function isStatic(path: string): Promise<boolean> {
  const bytes = await readFile(path);
  return !bytes.includes('/ld-linux') && !bytes.includes('/ld-musl');
}
